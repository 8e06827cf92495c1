"""Make faces unrecognisable: shrink each to a 4 x 4 grid and enlarge that again.

Pure on arrays. Of a hidden face sixteen mean colours are left, however large it is, so the
strength follows the face's size by itself. A Gaussian kernel is not used: one that hides as much
costs seconds on a large face, and the usual smaller ones leave most faces detectable.
"""

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from faceblur_service.geometry import Box, Region, with_margin

Picture = npt.NDArray[np.uint8]
"""Pixels: uint8, shape (height, width, channels), BGR colour order, or BGRA."""

GRID = 4
# An ellipse over so few pixels would leave corners of the face outside.
TINY = 24


def hide_faces(picture: Picture, faces: Iterable[Box]) -> Picture:
    """Return a copy of the picture in which each face is hidden.

    Args:
        picture: uint8, shape (height, width, 3), BGR; left unchanged.
        faces: Boxes as the detector gives them; the margin around each is added here.
    """
    result = picture.copy()
    height, width = picture.shape[:2]
    for face in faces:
        region = with_margin(face, width, height)
        if region is not None:
            _hide_inplace(result, region, tiny=min(face.width, face.height) < TINY)
    return result


def _hide_inplace(picture: Picture, region: Region, *, tiny: bool) -> None:
    view = picture[region.y1 : region.y2, region.x1 : region.x2]
    grid = cv2.resize(view, (GRID, GRID), interpolation=cv2.INTER_AREA)
    hidden = cv2.resize(grid, (region.width, region.height), interpolation=cv2.INTER_LINEAR)
    if tiny:
        view[:] = hidden
        return
    # Through the mask only: what is outside the head outline stays as sharp as it was.
    view[:] = np.where(_ellipse(region.width, region.height)[:, :, None], hidden, view)


def _ellipse(width: int, height: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros((height, width), np.uint8)
    axes = (width / 2, height / 2)
    centre = ((width - 1) / 2, (height - 1) / 2)
    cv2.ellipse(mask, (centre, (2 * axes[0], 2 * axes[1]), 0.0), 255, -1)
    return mask > 0
