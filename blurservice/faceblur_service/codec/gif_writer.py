"""GIF: at most 256 colours a frame, one of them transparent when needed."""

import io
from collections.abc import Iterable

import cv2
import numpy as np
from PIL import Image

from faceblur_service.codec.frame import Frame

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
    image = Image.fromarray(cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB))
    reduced = image.quantize(256 if frame.alpha is None else _CLEAR, Image.Quantize.MEDIANCUT)
    if frame.alpha is None:
        return reduced
    indices = np.asarray(reduced).copy()
    indices[frame.alpha < _OPAQUE_FROM] = _CLEAR
    palette = (reduced.getpalette() or []) + [0] * 768
    result = Image.fromarray(indices)
    result.putpalette(palette[:768])
    return result
