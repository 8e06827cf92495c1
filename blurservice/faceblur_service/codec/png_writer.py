"""PNG and animated PNG, written strip by strip: pixels and nothing else.

Pillow's and OpenCV's writers want the whole picture in one array of their own; a picture of 25
megapixels with transparency and its copy do not fit beside the detectors.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.codec.colour import strips
from faceblur_service.codec.frame import Frame

# Level 1: three times as fast as the default for a few per cent more bytes.
_LEVEL = 1
_SUB = 1  # each byte less its left neighbour: what compresses photographs well for little work
_CHUNK = 1 << 20


def encode_png(frames: Iterable[Frame], *, loop: int | None, count: int, grey: bool) -> bytes:
    """Return a PNG; an animated one when there is more than one frame.

    Args:
        frames: All of the same size.
        loop: How often an animation is shown, 0 for ever.
        count: How many frames will come.
        grey: Colours are equal in all of them; one channel is written then.
    """
    parts = [b"\x89PNG\r\n\x1a\n"]
    sequence = 0
    # One kind of pixel for the whole file: a later frame may be transparent where the first is not.
    alpha = False
    for index, frame in enumerate(frames):
        height, width = frame.picture.shape[:2]
        if not index:
            alpha = frame.alpha is not None or count > 1
            kind = (4 if alpha else 0) if grey else (6 if alpha else 2)
            parts.append(_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)))
            if count > 1:
                parts.append(_chunk(b"acTL", struct.pack(">II", count, loop or 0)))
        if count > 1:
            delay = (min(65535, round(frame.duration_ms)), 1000)
            control = struct.pack(">IIIIIHHBB", sequence, width, height, 0, 0, *delay, 0, 0)
            parts.append(_chunk(b"fcTL", control))
            sequence += 1
        for body in _packed(frame, alpha=alpha, grey=grey):
            if not index:
                parts.append(_chunk(b"IDAT", body))
            else:
                parts.append(_chunk(b"fdAT", struct.pack(">I", sequence) + body))
                sequence += 1
    parts.append(_chunk(b"IEND", b""))
    return b"".join(parts)


def samples(frame: Frame, rows: slice, *, alpha: bool, grey: bool) -> Picture:
    """Return rows as they are stored: RGB or grey, with transparency or without."""
    colours = frame.picture[rows, :, :1] if grey else frame.picture[rows, :, ::-1]
    if not alpha:
        return np.ascontiguousarray(colours)
    plane = np.full(colours.shape[:2], 255, np.uint8) if frame.alpha is None else frame.alpha[rows]
    return np.concatenate((colours, plane[:, :, None]), axis=2)


def less_left(pixels: Picture) -> Picture:
    """Return each sample less the one of the pixel to its left."""
    result = pixels.copy()
    result[:, 1:] -= pixels[:, :-1]
    return result


def _packed(frame: Frame, *, alpha: bool, grey: bool) -> Iterator[bytes]:
    height, width = frame.picture.shape[:2]
    squeeze = zlib.compressobj(_LEVEL)
    waiting = bytearray()
    for rows in strips(height, width):
        filtered = less_left(samples(frame, rows, alpha=alpha, grey=grey))
        lines = filtered.reshape(filtered.shape[0], -1)
        kinds = np.full((len(lines), 1), _SUB, np.uint8)
        waiting += squeeze.compress(np.concatenate((kinds, lines), axis=1).data)
        if len(waiting) >= _CHUNK:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting + squeeze.flush())


def _chunk(name: bytes, body: bytes) -> bytes:
    head = name + body
    return struct.pack(">I", len(body)) + head + struct.pack(">I", zlib.crc32(head))
