"""Faces that lie on their side or stand on their head: the picture is turned, not the networks.

A photo whose orientation nobody wrote down is turned as a whole, and no network here knows a face
that is turned by more than about forty degrees.
"""

import cv2
import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.detection import Engine
from faceblur_service.geometry import Box

QUARTERS = (1, 2, 3)
"""By how many quarters, clockwise, a picture can be turned."""

# Pixels of the longer side in which a face of a tenth of it is seen: 2 ms a look.
SMALL_SIDE = 320
# So sure is a look of a face there that the whole picture is worth being searched.
SEEN = 0.5
# And by so much surer than of any in the copy as it stands.
SURER = 0.03

_TURNS = {1: cv2.ROTATE_90_CLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_COUNTERCLOCKWISE}


def turned(picture: Picture, quarters: int) -> Picture:
    """Return the picture turned clockwise."""
    return np.asarray(cv2.rotate(picture, _TURNS[quarters]), np.uint8)


def turned_back(box: Box, quarters: int, width: int, height: int) -> Box:
    """Return a box of a turned picture where it is in the picture itself, width x height."""
    match quarters:
        case 1:
            return Box(box.y1, height - box.x2, box.y2, height - box.x1, box.score)
        case 2:
            return Box(width - box.x2, height - box.y2, width - box.x1, height - box.y1, box.score)
        case _:
            return Box(width - box.y2, box.x1, width - box.y1, box.x2, box.score)


def surest_turn(engine: Engine, picture: Picture) -> int:
    """Return by how many quarters to turn a picture so that faces stand upright; 0: leave it.

    Three looks at a small copy, and one more where they show a face; the surest one decides.
    """
    height, width = picture.shape[:2]
    factor = min(1.0, SMALL_SIDE / max(width, height))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    sure = {quarters: _surest(engine, turned(small, quarters)) for quarters in QUARTERS}
    best = max(sure, key=lambda quarters: sure[quarters])
    if sure[best] < SEEN:
        return 0
    return best if sure[best] >= _surest(engine, small) + SURER else 0


def _surest(engine: Engine, picture: Picture) -> float:
    return max((face.score for face in engine.find_faces(picture)), default=0.0)
