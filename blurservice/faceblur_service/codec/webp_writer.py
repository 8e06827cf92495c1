"""WebP of a large picture, with transparency or without loss: what libwebp has no room for."""

import struct
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.codec.colour import strips
from faceblur_service.codec.frame import Frame
from faceblur_service.codec.scan import riff_chunks
from faceblur_service.codec.vp8l import ALPHA, BLUE, GREEN, RED, encode_argb, encode_plane

_HAS_ALPHA = 0x10
# Of a plane: stored without loss, each value less the one to its left.
_PLANE_KIND = 1 | 1 << 2
# Pixels: a block of the lossy format and its neighbour.
_NEAR = 17


def encode_lossless(frame: Frame) -> bytes:
    """Return a lossless WebP file."""
    height, width = frame.picture.shape[:2]
    body = encode_argb(width, height, lambda: _pixels(frame), alpha=frame.alpha is not None)
    return _file([(b"VP8L", body)])


def encode_clear(colours: bytes, alpha: Picture) -> bytes:
    """Return a lossy WebP file with transparency.

    Args:
        colours: A lossy WebP file without it.
        alpha: uint8, shape (height, width).
    """
    height, width = alpha.shape
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    plane = bytes((_PLANE_KIND,)) + encode_plane(lambda: _less_left(alpha))
    packed = next(bytes(body) for name, body in riff_chunks(colours) if name == b"VP8 ")
    return _file(
        [(b"VP8X", bytes((_HAS_ALPHA, 0, 0, 0)) + size), (b"ALPH", plane), (b"VP8 ", packed)]
    )


def spread_inplace(picture: Picture, alpha: Picture) -> None:
    """Give what nobody sees the mean colour of what is seen near it.

    The lossy format keeps whole blocks: a hard edge that nobody sees would ring in what is seen.
    """
    for rows in strips(*alpha.shape):
        part = picture[rows]
        seen = (alpha[rows] > 0).astype(np.float32)
        count = cv2.boxFilter(seen, -1, (_NEAR, _NEAR), normalize=False)
        edge = (seen == 0) & (count >= 1)
        if not edge.any():
            continue
        for channel in range(3):
            colour = part[:, :, channel]
            near = cv2.boxFilter(colour * seen, -1, (_NEAR, _NEAR), normalize=False)
            colour[edge] = np.rint(near[edge] / count[edge]).astype(np.uint8)


def _file(chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    parts = []
    for name, body in chunks:
        parts += [struct.pack("<4sI", name, len(body)), body, b"\0" * (len(body) % 2)]
    head = struct.pack("<4sI4s", b"RIFF", 4 + sum(map(len, parts)), b"WEBP")
    return b"".join((head, *parts))


def _pixels(frame: Frame) -> Iterator[Picture]:
    for rows in strips(*frame.picture.shape[:2]):
        part = frame.picture[rows]
        pixels = np.empty((*part.shape[:2], 4), np.uint8)
        for channel, place in ((BLUE, 0), (GREEN, 1), (RED, 2)):
            pixels[:, :, channel] = part[:, :, place]
        pixels[:, :, ALPHA] = 255 if frame.alpha is None else frame.alpha[rows]
        yield pixels


def _less_left(alpha: Picture) -> Iterator[Picture]:
    """Yield each value less the one to its left, the first of a row less the one above it."""
    for rows in strips(*alpha.shape):
        part = alpha[rows]
        pixels = np.zeros((*part.shape, 4), np.uint8)
        pixels[:, 1:, GREEN] = part[:, 1:] - part[:, :-1]
        above = alpha[rows.start - 1 : rows.start, 0] if rows.start else np.zeros(1, np.uint8)
        pixels[:, 0, GREEN] = part[:, 0] - np.concatenate((above, part[:-1, 0]))
        yield pixels
