"""How faces lean, so that an emoji leans with the person that it hides.

Each face is shown to the detector upright and turned, in the cells of a contact sheet: it knows
faces that lean by up to forty degrees, so the middle of the turns that it likes is how this one
stands. Asked for emoji alone, of clear pixels, before anything is hidden.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import repeat

import cv2
import numpy as np
import numpy.typing as npt

from faceblur_service.blurring import TINY, Picture
from faceblur_service.detection import Detector
from faceblur_service.geometry import Box, visible
from faceblur_service.shrinking import shrunk

TURNS = 16
"""Cells for each face."""

CELL = 80
ROW = 14
# Side of what a cell shows, in sides of the face: the detector wants to see what is around it.
_AROUND = 2.0
# A detector below this is guessing, and the emoji stays upright.
_SURE = 0.5
# Nobody sees that so little is missing.
_LEAST = 12.0
# Turns on each side of the best one that say where the middle is.
_BESIDE = 2
# So much more the surest turns count: the others are nearly as sure, and more on one side.
_SHARP = 8
_GREY = (128, 128, 128)

Scores = npt.NDArray[np.float64]


def leans(picture: Picture, faces: Sequence[Box], detector: Detector) -> list[float]:
    """Return by how many degrees each face leans, clockwise, above -180 up to 180.

    Args:
        picture: Clear: uint8, shape (height, width, 3), BGR; left unchanged.
        faces: Their boxes. Tiny ones count as upright: nobody sees how their emoji stands.
        detector: What looks at them.

    Raises:
        DetectionFailed: It could not look.
    """
    seen = [index for index, face in enumerate(faces) if min(face.width, face.height) >= TINY]
    found = [0.0] * len(faces)
    for start in range(0, len(seen), ROW * ROW // TURNS):
        part = seen[start : start + ROW * ROW // TURNS]
        scores = np.zeros((len(part), TURNS))
        for box in detector.find_leftovers(_sheet(picture, [faces[index] for index in part])):
            cell = _cell_of(box)
            if cell is not None and cell < scores.size:
                scores.flat[cell] = max(scores.flat[cell], box.score)
        for index, row in zip(part, scores, strict=True):
            found[index] = lean_of(row)
    return found


def lean_of(scores: Scores) -> float:
    """Return the middle of the turns that show a face.

    Args:
        scores: How sure a face is seen at each turn, of which the first is upright.
    """
    if scores.max() < _SURE:
        return 0.0
    near = range(-_BESIDE, _BESIDE + 1)
    scores = scores**_SHARP
    together = sum(np.roll(scores, -offset) for offset in near)
    best = int(np.argmax(together))
    weights = [float(scores[(best + offset) % TURNS]) for offset in near]
    middle = sum(w * offset for w, offset in zip(weights, near, strict=True)) / sum(weights)
    lean = (best + middle) * 360 / TURNS
    lean -= 360 * (lean > 180)
    return lean if abs(lean) >= _LEAST else 0.0


def _cell_of(box: Box) -> int | None:
    """Return which cell's face a box is, None where it is beside the middle."""
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    beside = max(abs(x % CELL - CELL / 2), abs(y % CELL - CELL / 2))
    return int(y // CELL) * ROW + int(x // CELL) if beside <= CELL / 5 else None


def _sheet(picture: Picture, faces: Sequence[Box]) -> Picture:
    cells = [cell for face in faces for cell in _cells(picture, face)]
    rows = -(-len(cells) // ROW)
    sheet = np.full((rows * CELL, ROW * CELL, 3), _GREY[0], np.uint8)
    for index, cell in enumerate(cells):
        top, left = index // ROW * CELL, index % ROW * CELL
        sheet[top : top + CELL, left : left + CELL] = cell
    return sheet


def _cells(picture: Picture, face: Box) -> Iterator[Picture]:
    """Yield the face turned back by each turn."""
    across = _AROUND * max(face.width, face.height)
    x, y = (face.x1 + face.x2) / 2, (face.y1 + face.y2) / 2
    half = across / math.sqrt(2)
    place = visible(Box(x - half, y - half, x + half, y + half), *picture.shape[1::-1])
    if place is None:
        # Nobody sees it; the cells of the others stay where they are looked for.
        yield from repeat(np.full((CELL, CELL, 3), _GREY[0], np.uint8), TURNS)
        return
    # Made smaller first, by the mean of its pixels: turning takes single ones.
    factor = min(1.0, CELL / across)
    size = (max(1, round(place.width * factor)), max(1, round(place.height * factor)))
    part = shrunk(picture[place.y1 : place.y2, place.x1 : place.x2], *size)
    middle = ((x - place.x1) * factor, (y - place.y1) * factor)
    for turn in range(TURNS):
        matrix = cv2.getRotationMatrix2D(middle, turn * 360 / TURNS, CELL / across / factor)
        matrix[0, 2] += CELL / 2 - middle[0]
        matrix[1, 2] += CELL / 2 - middle[1]
        yield np.asarray(
            cv2.warpAffine(
                part,
                matrix,
                (CELL, CELL),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=_GREY,
            ),
            np.uint8,
        )
