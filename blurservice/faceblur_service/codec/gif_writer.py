"""GIF: at most 256 colours a frame, one of them transparent when needed."""

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from faceblur_service.codec.frame import Frame
from faceblur_service.codec.palette import painted, palette_for

_CLEAR = 255
_OPAQUE_FROM = 128
_RESTORE_BACKGROUND = 2


def encode_gif(frames: Iterable[Frame], *, loop: int | None) -> bytes:
    """Return a GIF of all frames.

    Args:
        frames: All of the same size.
        loop: How often it is shown, 0 for ever; None shows it once.
    """
    images, durations, clear = [], [], False
    for frame in frames:
        images.append(_reduced(frame))
        durations.append(round(frame.duration_ms))
        clear = clear or frame.alpha is not None
    options: dict[str, object] = {} if loop is None else {"loop": loop}
    if clear:
        # A frame of less than the one before it needs that one taken away first.
        options |= {"transparency": _CLEAR, "disposal": _RESTORE_BACKGROUND}
    if len(images) > 1:
        options |= {"save_all": True, "append_images": images[1:], "duration": durations}
    out = io.BytesIO()
    images[0].save(out, "GIF", **options)
    return out.getvalue()


def _reduced(frame: Frame) -> Image.Image:
    height, width = frame.picture.shape[:2]
    colours = palette_for(frame.picture, 256 if frame.alpha is None else _CLEAR)
    indices = np.empty((height, width), np.uint8)
    for rows, part in painted(frame.picture, colours):
        indices[rows] = part
        if frame.alpha is not None:
            indices[rows][frame.alpha[rows] < _OPAQUE_FROM] = _CLEAR
    result = Image.frombuffer("P", (width, height), indices, "raw", "P", 0, 1)
    result.putpalette(np.resize(np.append(colours.rgb, np.zeros(768, np.uint8)), 768).tobytes())
    return result
