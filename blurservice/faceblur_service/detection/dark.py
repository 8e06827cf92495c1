"""Underexposed pictures are brightened before anybody looks at them.

The networks see next to nothing in a picture whose brightest parts are nearly black, and whoever
gets the result can brighten it as easily as this does. Where something bright is beside the dark,
as a lamp, both are looked at: the picture as it is, and once more brightened.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.detection import Detector
from faceblur_service.geometry import Box, merge
from faceblur_service.options import Sensitivity
from faceblur_service.shrinking import shrunk

# Levels of 255. Nearly all samples of a dark picture are below; then they are made as bright as
# those of an ordinary one. With fewer levels than the least there is no face to be seen.
_DARK = 64
_BRIGHT = 224
_LEAST = 4
# Per cent of the samples; the rest may be a lamp.
_NEARLY_ALL = 99
# The same beside a large lamp and its glow. A second look costs as much as the first, so it is for
# what the networks see badly, and no picture that is lit by more than a spot has one.
_MOST = 85
_SHADE = 32
# Pixels along a side from which samples are taken.
_SAMPLED = 64
# Pixels of a brightened copy: one of 25 megapixels would not fit beside the picture itself.
_MOST_PIXELS = 4_000_000


class BrightenedDetector:
    """A detector that sees dark pictures as if they were lit."""

    def __init__(self, detector: Detector) -> None:
        """Take over the detector: closing this closes it."""
        self._detector = detector

    def find_faces(
        self, picture: Picture, sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        """Return a box per face, best first; see `Detector`."""
        gain = gain_of(picture)
        if gain != 1:
            return self._find_brightened(picture, gain, sensitivity)
        found = self._detector.find_faces(picture, sensitivity)
        gain = shade_gain_of(picture)
        if gain == 1:
            return found
        return merge([*found, *self._find_brightened(picture, gain, sensitivity)])

    def _find_brightened(
        self, picture: Picture, gain: float, sensitivity: Sensitivity
    ) -> list[Box]:
        height, width = picture.shape[:2]
        factor = min(1.0, (_MOST_PIXELS / (height * width)) ** 0.5)
        small = shrunk(picture, max(1, round(width * factor)), max(1, round(height * factor)))
        found = self._detector.find_faces(brightened(small, gain), sensitivity)
        return [face.scaled(1 / factor) for face in found]

    def find_leftovers(self, picture: Picture) -> list[Box]:
        """Return what still looks like a face; see `Detector`. Who made the sheet lit it."""
        return self._detector.find_leftovers(picture)

    def detectors(self) -> Mapping[str, bool]:
        """Return every engine by name, and whether it is there."""
        return self._detector.detectors()

    def close(self) -> None:
        """Close the detector."""
        self._detector.close()


def gain_of(picture: Picture) -> float:
    """Return the factor that makes a dark picture as bright as others are; 1 for all others.

    Args:
        picture: uint8, shape (height, width, 3), BGR.
    """
    return _gain(picture, _NEARLY_ALL, _DARK)


def shade_gain_of(picture: Picture) -> float:
    """Return the factor that makes what is dark beside a lamp as bright as pictures are; else 1.

    Args:
        picture: uint8, shape (height, width, 3), BGR; not dark as a whole, see `gain_of`.
    """
    return _gain(picture, _MOST, _SHADE)


def _gain(picture: Picture, share: int, dark: int) -> float:
    """Return the factor for a picture of which that share, in per cent, is darker than `dark`."""
    down, across = (max(1, side // _SAMPLED) for side in picture.shape[:2])
    samples = picture[::down, ::across]
    if _is_lit(samples, share):
        return 1.0
    top = float(np.percentile(samples, share))
    return _BRIGHT / top if _LEAST <= top < dark else 1.0


def _is_lit(samples: Picture, share: int) -> bool:
    """Return whether fewer samples than that share, in per cent, are dark."""
    # Counting is much faster than ranking, and nearly every picture is bright. One more than the
    # share: ranking lies between two samples.
    return int(np.count_nonzero(samples >= _DARK)) > samples.size * (100 - share) / 100 + 1


def brightened(picture: Picture, gain: float) -> Picture:
    """Return the picture with every level multiplied, up to white; the same one for a gain of 1."""
    return picture if gain == 1 else np.asarray(cv2.convertScaleAbs(picture, alpha=gain), np.uint8)
