"""WebP without loss, written strip by strip: what a large picture needs.

libwebp's encoder takes 20 bytes for each pixel, more where there is transparency, because it looks
for repetitions in all of the picture. Here a pixel is stored less a guess from its neighbours, runs
of equal ones as their length, and all of it in Huffman codes: a tenth to a third more bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceblur_service.blurring import Picture
from faceblur_service.codec.huffman import codes_of, lengths_of
from faceblur_service.codec.packing import Bits, Words

Values = npt.NDArray[np.uint64]

GREEN, RED, BLUE, ALPHA = 0, 1, 2, 3
"""The order in which the format stores a pixel's channels."""

_SIGNATURE = 0x2F
_PREDICTOR, _SUBTRACT_GREEN, _INDEXING = 0, 2, 3
# Of the left and the upper neighbour the one that is more like both.
_SELECT = 11
# One guess for the whole picture: its blocks are as large as the format has them.
_BLOCK_BITS = 9
_LITERALS, _LENGTHS, _DISTANCES = 256, 24, 40
# A shorter run is hardly dearer pixel by pixel.
_LEAST_RUN, _MOST_RUN = 8, 4096
# "The pixel before" is the second of the format's neighbours.
_BEFORE = 1
_ALL_LENGTHS = 16
_LENGTH_ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

Strips = Callable[[], Iterator[Picture]]
"""Yields rows of pixels from the top: uint8, shape (rows, width, 4), in the order of channels."""


def encode_argb(width: int, height: int, strips: Strips, *, alpha: bool) -> bytes:
    """Return the body of a chunk VP8L.

    Args:
        width: Of the picture.
        height: Of the picture.
        strips: Called twice; yields the picture's pixels.
        alpha: Whether a reader should look at transparency.
    """
    out = Bits()
    out.put(_SIGNATURE, 8)
    out.put(width - 1, 14)
    out.put(height - 1, 14)
    out.put(int(alpha), 1)
    out.put(0, 3)
    out.put(1 | _SUBTRACT_GREEN << 1, 3)
    out.put(1 | _PREDICTOR << 1, 3)
    out.put(_BLOCK_BITS - 2, 3)
    _put_one_colour(out, _SELECT)
    out.put(0, 1)
    _put_pixels(out, lambda: _residuals(strips()))
    return out.done()


def encode_plane(strips: Strips) -> bytes:
    """Return what a plane of transparency is stored as, without a header.

    Args:
        strips: Called twice; yields the plane as green, with nothing in the other channels.
    """
    out = Bits()
    # A table in which each value stands for itself: libwebp reads such planes in a byte a pixel.
    out.put(1 | _INDEXING << 1, 3)
    out.put(255, 8)
    table = np.zeros((1, 256, 4), np.uint8)
    table[0, 1:, GREEN] = 1
    _put_pixels(out, lambda: iter((table,)), is_main=False)
    out.put(0, 1)
    _put_pixels(out, strips)
    return out.done()


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Pixels, and how often each is repeated behind itself."""

    pixels: Picture
    """uint8, shape (count, 4)."""

    after: npt.NDArray[np.int64]
    """Indices of the pixels that a run follows."""

    symbols: npt.NDArray[np.int64]
    """Of the length of each run, among all of green."""

    extra: Values
    """Bits behind such a symbol."""

    extra_bits: npt.NDArray[np.int64]


def _put_pixels(out: Bits, strips: Strips, *, is_main: bool = True) -> None:
    counts = [np.zeros(_LITERALS + _LENGTHS, np.int64)]
    counts += [np.zeros(_LITERALS, np.int64) for _ in (RED, BLUE, ALPHA)]
    for part in strips():
        tokens = _tokens(part)
        for channel, count in enumerate(counts):
            count[:_LITERALS] += _histogram(tokens.pixels, channel)
        counts[GREEN] += np.bincount(tokens.symbols, minlength=_LITERALS + _LENGTHS)
    out.put(0, 1)  # no cache of colours
    if is_main:
        out.put(0, 1)  # the same codes everywhere
    distances = np.zeros(_DISTANCES, np.int64)
    distances[_BEFORE] = 1
    tables = [_put_code(out, count) for count in (*counts, distances)]
    words = Words(out)
    for part in strips():
        words.put(*_coded(_tokens(part), tables))


def _put_one_colour(out: Bits, green: int) -> None:
    """Put an image of one colour, of any size: not a bit for any of its pixels."""
    out.put(0, 1)
    for symbol in (green, 0, 0, 0, 0):
        _put_symbol(out, symbol)


def _put_symbol(out: Bits, symbol: int) -> None:
    """Put a code of one symbol, of up to eight bits."""
    out.put(0b101, 3)
    out.put(symbol, 8)


def _put_code(out: Bits, counts: npt.NDArray[np.int64]) -> tuple[Values, npt.NDArray[np.int64]]:
    """Put a Huffman code, and return the code and its length in bits of each symbol."""
    used = np.flatnonzero(counts)
    if used.size == 1:
        _put_symbol(out, int(used[0]))
        return np.zeros(counts.size, np.uint64), np.zeros(counts.size, np.int64)
    lengths = lengths_of(counts)
    out.put(0, 1)
    out.put(len(_LENGTH_ORDER) - 4, 4)
    for kind in _LENGTH_ORDER:
        # Lengths 0 to 15, each in four bits: what a shorter form would save is next to nothing.
        out.put(4 if kind < _ALL_LENGTHS else 0, 3)
    out.put(0, 1)
    turned = codes_of(np.full(_ALL_LENGTHS, 4))
    for length in lengths.tolist():
        out.put(int(turned[length]), 4)
    return codes_of(lengths), lengths


def _tokens(part: Picture) -> _Tokens:
    flat = np.ascontiguousarray(part).reshape(-1, 4)
    whole = flat.view(np.uint32)[:, 0]
    starts = np.flatnonzero(np.concatenate(([True], whole[1:] != whole[:-1])))
    lengths = np.diff(np.append(starts, whole.size))
    long = lengths > _LEAST_RUN
    firsts, rests = starts[long], lengths[long] - 1
    # What is left of a long run behind runs of the greatest length is one more run.
    pieces = -(-rests // _MOST_RUN)
    index = np.repeat(np.arange(rests.size), pieces)
    order = np.arange(index.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    runs = np.minimum(rests[index] - order * _MOST_RUN, _MOST_RUN)
    kept = np.ones(whole.size, np.bool_)
    _clear(kept, firsts + 1, rests)
    places = np.cumsum(kept) - 1
    symbols, extra, extra_bits = _prefixes(runs)
    return _Tokens(flat[kept], places[firsts[index]], _LITERALS + symbols, extra, extra_bits)


def _clear(
    kept: npt.NDArray[np.bool_], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> None:
    steps = np.zeros(kept.size + 1, np.int32)
    steps[starts] += 1
    steps[starts + lengths] -= 1
    kept[np.cumsum(steps[:-1]) > 0] = False


def _prefixes(
    runs: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], Values, npt.NDArray[np.int64]]:
    """Return symbol, further bits and their number of each length, from 5 on."""
    less = runs - 1
    high = np.frexp(less.astype(np.float64))[1].astype(np.int64) - 1
    second = less >> (high - 1) & 1
    bits = high - 1
    return 2 * high + second, (less & ((1 << bits) - 1)).astype(np.uint64), bits


def _histogram(pixels: Picture, channel: int) -> npt.NDArray[np.int64]:
    plane = np.ascontiguousarray(pixels[:, channel]).reshape(-1, 1)
    return np.bincount(plane[:, 0], minlength=_LITERALS).astype(np.int64)


def _coded(
    tokens: _Tokens, tables: Sequence[tuple[Values, npt.NDArray[np.int64]]]
) -> tuple[Values, npt.NDArray[np.int64]]:
    """Return the bits of each token, and how many they are."""
    count = len(tokens.pixels)
    values, sizes = np.zeros(count, np.uint64), np.zeros(count, np.int64)
    for channel in (GREEN, RED, BLUE, ALPHA):
        codes, lengths = tables[channel]
        symbols = tokens.pixels[:, channel]
        values |= codes[symbols] << sizes.astype(np.uint64)
        sizes += lengths[symbols]
    codes, lengths = tables[GREEN]
    run_sizes = lengths[tokens.symbols]
    runs = codes[tokens.symbols] | tokens.extra << run_sizes.astype(np.uint64)
    behind = tokens.after + 1
    return (
        np.insert(values, behind, runs),
        np.insert(sizes, behind, run_sizes + tokens.extra_bits),
    )


def _residuals(strips: Iterator[Picture]) -> Iterator[Picture]:
    """Yield pixels with less of green in red and blue, less what their neighbours let expect."""
    above: Picture | None = None
    for strip in strips:
        part = strip.copy()
        part[:, :, RED] -= strip[:, :, GREEN]
        part[:, :, BLUE] -= strip[:, :, GREEN]
        guess = np.empty_like(part)
        upper = np.concatenate((part[:1] if above is None else above, part[:-1]))
        if part.shape[1] > 1:
            guess[:, 1:] = _select(part[:, :-1], upper[:, 1:], upper[:, :-1])
        guess[:, 0] = upper[:, 0]
        if above is None:
            guess[0, 1:] = part[0, :-1]
            guess[0, 0] = 0
            guess[0, 0, ALPHA] = 255
        above = part[-1:].copy()
        yield part - guess


def _select(left: Picture, upper: Picture, corner: Picture) -> Picture:
    """Return the left neighbour where the upper one differs less from the corner."""
    from_upper = _distance(upper, corner)
    from_left = _distance(left, corner)
    return np.where((from_upper < from_left)[:, :, None], left, upper)


def _distance(one: Picture, other: Picture) -> npt.NDArray[np.uint16]:
    apart = np.asarray(cv2.absdiff(one, other)).astype(np.uint16)
    return np.asarray(apart[:, :, 0] + apart[:, :, 1] + apart[:, :, 2] + apart[:, :, 3], np.uint16)
