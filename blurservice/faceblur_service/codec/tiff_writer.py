"""TIFF, written strip by strip: pixels and the tags that say how to read them."""

import struct
import zlib
from collections.abc import Iterable

from faceblur_service.codec.colour import strips
from faceblur_service.codec.frame import Frame
from faceblur_service.codec.png_writer import less_left, samples

_LEVEL = 1
_SHORT, _LONG = 3, 4
_DEFLATE, _HORIZONTAL = 8, 2
_BLACK_IS_ZERO, _RGB, _UNASSOCIATED = 1, 2, 2


def encode_tiff(frames: Iterable[Frame], *, grey: bool) -> bytes:
    """Return a TIFF of one page per frame, losslessly compressed.

    Args:
        frames: Of any sizes.
        grey: Colours are equal in all of them; one channel is written then.
    """
    out = bytearray(b"II*\0\0\0\0\0")
    link = 4
    for frame in frames:
        offsets, lengths = [], []
        alpha = frame.alpha is not None
        height, width = frame.picture.shape[:2]
        for rows in strips(height, width):
            pixels = less_left(samples(frame, rows, alpha=alpha, grey=grey))
            packed = zlib.compress(pixels.data, _LEVEL)
            offsets.append(len(out))
            lengths.append(len(packed))
            out += packed + b"\0" * (len(packed) % 2)
        step = next(strips(height, width)).stop
        link = _append_table(out, link, _tags(frame, step, offsets, lengths, grey=grey))
    return bytes(out)


def _tags(
    frame: Frame, step: int, offsets: list[int], lengths: list[int], *, grey: bool
) -> list[tuple[int, int, list[int]]]:
    height, width = frame.picture.shape[:2]
    channels = (1 if grey else 3) + (frame.alpha is not None)
    tags = [
        (256, _LONG, [width]),
        (257, _LONG, [height]),
        (258, _SHORT, [8] * channels),
        (259, _SHORT, [_DEFLATE]),
        (262, _SHORT, [_BLACK_IS_ZERO if grey else _RGB]),
        (273, _LONG, offsets),
        (277, _SHORT, [channels]),
        (278, _LONG, [step]),
        (279, _LONG, lengths),
        (284, _SHORT, [1]),
        (317, _SHORT, [_HORIZONTAL]),
    ]
    if frame.alpha is not None:
        tags.append((338, _SHORT, [_UNASSOCIATED]))
    return tags


def _append_table(out: bytearray, link: int, tags: list[tuple[int, int, list[int]]]) -> int:
    """Append a table of tags, let `link` point at it, and return where the next link goes."""
    entries = bytearray()
    for tag, kind, values in tags:
        body = struct.pack(f"<{len(values)}{'H' if kind == _SHORT else 'I'}", *values)
        if len(body) > 4:
            at = struct.pack("<I", len(out))
            out += body + b"\0" * (len(body) % 2)
            body = at
        entries += struct.pack("<HHI", tag, kind, len(values)) + body.ljust(4, b"\0")
    struct.pack_into("<I", out, link, len(out))
    out += struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"
    return len(out) - 4
