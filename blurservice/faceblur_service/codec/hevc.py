"""The size that an HEVC picture is really coded with, and that it is one picture.

The container says one size, the HEVC data inside may say another, and the decoder allocates for
the latter: so the sequence headers are read here, before a decoder sees them. A picture also may
be cut into slices, each of which costs the decoder kilobytes however few bytes it has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from faceblur_service.codec.bmff import TOO_MANY, Bits
from faceblur_service.errors import BrokenPicture

_SEQUENCE = 33
_HEADERS = {32, 33, 34}
_MAX_HEADERS = 8  # a decoder keeps tables as large as the picture for each
_MAX_SLICES = 600  # of the highest level of the standard
MAX_UNITS = 100_000
"""Of all pictures of a file, each once."""

_MAX_SETUP = 64 * 1024


@dataclass(frozen=True, slots=True)
class Coded:
    """What a sequence header says of the pictures behind it."""

    width: int
    height: int
    colours: int
    """0 for grey, 1 for colours of half the size both ways, 2 and 3 for larger ones."""

    depth: int
    """Bits per sample."""

    def decoding(self, *, odd: bool) -> float:
        """Return bytes per pixel at the worst moment, measured.

        Two libraries' planes and tables, the colours made of them, and ours.

        Args:
            odd: The picture has an odd side, so half of it is no whole number.
        """
        deep = 1 if self.depth == 8 else 2
        if self.colours < 2 and not odd:
            return 4.7 + deep * (1 + self.colours / 2)
        return 3.2 + 6 * deep  # turned into colours of full size first


def coded(setup: bytes, data: bytes, left: list[int]) -> Coded:
    """Return how a picture is coded, at its largest.

    Args:
        setup: The body of the box `hvcC`.
        data: The picture.
        left: How many units may still be walked; changed.

    Raises:
        BrokenPicture: It is not one picture, or its size is not said.
    """
    if not 23 <= len(setup) <= _MAX_SETUP or setup[21] & 3 != 3:
        raise BrokenPicture("The HEIC header cannot be read.")
    found, headers, slices, pictures = list[Coded](), 0, 0, 0
    for unit in chain(_setup_units(setup), _units(data)):
        left[0] -= 1
        if left[0] < 0:
            raise BrokenPicture(TOO_MANY)
        kind = unit[0] >> 1 & 63
        if unit[0] & 1 or unit[1] >> 3:
            continue  # of another layer, as the second eye's: decoders of one layer leave it out
        headers += kind in _HEADERS
        if kind == _SEQUENCE:
            found.append(_sequence(unit[2:]))
        elif kind < min(_HEADERS):
            slices += 1
            pictures += unit[2] >> 7
    if not found or pictures != 1 or slices > _MAX_SLICES or headers > _MAX_HEADERS:
        raise BrokenPicture("The HEIC does not hold one picture where it says so.")
    return max(found, key=lambda one: one.width * one.height * one.decoding(odd=False))


def _setup_units(setup: bytes) -> Iterator[bytes]:
    at = 23
    for _ in range(setup[22]):
        count = int.from_bytes(setup[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            length = int.from_bytes(setup[at : at + 2], "big")
            if length < 3 or at + 2 + length > len(setup):
                raise BrokenPicture("The HEIC header cannot be read.")
            yield setup[at + 2 : at + 2 + length]
            at += 2 + length


def _units(data: bytes) -> Iterator[bytes]:
    """Yield the beginning of each unit, which is all that its header needs."""
    at = 0
    while at + 4 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length < 3 or at + 4 + length > len(data):
            raise BrokenPicture("The picture is cut off.")
        yield data[at + 4 : at + 4 + min(length, 512)]
        at += 4 + length


def _sequence(body: bytes) -> Coded:
    # Where a number could be taken for the start of a unit, a 3 was put in.
    read = Bits(body.replace(b"\0\0\3", b"\0\0"))
    read.take(4)
    layers = read.take(3)
    read.take(1)
    read.take(96)
    _skip_layers(read, layers)
    _number(read)
    chroma = _number(read)
    if chroma == 3:
        read.take(1)
    width, height = _number(read), _number(read)
    if read.take(1):
        for _ in range(4):
            _number(read)
    return Coded(width, height, chroma, 8 + max(_number(read), _number(read)))


def _skip_layers(read: Bits, layers: int) -> None:
    present = [(read.take(1), read.take(1)) for _ in range(layers)]
    if layers:
        read.take(2 * (8 - layers))
    for profile, level in present:
        read.take(88 * profile + 8 * level)


def _number(read: Bits) -> int:
    """Return a number of variable length."""
    zeros = 0
    while zeros < 32 and not read.take(1):
        zeros += 1
    return (1 << zeros) - 1 + read.take(zeros)
