"""The boxes that AVIF and HEIC files are made of, walked without a decoder.

Every reader stops at the end of the bytes, and none follows more than a file can need.
"""

import struct
from collections.abc import Collection, Iterator

from faceblur_service.errors import BrokenPicture

_MAX_BOXES = 10_000
_MAX_ITEMS = 20_000
_MAX_PARTS = 100_000
TOO_MANY = "The picture is made of too many parts."


def boxes(data: bytes, inside: dict[bytes, int]) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each box's body.

    Args:
        data: The file.
        inside: Boxes that are walked themselves, and how many bytes come before their first one.

    Raises:
        BrokenPicture: There are far more than a picture needs.
    """
    yield from _boxes(data, 0, len(data), inside, [_MAX_BOXES])


def children(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the body of each box between two places.

    Raises:
        BrokenPicture: There are far more than a picture needs.
    """
    yield from _boxes(data, start, end, {}, [_MAX_BOXES])


def _boxes(
    data: bytes, at: int, end: int, inside: dict[bytes, int], left: list[int]
) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= end:
        left[0] -= 1
        if left[0] < 0:
            # Not only left out: a decoder would see them.
            raise BrokenPicture(TOO_MANY)
        size, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        after = end if size == 0 else min(end, at + max(size, head))
        if name in inside:
            yield from _boxes(data, at + head + inside[name], after, inside, left)
        else:
            yield name, at + head, after
        at = after


class Bits:
    """Reads big-endian numbers of bytes or bits; zeros behind the end."""

    def __init__(self, data: bytes) -> None:
        """Start at the first bit."""
        self._data, self._bit = data, 0

    def take(self, count: int) -> int:
        """Return the number that the next bits are."""
        first, last = self._bit // 8, -(-(self._bit + count) // 8)
        chunk = self._data[first:last].ljust(last - first, b"\0")
        value = int.from_bytes(chunk, "big") >> last * 8 - self._bit - count
        self._bit += count
        return value & (1 << count) - 1

    def at_end(self) -> bool:
        """Return whether there is nothing left."""
        return self._bit >= len(self._data) * 8


def items(
    table: bytes, data: bytes, inside: bytes, wanted: Collection[int] | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each item.

    Args:
        table: The body of the box `iloc`, which says where they are.
        data: The file.
        inside: The body of the box `idat`.
        wanted: Numbers of the items to yield; None for all.

    Raises:
        BrokenPicture: They are made of far more bytes than the file has, or of too many parts.
    """
    read = Bits(table)
    version = read.take(8)
    read.take(24)
    offset, length, base, index = (8 * read.take(4) for _ in range(4))
    index = index if version in {1, 2} else 0
    room, left = 2 * len(data), _MAX_PARTS  # parts may overlap, but not without end
    for known in range(read.take(32 if version == 2 else 16)):
        if read.at_end():
            return
        if known > _MAX_ITEMS or left < 0:
            raise BrokenPicture(TOO_MANY)
        number = read.take(32 if version == 2 else 16)
        method = read.take(16) & 15 if version in {1, 2} else 0
        read.take(16)
        start, count = read.take(base), read.take(16)
        if wanted is not None and number not in wanted:
            read.take(count * (index + offset + length))
            continue
        source = memoryview(inside if method == 1 else data)
        parts = []
        left -= count
        for _ in range(count if left >= 0 else 0):
            read.take(index)
            at = start + read.take(offset)
            size = read.take(length)
            parts.append(source[at : at + size] if size else source[at:])
            room -= len(parts[-1]) + 1
            if room < 0:
                raise BrokenPicture("The picture is made of more bytes than it has.")
        yield number, b"".join(parts)
