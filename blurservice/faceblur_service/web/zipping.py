"""A ZIP archive written piece by piece, without compressing: pictures are compressed already."""

import struct
import zlib
from collections.abc import Iterator

_UTF8 = 0x0800
# 1 January 1980, the format's zero: when a picture was hidden is nobody's business.
_DATE = 0x21


class ZipStream:
    """Gives the bytes of an archive in order; remembers a few dozen bytes per file."""

    def __init__(self) -> None:
        """Start an empty archive."""
        self._offset = 0
        self._directory: list[bytes] = []

    def add(self, name: str, data: bytes) -> Iterator[bytes]:
        """Return the pieces of one file."""
        encoded = name.encode()
        common = struct.pack(
            "<HHHHHIIIHH",
            *(20, _UTF8, 0, 0, _DATE),
            *(zlib.crc32(data), len(data), len(data), len(encoded), 0),
        )
        head = b"PK\x03\x04" + common + encoded
        tail = struct.pack("<HHHII", 0, 0, 0, 0, self._offset)
        self._directory.append(b"PK\x01\x02" + struct.pack("<H", 20) + common + tail + encoded)
        self._offset += len(head) + len(data)
        yield head
        yield data

    def end(self) -> bytes:
        """Return the list of files, with which an archive ends."""
        listed = b"".join(self._directory)
        count = len(self._directory)
        end = struct.pack(
            "<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(listed), self._offset, 0
        )
        return listed + end
