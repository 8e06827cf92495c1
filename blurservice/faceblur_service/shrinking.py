"""Make part of a picture smaller, quickly.

OpenCV's mean over an area takes ten times as long for odd factors as for exactly two, so as much
as possible is done by halves.
"""

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


def shrunk(picture: Picture, width: int, height: int) -> Picture:
    """Return the picture at a size that is not larger; each pixel is the mean of what it shows.

    Args:
        picture: uint8, shape (rows, columns, 3); left unchanged.
        width: Pixels wanted.
        height: Pixels wanted.
    """
    part = _halved_to(picture, width, height)
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def quickly_shrunk(picture: Picture, width: int, height: int) -> Picture:
    """Return the same as `shrunk`, but its last step, by less than two, is a look at neighbours.

    In a fifth of the time: enough for whoever only looks.
    """
    part = _halved_to(picture, width, height)
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def halved(picture: Picture, least: int) -> Picture:
    """Return the picture at a half, a quarter, ... of its size, with sides of `least` or more."""
    part = picture
    while min(part.shape[:2]) >= 2 * least:
        part = whole_fraction(part, 2)
    return part


def whole_fraction(picture: Picture, factor: int) -> Picture:
    """Return the picture at one over `factor` of its size; columns or rows that are left over go.

    Returns:
        The picture itself for a factor of 1.
    """
    if factor == 1:
        return picture
    height, width = (max(1, side // factor) for side in picture.shape[:2])
    part = picture[: height * factor, : width * factor]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _halved_to(picture: Picture, width: int, height: int) -> Picture:
    part = picture
    while part.shape[0] >= 2 * height and part.shape[1] >= 2 * width:
        part = whole_fraction(part, 2)
    return part
