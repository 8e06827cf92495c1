"""Leave out of a network's file what only its unwanted outputs need.

onnxruntime computes all that the file says, also what no output hangs on any more. Pure: bytes in,
bytes out. An ONNX file is a protocol buffer, a row of entries; only numbers and bytes occur here.
"""

from collections.abc import Iterator

# Numbers of the fields: of the model, of its graph, of a node, of an output.
_GRAPH = 7
_NODE, _OUTPUT = 1, 12
_NODE_INPUT, _NODE_OUTPUT = 1, 2
_NAME = 1
# How an entry's value is written: as a number, in eight bytes, as so many bytes, in four.
_NUMBER, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5

_Entry = tuple[int, bytes, bytes]
"""Number of the field, its value, and all its bytes."""


def pruned(model: bytes, outputs: list[str]) -> bytes:
    """Return the file with these outputs only, and the nodes that they need.

    Raises:
        ValueError: It is no such file.
    """
    try:
        return b"".join(
            _entry(_GRAPH, _graph(value, outputs)) if field == _GRAPH else whole
            for field, value, whole in _entries(model)
        )
    except LookupError as err:
        raise ValueError("it is no whole ONNX file") from err


def _graph(graph: bytes, outputs: list[str]) -> bytes:
    needed = {name.encode() for name in outputs}
    kept = []
    # From the end, for a node stands before those that need it.
    for field, value, whole in reversed(list(_entries(graph))):
        if field == _NODE:
            if needed.isdisjoint(_values(value, _NODE_OUTPUT)):
                continue
            needed.update(_values(value, _NODE_INPUT))
        kept.append((field, value, whole))
    wanted = {name.encode() for name in outputs}
    return b"".join(
        whole
        for field, value, whole in reversed(kept)
        if field != _OUTPUT or not wanted.isdisjoint(_values(value, _NAME))
    )


def _values(message: bytes, wanted: int) -> list[bytes]:
    return [value for field, value, _ in _entries(message) if field == wanted]


def _entries(message: bytes) -> Iterator[_Entry]:
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


def _number(message: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, least first, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _entry(field: int, value: bytes) -> bytes:
    return _written(field << 3 | _BYTES) + _written(len(value)) + value


def _written(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
