"""A smiling face, drawn by code: nothing of the hidden face goes into it, and it needs no font."""

import math
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from faceblur_service.geometry import Box, Region

# Drawn once at this size and scaled to each head.
_SIDE = 256
_SKIN = (60, 205, 255)
_RIM = (20, 150, 230)
_INK = (40, 55, 90)
_WHITE = (250, 250, 250)


def drawn(region: Region, head: Box, lean: float = 0.0) -> npt.NDArray[np.uint8]:
    """Return the part of an emoji as large as `head` that lies in `region`.

    Args:
        region: What is seen of the head.
        head: The box around all of it.
        lean: By how many degrees the face is turned, clockwise.

    Returns:
        uint8, shape (region height, region width, 3), BGR; opaque everywhere.
    """
    # From pixels of the region to pixels of the drawing, each by its middle.
    across, down = _SIDE / max(head.width, 1), _SIDE / max(head.height, 1)
    left = (region.x1 + 0.5 - (head.x1 + head.x2) / 2) * across
    top = (region.y1 + 0.5 - (head.y1 + head.y2) / 2) * down
    # Turned within the drawing: the head's ellipse stays filled as it lies.
    cos, sin = math.cos(math.radians(lean)), math.sin(math.radians(lean))
    middle = (_SIDE - 1) / 2
    matrix = np.array(
        [
            [cos * across, sin * down, cos * left + sin * top + middle],
            [-sin * across, cos * down, cos * top - sin * left + middle],
        ]
    )
    scaled = cv2.warpAffine(
        _face(),
        matrix,
        (region.width, region.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(scaled, np.uint8)


@cache
def _face() -> npt.NDArray[np.uint8]:
    """Return the drawing: sunglasses and a wide smile on a yellow disc.

    Sunglasses, not eyes: two round eyes over a mouth are what face detectors look for.
    """
    middle = _SIDE // 2
    canvas = np.full((_SIDE, _SIDE, 3), _RIM, np.uint8)
    cv2.circle(canvas, (middle, middle), middle - 7, _SKIN, -1, cv2.LINE_AA)
    for left in (40, 138):
        corners = np.array([(left, 84), (left + 78, 84), (left + 66, 130), (left + 14, 130)])
        cv2.fillPoly(canvas, [corners.astype(np.int32)], _INK, cv2.LINE_AA)
        cv2.line(canvas, (left + 16, 94), (left + 36, 94), _WHITE, 5, cv2.LINE_AA)
    cv2.line(canvas, (20, 86), (_SIDE - 20, 86), _INK, 9, cv2.LINE_AA)
    smile = [
        (round(middle + 70 * math.cos(angle)), round(140 + 62 * math.sin(angle)))
        for angle in np.linspace(0.12 * math.pi, 0.88 * math.pi, 24)
    ]
    cv2.polylines(canvas, [np.array(smile, np.int32)], False, _INK, 10, cv2.LINE_AA)
    return canvas
