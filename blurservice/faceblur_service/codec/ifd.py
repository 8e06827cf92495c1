"""The tables of a TIFF file or an EXIF block, walked without reading what they point at."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from faceblur_service.errors import BrokenPicture

MAX_TABLES = 1000
BITS, ORIENTATION = 0x0102, 0x0112

_INLINE_INTS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MAX_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Table:
    """One table: the whole numbers of its entries that hold just one; the first of the bits."""

    numbers: dict[int, int] = field(default_factory=dict)


def tables(data: bytes) -> Iterator[Table]:
    """Yield the tables of a TIFF file in their order, each once even when they form a ring.

    Raises:
        BrokenPicture: It is not a TIFF, or a table is cut off or absurdly long.
    """
    layout = _layout(data)
    at, seen = layout.first(data), set[int]()
    while at and at not in seen and len(seen) < MAX_TABLES:
        seen.add(at)
        table, at = _table(data, at, layout)
        yield table


def orientation(exif: bytes | None) -> int:
    """Return how an EXIF block says to turn the pixels: 1 to 8, 1 when it does not say."""
    if not exif:
        return 1
    try:
        found = next(tables(exif.removeprefix(b"Exif\0\0")), Table())
    except BrokenPicture:
        return 1
    value = found.numbers.get(ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


@dataclass(frozen=True, slots=True)
class _Layout:
    order: str
    big: bool

    def first(self, data: bytes) -> int:
        """Return where the first table is."""
        return self.read("Q", data, 8) if self.big else self.read("I", data, 4)

    def read(self, kind: str, data: bytes, at: int) -> int:
        """Return one number."""
        try:
            return int(struct.unpack_from(self.order + kind, data, at)[0])
        except struct.error as err:
            raise BrokenPicture("The picture's tables are cut off.") from err


def _layout(data: bytes) -> _Layout:
    orders = {b"II": "<", b"MM": ">"}
    order = orders.get(data[:2])
    if order is None:
        raise BrokenPicture("The picture has no TIFF header.")
    layout = _Layout(order, big=False)
    version = layout.read("H", data, 2)
    if version == 43:
        return _Layout(order, big=True)
    if version != 42:
        raise BrokenPicture("The picture has no TIFF header.")
    return layout


def _table(data: bytes, at: int, layout: _Layout) -> tuple[Table, int]:
    count = layout.read("Q" if layout.big else "H", data, at)
    if count > _MAX_ENTRIES:
        raise BrokenPicture(f"The picture has a table of {count} entries.")
    at += 8 if layout.big else 2
    entry, room = ("HHQ", 8) if layout.big else ("HHI", 4)
    length = struct.calcsize("=" + entry)
    numbers: dict[int, int] = {}
    for _ in range(count):
        try:
            tag, kind, n = struct.unpack_from(layout.order + entry, data, at)
        except struct.error as err:
            raise BrokenPicture("The picture's tables are cut off.") from err
        if n == 1 and kind in _INLINE_INTS:
            numbers.setdefault(tag, layout.read(_INLINE_INTS[kind], data, at + length))
        elif tag == BITS and kind == 3:
            place = at + length
            if 2 * n > room:
                place = layout.read("Q" if layout.big else "I", data, place)
            if place + 2 <= len(data):
                numbers.setdefault(tag, layout.read("H", data, place))
        at += length + room
    try:
        following = layout.read("Q" if layout.big else "I", data, at)
    except BrokenPicture:
        following = 0  # many writers of EXIF leave out the end of the chain
    return Table(numbers), following
