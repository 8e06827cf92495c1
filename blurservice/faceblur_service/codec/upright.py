"""Turn stored pixels the way a person would see them."""

import cv2
import numpy as np

from faceblur_service.blurring import Picture

_TURNS = {
    3: cv2.ROTATE_180,
    6: cv2.ROTATE_90_CLOCKWISE,
    8: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


def upright(pixels: Picture, orientation: int) -> Picture:
    """Return pixels turned as an EXIF orientation says.

    Args:
        pixels: uint8, shape (height, width) or (height, width, channels); left unchanged.
        orientation: 1 to 8; 1 returns the pixels themselves.
    """
    if orientation == 1:
        return pixels
    if orientation in _TURNS:
        return np.asarray(cv2.rotate(pixels, _TURNS[orientation]))
    if orientation in {2, 4}:
        return np.asarray(cv2.flip(pixels, 1 if orientation == 2 else 0))
    turned = cv2.transpose(pixels)
    return np.asarray(turned if orientation == 5 else cv2.flip(turned, -1))
