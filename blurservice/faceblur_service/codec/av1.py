"""The size that an AVIF's pictures are really coded with.

The container says one size, the AV1 data inside may say another, and the decoder allocates for
the latter before it scales to the former: a file of 300 bytes could cost gigabytes. So the
sequence headers are read here, before a decoder sees them.
"""

import struct
from collections.abc import Iterator

_HOLDERS = {b"meta": 4, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}
_SEQUENCE_HEADER = 1
_MAX_BOXES = 10_000


def largest_frame(data: bytes) -> int:
    """Return the most pixels that any AV1 sequence in the file says its frames have."""
    largest = 0
    for sample in _samples(data):
        for body in _sequence_headers(sample):
            largest = max(largest, _pixels(body))
    return largest


def _samples(data: bytes) -> Iterator[bytes]:
    inside = b""
    tables = []
    for name, start, end in _boxes(data, 0, len(data), [_MAX_BOXES]):
        if name == b"idat":
            inside = data[start:end]
        elif name == b"iloc":
            tables.append(data[start:end])
        elif name in {b"stco", b"co64"}:
            form, size = (">I", 4) if name == b"stco" else (">Q", 8)
            for at in range(start + 8, end - size + 1, size):
                yield data[struct.unpack_from(form, data, at)[0] :]
    for table in tables:
        yield from _items(_Reader(table), data, inside)


def _boxes(data: bytes, at: int, end: int, left: list[int]) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= end and left[0] > 0:
        left[0] -= 1
        size, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        after = end if size == 0 else min(end, at + max(size, head))
        if name in _HOLDERS:
            yield from _boxes(data, at + head + _HOLDERS[name], after, left)
        else:
            yield name, at + head, after
        at = after


class _Reader:
    """Reads big-endian numbers of bytes or bits; zeros behind the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._bit = data, 0

    def bits(self, count: int) -> int:
        first, last = self._bit // 8, -(-(self._bit + count) // 8)
        chunk = self._data[first:last].ljust(last - first, b"\0")
        value = int.from_bytes(chunk, "big") >> last * 8 - self._bit - count
        self._bit += count
        return value & (1 << count) - 1

    def at_end(self) -> bool:
        return self._bit >= len(self._data) * 8


def _items(table: _Reader, data: bytes, inside: bytes) -> Iterator[bytes]:
    version = table.bits(8)
    table.bits(24)
    offset, length, base, index = (8 * table.bits(4) for _ in range(4))
    for _ in range(table.bits(32 if version == 2 else 16)):
        if table.at_end():
            return
        table.bits(32 if version == 2 else 16)
        method = table.bits(16) & 15 if version in {1, 2} else 0
        table.bits(16)
        start = table.bits(base)
        parts = []
        room = len(data)  # extents may overlap, but a picture is not made of more than its file
        for _ in range(table.bits(16)):
            if table.at_end() or room <= 0:
                break
            table.bits(index if version in {1, 2} else 0)
            source = inside if method == 1 else data
            at = start + table.bits(offset)
            size = table.bits(length)
            part = source[at : at + size] if size else source[at:]
            room -= len(part)
            parts.append(part)
        yield b"".join(parts)


def _sequence_headers(sample: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(sample):
        head = sample[at]
        at += 2 if head & 4 else 1
        size = len(sample) - at
        if head & 2:
            size, at = _leb128(sample, at)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield sample[at : at + min(size, 64)]
        at += size


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 56, 7):
        byte = data[at] if at < len(data) else 0
        at += 1
        value |= (byte & 127) << shift
        if not byte & 128:
            break
    return value, at


def _pixels(body: bytes) -> int:
    read = _Reader(body)
    read.bits(4)
    if read.bits(1):  # the short header of still pictures
        read.bits(5)
    else:
        _skip_operating_points(read)
    wide, high = read.bits(4) + 1, read.bits(4) + 1
    return (read.bits(wide) + 1) * (read.bits(high) + 1)


def _skip_operating_points(read: _Reader) -> None:
    delay_bits, decoder_model = 0, 0
    if read.bits(1):  # timing
        read.bits(64)
        if read.bits(1):
            _skip_variable(read)
        decoder_model = read.bits(1)
        if decoder_model:
            delay_bits = read.bits(5) + 1
            read.bits(42)
    display_delay = read.bits(1)
    for _ in range(read.bits(5) + 1):
        read.bits(12)
        if read.bits(5) > 7:
            read.bits(1)
        if decoder_model and read.bits(1):
            read.bits(2 * delay_bits + 1)
        if display_delay and read.bits(1):
            read.bits(4)


def _skip_variable(read: _Reader) -> None:
    zeros = 0
    while not read.bits(1) and zeros < 32:
        zeros += 1
    read.bits(zeros)
