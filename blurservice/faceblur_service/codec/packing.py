"""Bits to bytes, the lowest first: one value at a time, and millions at once."""

import numpy as np
import numpy.typing as npt

_WORD = 64


class Bits:
    """Values one by one; what headers are made of."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.whole = bytearray()
        """Bytes that are complete."""

        self.rest, self.count = 0, 0

    def put(self, value: int, size: int) -> None:
        """Append the lowest bits of a value."""
        self.rest |= value << self.count
        self.count += size
        full = self.count // 8
        self.whole += (self.rest & ((1 << 8 * full) - 1)).to_bytes(full, "little")
        self.rest >>= 8 * full
        self.count -= 8 * full

    def done(self) -> bytes:
        """Return all of it, zeros behind the last bit."""
        return bytes(self.whole) + (bytes((self.rest,)) if self.count else b"")


class Words:
    """Many values at once, behind what others have put."""

    def __init__(self, out: Bits) -> None:
        """Go on with what is there."""
        self._out = out

    def put(self, values: npt.NDArray[np.uint64], sizes: npt.NDArray[np.int64]) -> None:
        """Append values; none has more than 63 bits, and none bits beyond its size."""
        ends = np.cumsum(sizes) + self._out.count
        starts = ends - sizes
        total = int(ends[-1]) if ends.size else self._out.count
        words = np.zeros(total // _WORD + 2, np.uint64)
        words[0] = self._out.rest
        at, shift = starts // _WORD, (starts % _WORD).astype(np.uint64)
        if values.size:
            # Their bits are apart, so the sum of all in a word is the word.
            firsts = np.flatnonzero(np.concatenate(([True], at[1:] != at[:-1])))
            words[at[firsts]] += np.add.reduceat(values << shift, firsts)
            over = np.flatnonzero(starts % _WORD + sizes > _WORD)
            words[at[over] + 1] += values[over] >> (np.uint64(_WORD) - shift[over])
        packed = words.astype("<u8", copy=False).view(np.uint8)
        full = total // 8
        self._out.whole += packed[:full].tobytes()
        self._out.rest, self._out.count = int(packed[full]), total % 8
