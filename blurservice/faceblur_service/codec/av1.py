"""The size that an AVIF's pictures are really coded with.

The container says one size, the AV1 data inside may say another, and the decoder allocates for
the latter before it scales to the former: a file of 300 bytes could cost gigabytes. So the
sequence headers are read here, before a decoder sees them.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from faceblur_service.codec.bmff import Bits, boxes, items
from faceblur_service.codec.formats import MAX_FRAMES
from faceblur_service.errors import BrokenPicture, PictureTooLarge

_HOLDERS = {b"meta": 4, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}
_SEQUENCE_HEADER = 1
# Colours and transparency of every frame in a chunk of its own, each walked to the file's end.
_MAX_CHUNKS = 2 * MAX_FRAMES
_MAX_UNITS = 500_000
# Bytes up to the depth of colours, with as many operating points as there can be.
_LONGEST_HEADER = 512
# Tables of parts: the file's own, and those of the metadata of its two tracks.
_MAX_TABLES = 3


@dataclass(frozen=True, slots=True)
class Coded:
    """What the AV1 sequences in a file say of their frames, the most of each."""

    pixels: int = 0
    profile: int = 0
    """0 is up to 10 bits with colours at half the resolution; more may take twice the memory."""

    deep: bool = False
    """More than 8 bits, which a decoder keeps as 16."""


def largest_frame(data: bytes) -> Coded:
    """Return what a decoder will allocate for.

    Raises:
        PictureTooLarge: More chunks of frames than a picture of so many frames needs.
        BrokenPicture: Far more to walk than the file's size explains.
    """
    largest, left = Coded(), [_MAX_UNITS]
    for sample in _samples(data):
        for body in _sequence_headers(sample, left):
            profile = body[0] >> 5 if body else 0
            pixels, deep = _pixels(body)
            largest = Coded(
                max(largest.pixels, pixels), max(largest.profile, profile), largest.deep or deep
            )
    return largest


def _samples(data: bytes) -> Iterator[memoryview]:
    insides, tables, chunks = list[bytes](), list[bytes](), 0
    for name, start, end in boxes(data, _HOLDERS):
        if name == b"idat":
            insides.append(data[start:end])
        elif name == b"iloc":
            tables.append(data[start:end])
        elif name in {b"stco", b"co64"}:
            form, size = (">I", 4) if name == b"stco" else (">Q", 8)
            chunks += (end - start - 8) // size
            if chunks > _MAX_CHUNKS:
                raise PictureTooLarge(f"The picture has more than {MAX_FRAMES} frames.")
            for at in range(start + 8, end - size + 1, size):
                yield memoryview(data)[struct.unpack_from(form, data, at)[0] :]
    if max(len(tables), len(insides)) > _MAX_TABLES:
        raise BrokenPicture("The picture says too often where its parts are.")
    for table, inside in product(tables, insides or [b""]):
        yield from (memoryview(sample) for _, sample in items(table, data, inside))


def _sequence_headers(sample: memoryview, left: list[int]) -> Iterator[bytes]:
    at = 0
    while at < len(sample):
        left[0] -= 1
        if left[0] < 0:
            raise BrokenPicture("The picture is made of too many parts.")
        head = sample[at]
        at += 2 if head & 4 else 1
        size = len(sample) - at
        if head & 2:
            size, at = _leb128(sample, at)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield bytes(sample[at : at + min(size, _LONGEST_HEADER)])
        at += size


def _leb128(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 56, 7):
        byte = data[at] if at < len(data) else 0
        at += 1
        value |= (byte & 127) << shift
        if not byte & 128:
            break
    return value, at


def _pixels(body: bytes) -> tuple[int, bool]:
    """Return the pixels of a frame, and whether they have more than 8 bits."""
    read = Bits(body)
    read.take(4)
    short = read.take(1)  # the header of still pictures
    if short:
        read.take(5)
    else:
        _skip_operating_points(read)
    wide, high = read.take(4) + 1, read.take(4) + 1
    pixels = (read.take(wide) + 1) * (read.take(high) + 1)
    if not short and read.take(1):  # frames have numbers
        read.take(7)
    read.take(3)
    if not short:
        _skip_tools(read)
    read.take(3)
    return pixels, bool(read.take(1))


def _skip_tools(read: Bits) -> None:
    read.take(4)
    order = read.take(1)
    if order:
        read.take(2)
    screen = 1 if read.take(1) else read.take(1)
    if screen and not read.take(1):
        read.take(1)
    if order:
        read.take(3)


def _skip_operating_points(read: Bits) -> None:
    delay_bits, decoder_model = 0, 0
    if read.take(1):  # timing
        read.take(64)
        if read.take(1):
            _skip_variable(read)
        decoder_model = read.take(1)
        if decoder_model:
            delay_bits = read.take(5) + 1
            read.take(42)
    display_delay = read.take(1)
    for _ in range(read.take(5) + 1):
        read.take(12)
        if read.take(5) > 7:
            read.take(1)
        if decoder_model and read.take(1):
            read.take(2 * delay_bits + 1)
        if display_delay and read.take(1):
            read.take(4)


def _skip_variable(read: Bits) -> None:
    zeros = 0
    while not read.take(1) and zeros < 32:
        zeros += 1
    read.take(zeros)
