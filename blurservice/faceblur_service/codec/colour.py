"""Colours of any kind to sRGB.

A picture leaves without its ICC profile, which can name a person's camera, screen or scanner, so
its numbers must mean what they mean without one. Pictures are worked on in strips: a whole second
copy of 25 megapixels does not fit.
"""

import io
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from faceblur_service.blurring import Picture

STRIP_PIXELS = 1_000_000
# Two of 255 levels are below what anybody sees, and every maker's sRGB profile differs by so much.
_SAME = 2

_SRGB = ImageCms.createProfile("sRGB")
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


class Profile:
    """How to turn pixels of one mode into sRGB."""

    def __init__(self, transform: ImageCms.ImageCmsTransform, mode: str) -> None:
        """Keep what Little CMS prepared for pixels of that Pillow mode."""
        self._transform = transform
        self.mode = mode

    def apply(self, part: Image.Image) -> Image.Image:
        """Return an RGB image."""
        return ImageCms.applyTransform(part, self._transform) or part


def profile_for(data: bytes | None, mode: str) -> Profile | None:
    """Return how to turn pixels of that Pillow mode into sRGB.

    Returns:
        None when there is nothing to turn: no profile, an unusable one (which is what every viewer
        ignores too), or sRGB already.
    """
    source: object
    try:
        if data:
            source = ImageCms.ImageCmsProfile(io.BytesIO(data))
        elif mode == "LAB":
            source = ImageCms.createProfile("LAB")
        else:
            return None
        transform = ImageCms.buildTransform(
            source,
            _SRGB,
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            _FLAGS,
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
    found = Profile(transform, mode)
    return None if mode in {"L", "RGB"} and _changes_nothing(found) else found


def to_srgb_inplace(picture: Picture, profile: bytes | None, *, grey: bool) -> None:
    """Turn BGR pixels into sRGB.

    Args:
        picture: uint8, shape (height, width, 3), BGR, changed.
        profile: The file's ICC profile.
        grey: The three channels are equal, and the profile is one for grey.
    """
    turn = profile_for(profile, "L" if grey else "RGB")
    if turn is None:
        return
    for rows in strips(picture.shape[0], picture.shape[1]):
        view = picture[rows]
        part = view[:, :, 0] if grey else view[:, :, ::-1]
        view[:] = np.asarray(turn.apply(Image.fromarray(np.ascontiguousarray(part))))[:, :, ::-1]


def strips(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows of about a megapixel that cover a picture."""
    step = max(1, STRIP_PIXELS // max(1, width))
    for top in range(0, height, step):
        yield slice(top, min(height, top + step))


def _changes_nothing(profile: Profile) -> bool:
    probe = _probe(profile.mode)
    turned = np.asarray(profile.apply(Image.fromarray(probe))).astype(int)
    wanted = probe if profile.mode == "RGB" else np.dstack((probe,) * 3)
    return int(np.abs(turned - wanted).max()) <= _SAME


def _probe(mode: str) -> npt.NDArray[np.uint8]:
    steps = np.linspace(0, 255, 18).astype(np.uint8)
    if mode == "L":
        return steps[None, :]
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(18, -1, 3)
