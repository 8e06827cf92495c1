"""JPEG, PNG, WebP and GIF headers, walked without a decoder: sizes, frames, what is embedded.

A decoder allocates before it doubts; these walkers only read, and stop at the end of the bytes.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from faceblur_service.codec.formats import MAX_FRAMES, Format, Header
from faceblur_service.codec.ifd import orientation
from faceblur_service.errors import BrokenPicture, UnsupportedPicture

MAX_PROFILE = 4 * 1024 * 1024

# Chunks of a still PNG; a name with a small letter in front says that pixels do without it.
_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_FRAME_MARKERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Scan:
    """A header, and what its blocks carry that matters for the pixels."""

    header: Header
    profile: bytes | None = None
    """The ICC profile."""


def scan_jpeg(data: bytes) -> Scan:
    """Walk the segments in front of the pixels."""
    size: tuple[int, int, int] | None = None
    exif: bytes | None = None
    profile: list[bytes] = []
    for marker, start, end in jpeg_segments(data):
        if marker in _FRAME_MARKERS and size is None:
            size = _jpeg_size(data[start:end])
        elif marker == 0xE1 and data.startswith(b"Exif\0\0", start):
            exif = exif or data[start:end]
        elif marker == 0xE2 and data.startswith(b"ICC_PROFILE\0", start):
            profile.append(data[start + 12 : end])
    if size is None:
        raise BrokenPicture("The JPEG header cannot be read.")
    width, height, components = size
    header = Header(
        Format.JPEG,
        width,
        height,
        orientation=orientation(exif),
        grey=components == 1,
        plain=components in {1, 3},
    )
    return Scan(header, b"".join(part[2:] for part in sorted(profile)) or None)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment's body; last 0xDA, with all that follows."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD9:
            at += 2
        elif marker == 0xDA:
            yield marker, at + 2, len(data)
            return
        else:
            end = at + 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
            yield marker, at + 4, min(end, len(data))
            at = end


def _jpeg_size(body: bytes) -> tuple[int, int, int]:
    if len(body) < 6:
        raise BrokenPicture("The JPEG header cannot be read.")
    depth, height, width, components = struct.unpack_from(">BHHB", body)
    if depth != 8:
        raise UnsupportedPicture(f"The JPEG has {depth} bits per colour; 8 are supported.")
    return width, height, components


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and body of each chunk, up to the end of the picture or of the bytes."""
    at, name = 8, b""
    while at + 8 <= len(data) and name != b"IEND":
        length, name = struct.unpack_from(">I4s", data, at)
        yield name, data[at + 8 : at + 8 + length]
        at += 12 + length
    if at > len(data):
        # OpenCV allocates what a chunk says, gigabytes even, before it looks for the bytes.
        raise BrokenPicture("The PNG is cut off.")


def png_pixels(data: bytes) -> bytes:
    """Return a still picture without any chunk that its pixels do not need.

    Raises:
        BrokenPicture: It has a chunk that its pixels need and nobody knows, or is cut off.
    """
    kept = [data[:8]]
    at = 8
    for name, body in png_chunks(data):
        end = at + 12 + len(body)
        if name in _PIXELS:
            kept.append(data[at:end])
        elif not name[:1].islower():
            raise BrokenPicture("The PNG has a part that is not known.")
        at = end
    return b"".join(kept)


def scan_png(data: bytes) -> Scan:
    """Walk the chunks; an animated PNG's frames are counted, not believed."""
    chunks = png_chunks(data)
    name, body = next(chunks, (b"", b""))
    if name != b"IHDR" or len(body) < 13:
        raise BrokenPicture("The PNG header cannot be read.")
    width, height, _, colour = struct.unpack_from(">IIBB", body)
    blocks = _png_blocks(chunks)
    animated = blocks.loop is not None
    transparent = b"tRNS" in blocks.first
    header = Header(
        Format.PNG,
        width,
        height,
        frames=max(1, blocks.frames) if animated else 1,
        loop=blocks.loop,
        orientation=orientation(blocks.first.get(b"eXIf")),
        alpha=transparent or colour in {4, 6},
        grey=colour in {0, 4},
        plain=not animated and colour in {0, 2, 3} and not transparent,
    )
    return Scan(header, _inflated(blocks.first.get(b"iCCP", b"")))


@dataclass(slots=True)
class _Blocks:
    first: dict[bytes, bytes] = field(default_factory=dict)
    frames: int = 0
    loop: int | None = None


def _png_blocks(chunks: Iterator[tuple[bytes, bytes]]) -> _Blocks:
    found, pixels = _Blocks(), False
    for name, body in chunks:
        if name == b"IDAT":
            pixels = True
        elif name == b"acTL" and len(body) >= 8 and not pixels:
            found.loop = int.from_bytes(body[4:8], "big")
        elif name == b"fcTL":
            found.frames += 1
            if found.frames > MAX_FRAMES:
                break
        elif name in {b"tRNS", b"eXIf", b"iCCP"} and not pixels:
            found.first.setdefault(name, body)
    return found


def _inflated(body: bytes) -> bytes | None:
    _name, _, packed = body.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], MAX_PROFILE)
    except zlib.error:
        return None


def riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and body of each chunk of a WebP."""
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def scan_webp(data: bytes) -> Scan:
    """Walk the chunks: the canvas, the frames on it, and what is embedded."""
    size: tuple[int, int] | None = None
    frames, loop, alpha, lossless = 0, None, False, False
    exif, profile = None, None
    for name, body in riff_chunks(data):
        if name == b"VP8X" and len(body) >= 10:
            size = (_u24(body, 4) + 1, _u24(body, 7) + 1)
            alpha = bool(body[0] & 0x10)
        elif name in {b"VP8 ", b"VP8L"}:
            inner, inner_alpha = _webp_size(name, body)
            size, alpha = size or inner, alpha or inner_alpha
            lossless = name == b"VP8L"
        elif name == b"ANIM" and len(body) >= 6:
            loop = int.from_bytes(body[4:6], "little")
        elif name == b"ANMF":
            frames += 1
            lossless = lossless or body[16:20] == b"VP8L"
        elif name == b"EXIF":
            exif = exif or body
        elif name == b"ICCP":
            profile = profile or body[:MAX_PROFILE]
        if frames > MAX_FRAMES:
            break
    if size is None:
        raise BrokenPicture("The WEBP header cannot be read.")
    header = Header(
        Format.WEBP,
        *size,
        frames=max(1, frames),
        loop=loop,
        orientation=orientation(exif),
        alpha=alpha,
        lossless=lossless,
        plain=not frames and not alpha,
    )
    return Scan(header, profile)


def _u24(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 3], "little")


def _webp_size(name: bytes, body: bytes) -> tuple[tuple[int, int], bool]:
    if len(body) < 10:
        raise BrokenPicture("The WEBP header cannot be read.")
    if name == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1), bool(bits >> 28 & 1)
    width, height = struct.unpack_from("<HH", body, 6)
    return (width & 0x3FFF, height & 0x3FFF), False


def scan_gif(data: bytes) -> Scan:
    """Walk the blocks: frames, how far they reach, and the loop."""
    if len(data) < 13:
        raise BrokenPicture("The GIF header cannot be read.")
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    frames, loop, alpha = 0, None, False
    at = 13 + _colours(flags)
    while at < len(data) and frames <= MAX_FRAMES:
        if data[at] == 0x2C and at + 10 <= len(data):
            x, y, w, h, flags = struct.unpack_from("<HHHHB", data, at + 1)
            # Pillow widens the canvas for a frame that does not fit; so does the limit.
            width, height = max(width, x + w), max(height, y + h)
            frames += 1
            at = _after_blocks(data, at + 11 + _colours(flags))
        elif data[at] == 0x21:
            label = data[at + 1 : at + 2]
            if label == b"\xff" and data[at + 3 : at + 14] == b"NETSCAPE2.0":
                loop = int.from_bytes(data[at + 16 : at + 18], "little")
            elif label == b"\xf9" and at + 3 < len(data):
                alpha = alpha or bool(data[at + 3] & 1)
            at = _after_blocks(data, at + 2)
        else:
            break
    if not frames:
        raise BrokenPicture("The GIF holds no picture.")
    return Scan(Header(Format.GIF, width, height, frames=frames, loop=loop, alpha=alpha))


def _colours(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
