"""Make faces unrecognisable: shrink each to a 4 x 4 grid and enlarge that again.

Pure on arrays. Of a hidden face sixteen mean colours are left, however large it is, so the
strength follows the face's size by itself. A Gaussian kernel is not used: one that hides as much
costs seconds on a large face, and the usual smaller ones leave most faces detectable.
"""

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from faceblur_service.geometry import Box, Region, head_of, visible

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
        head = head_of(face)
        region = visible(head, width, height)
        if region is not None:
            _hide_inplace(result, region, head, tiny=min(face.width, face.height) < TINY)
    return result


def _hide_inplace(picture: Picture, region: Region, head: Box, *, tiny: bool) -> None:
    view = picture[region.y1 : region.y2, region.x1 : region.x2]
    grid = cv2.resize(view, (GRID, GRID), interpolation=cv2.INTER_AREA)
    # Evens out neighbours: eyes and mouth as three dark cells still look like a face.
    grid = cv2.GaussianBlur(grid, (3, 3), 0)
    hidden = cv2.resize(grid, (region.width, region.height), interpolation=cv2.INTER_LINEAR)
    if tiny:
        view[:] = hidden
        return
    # Through the mask only: what is outside the head outline stays as sharp as it was.
    cv2.copyTo(hidden, _ellipse(region, head), view)


def _ellipse(region: Region, head: Box) -> npt.NDArray[np.uint8]:
    """Return which pixels of the region lie in the ellipse of the head: 1 or 0.

    Of the whole head, also where the picture's edge cuts it: an ellipse of the visible part alone
    would leave the face's edge at the picture's edge outside.
    """
    x = np.arange(region.x1, region.x2, dtype=np.float32) + (0.5 - (head.x1 + head.x2) / 2)
    y = np.arange(region.y1, region.y2, dtype=np.float32) + (0.5 - (head.y1 + head.y2) / 2)
    # One pixel more than the ellipse, so that rounding never leaves a pixel of the rim.
    x /= head.width / 2 + 1
    y /= head.height / 2 + 1
    return ((x * x)[None, :] + (y * y)[:, None] <= 1).view(np.uint8)
