"""What picture files are made of, read from the bytes alone: no decoder's opinion."""

import struct
from collections.abc import Callable


def blocks(data: bytes, kind: str) -> set[str]:
    """Return the names of all blocks of a file; bytes that belong to none are `trailing`."""
    return _WALKERS[kind.upper()](data)


def _jpeg(data: bytes) -> set[str]:
    found, at = set[str](), 2
    while data[at + 1] != 0xDA:
        found.add(f"{data[at + 1]:02X}")
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    end = data.find(b"\xff\xd9", at)
    return found | ({"trailing"} if end + 2 != len(data) else set())


def _png(data: bytes) -> set[str]:
    found, at = set[str](), 8
    while at < len(data) and "IEND" not in found:
        found.add(data[at + 4 : at + 8].decode())
        at += 12 + struct.unpack_from(">I", data, at)[0]
    return found | ({"trailing"} if at != len(data) else set())


def _webp(data: bytes) -> set[str]:
    found, at, end = set[str](), 12, 8 + struct.unpack_from("<I", data, 4)[0]
    while at < end:
        size = struct.unpack_from("<I", data, at + 4)[0]
        found.add(data[at : at + 4].decode())
        at += 8 + size + size % 2
    return found | ({"trailing"} if end != len(data) else set())


_CONTAINERS = {"meta": 4, "iprp": 0, "ipco": 0, "iinf": 6, "moov": 0, "trak": 0, "mdia": 0}
_CONTAINERS |= {"minf": 0, "stbl": 0, "dinf": 0}


def _avif(data: bytes, start: int = 0, end: int | None = None) -> set[str]:
    found, at = set[str](), start
    while at + 8 <= (len(data) if end is None else end):
        size, name = struct.unpack_from(">I4s", data, at)
        kind = name.decode("latin-1")
        if kind == "infe":
            kind = "infe " + data[at + 16 : at + 20].decode("latin-1")
        found.add(kind)
        if kind in _CONTAINERS:
            found |= _avif(data, at + 8 + _CONTAINERS[kind], at + size)
        at += max(8, size)
    return found | ({"trailing"} if end is None and at != len(data) else set())


def _tiff(data: bytes) -> set[str]:
    order = "<" if data[:2] == b"II" else ">"
    found, at = set[str](), struct.unpack_from(order + "I", data, 4)[0]
    while at:
        count = struct.unpack_from(order + "H", data, at)[0]
        for entry in range(count):
            found.add(str(struct.unpack_from(order + "H", data, at + 2 + 12 * entry)[0]))
        at = struct.unpack_from(order + "I", data, at + 2 + 12 * count)[0]
    return found


def _gif(data: bytes) -> set[str]:
    found = set[str]()
    at = 13 + _colours(data[10])
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            found.add("image")
            at += 11 + _colours(data[at + 9])
        else:
            label = data[at + 1]
            name = data[at + 3 : at + 14].decode("latin-1") if label == 0xFF else f"{label:02X}"
            found.add(name)
            at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    return found | ({"trailing"} if at + 1 != len(data) else set())


def _colours(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


_WALKERS: dict[str, Callable[[bytes], set[str]]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "AVIF": _avif,
    "TIFF": _tiff,
    "GIF": _gif,
}
