"""Read and write what an ONNX file is made of: a protocol buffer, a row of entries.

Pure: bytes in, bytes out. Only as much of the format as a network's file needs.
"""

from collections.abc import Iterator

# How an entry's value is written: as a number, in eight bytes, as so many bytes, in four.
_NUMBER, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5

Entry = tuple[int, bytes, bytes]
"""Number of the field, its value (of a number nothing), and all its bytes."""


def entries(message: bytes) -> Iterator[Entry]:
    """Yield the entries of a message in their order.

    Raises:
        LookupError: It is cut off, or no such message.
    """
    at = 0
    while at < len(message):
        start = at
        tag, at = _number(message, at)
        first = at
        kind = tag & 7
        if kind == _NUMBER:
            _, at = _number(message, at)
        elif kind == _BYTES:
            length, first = _number(message, at)
            at = first + length
        else:
            at += {_EIGHT: 8, _FOUR: 4}[kind]
        if at > len(message):
            raise IndexError(at)
        yield tag >> 3, message[first:at], message[start:at]


def values(message: bytes, wanted: int) -> list[bytes]:
    """Return the values of one field."""
    return [value for field, value, _ in entries(message) if field == wanted]


def entry(field: int, value: bytes) -> bytes:
    """Return an entry that holds bytes: a text, numbers, or a message."""
    return _written(field << 3 | _BYTES) + _written(len(value)) + value


def number_entry(field: int, value: int) -> bytes:
    """Return an entry that holds a number, 0 or more."""
    return _written(field << 3 | _NUMBER) + _written(value)


def _number(message: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, least first, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _written(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
