"""The items of a HEIF file: which one is the picture, and what it is made of.

Read from the boxes alone. What does not belong to the picture is put out of the decoder's sight:
thumbnails, depth, further pictures, films and every kind of metadata.
"""

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from faceblur_service.codec.bmff import TOO_MANY, children, items
from faceblur_service.errors import BrokenPicture, UnsupportedPicture

# Of properties that items have, and of other items that they name: far more than a picture needs.
_MAX_USES = 100_000
_NOTHING = b"free"
_TOP = {b"ftyp", b"meta", b"mdat"}
_PARTS = {b"hdlr", b"pitm", b"iinf", b"iloc", b"iprp", b"iref", b"idat"}
_PROPERTIES = {b"ispe", b"hvcC", b"colr", b"pixi", b"irot", b"imir", b"clap", b"auxC"}
_LISTS = {b"ipco", b"ipma"}
_LINKS = {b"dimg", b"auxl"}


@dataclass(slots=True)
class Heif:
    """A file's boxes."""

    data: bytes
    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    properties: dict[int, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    """Name and body of each property of an item."""

    links: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)
    """What items are to another: name, from, to."""

    kind_places: dict[int, int] = field(default_factory=dict)
    """Where it is written what an item is."""

    strange: list[int] = field(default_factory=list)
    """Where the names of boxes are written that a picture does not need."""

    table: bytes = b""
    inside: bytes = b""

    def one(self, number: int, name: bytes) -> bytes:
        """Return the body of an item's only property of that name.

        Raises:
            BrokenPicture: It has none, or several.
        """
        found = [body for kind, body in self.properties.get(number, ()) if kind == name]
        if len(found) != 1:
            raise BrokenPicture("The HEIC header cannot be read.")
        return found[0]

    def linked(self, name: bytes, number: int) -> tuple[int, ...]:
        """Return the items that one names as that."""
        found = [to for kind, start, to in self.links if kind == name and start == number]
        if len(found) > 1:
            raise BrokenPicture("The HEIC header cannot be read.")
        return found[0] if found else ()

    def bytes_of(self, wanted: Collection[int]) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of items; a file need not be in memory once more."""
        return items(self.table, self.data, self.inside, wanted)

    def only(self, wanted: set[int]) -> bytes:
        """Return the file with nothing else in a decoder's sight than these items."""
        out = bytearray(self.data)
        others = (place for number, place in self.kind_places.items() if number not in wanted)
        for place in (*self.strange, *others):
            out[place : place + 4] = _NOTHING
        return bytes(out)


def read(data: bytes) -> Heif:
    """Return the boxes of a file.

    Raises:
        UnsupportedPicture: There is no picture, as in a film.
        BrokenPicture: They contradict each other, or are cut off.
    """
    found = Heif(data)
    top = _each(found, 0, len(data), _TOP)
    if all(name != b"meta" for name, _, _ in top):
        raise UnsupportedPicture("The HEIC holds a film, and no picture.")
    start, end = _once(top, b"meta")
    parts = _each(found, start + 4, end, _PARTS)
    names = {name for name, _, _ in parts}
    found.table = data[slice(*_once(parts, b"iloc"))]
    if b"idat" in names:
        found.inside = data[slice(*_once(parts, b"idat"))]
    start, end = _once(parts, b"pitm")
    wide = data[start] > 0
    found.primary = int.from_bytes(data[start + 4 : start + (8 if wide else 6)], "big")
    _read_kinds(found, *_once(parts, b"iinf"))
    _read_properties(found, *_once(parts, b"iprp"))
    if b"iref" in names:
        _read_links(found, *_once(parts, b"iref"))
    return found


def _each(
    found: Heif, start: int, end: int, known: Collection[bytes]
) -> list[tuple[bytes, int, int]]:
    """Return the boxes between two places, and note those that are not known."""
    inner = list(children(found.data, start, end))
    at = start
    for name, _first, last in inner:
        if name not in known:
            found.strange.append(at + 4)
        at = last
    return inner


def _once(parts: list[tuple[bytes, int, int]], name: bytes) -> tuple[int, int]:
    places = [(start, end) for kind, start, end in parts if kind == name]
    if len(places) != 1:
        raise BrokenPicture("The HEIC header cannot be read.")
    return places[0]


def _read_kinds(found: Heif, start: int, end: int) -> None:
    data = found.data
    for name, first, _last in children(data, start + (6 if data[start] == 0 else 8), end):
        version = data[first]
        if name != b"infe" or version not in {2, 3}:
            raise UnsupportedPicture("This kind of HEIC is not supported.")
        wide = 4 if version == 3 else 2
        number = int.from_bytes(data[first + 4 : first + 4 + wide], "big")
        place = first + 6 + wide
        if number in found.kinds:
            raise BrokenPicture("The HEIC header cannot be read.")
        found.kinds[number] = data[place : place + 4]
        found.kind_places[number] = place


def _read_properties(found: Heif, start: int, end: int) -> None:
    data = found.data
    parts = _each(found, start, end, _LISTS)
    boxes = _each(found, *_once(parts, b"ipco"), _PROPERTIES)
    known = [(name, data[first:last]) for name, first, last in boxes]
    first, last = _once(parts, b"ipma")
    wide = 2 if data[first + 3] & 1 else 1
    numbers = 4 if data[first] else 2
    at, left = first + 8, _MAX_USES
    for _ in range(int.from_bytes(data[first + 4 : first + 8], "big")):
        if at + numbers >= last:
            raise BrokenPicture("The HEIC header cannot be read.")
        left -= 1 + data[at + numbers]
        if left < 0:
            raise BrokenPicture(TOO_MANY)
        number = int.from_bytes(data[at : at + numbers], "big")
        count = data[at + numbers]
        at += numbers + 1
        chosen = found.properties.setdefault(number, [])
        for use in range(at, at + count * wide, wide):
            index = int.from_bytes(data[use : use + wide], "big") & (0x7FFF if wide == 2 else 0x7F)
            if 0 < index <= len(known):
                chosen.append(known[index - 1])
        at += count * wide


def _read_links(found: Heif, start: int, end: int) -> None:
    data = found.data
    wide, form = (4, "I") if data[start] else (2, "H")
    left = _MAX_USES
    for name, first, last in _each(found, start + 4, end, _LINKS):
        number = int.from_bytes(data[first : first + wide], "big")
        count = int.from_bytes(data[first + wide : first + wide + 2], "big")
        left -= count
        if left < 0:
            raise BrokenPicture(TOO_MANY)
        if first + wide + 2 + count * wide > last:
            raise BrokenPicture("The HEIC header cannot be read.")
        to = struct.unpack_from(f">{count}{form}", data, first + wide + 2)
        found.links.append((name, number, to))
