"""Huffman codes of at most fifteen bits, as WebP wants them."""

import heapq

import numpy as np
import numpy.typing as npt

MOST_BITS = 15

Counts = npt.NDArray[np.int64]


def lengths_of(counts: Counts) -> Counts:
    """Return for each symbol how long its code is; 0 where it is not used.

    Args:
        counts: How often each symbol occurs; at least two of them do.
    """
    least = 1
    while True:
        lengths = _huffman(np.where(counts > 0, np.maximum(counts, least), 0))
        if lengths.max() <= MOST_BITS:
            return lengths
        # Rarer symbols than this would have longer codes.
        least *= 2


def codes_of(lengths: Counts) -> npt.NDArray[np.uint64]:
    """Return the canonical code of each symbol, the first bit lowest."""
    codes = np.zeros(lengths.size, np.uint64)
    following = 0
    for length in range(1, MOST_BITS + 1):
        following <<= 1
        for symbol in np.flatnonzero(lengths == length).tolist():
            codes[symbol] = int(f"{following:0{length}b}"[::-1], 2)
            following += 1
    return codes


def _huffman(counts: Counts) -> Counts:
    used = np.flatnonzero(counts).tolist()
    # A number for each, so that equal counts are never compared further.
    heap = [(int(counts[symbol]), number, [symbol]) for number, symbol in enumerate(used)]
    heapq.heapify(heap)
    lengths = np.zeros(counts.size, np.int64)
    number = len(heap)
    while len(heap) > 1:
        (few, _, one), (many, _, other) = heapq.heappop(heap), heapq.heappop(heap)
        both = one + other
        lengths[both] += 1
        heapq.heappush(heap, (few + many, number, both))
        number += 1
    return lengths
