"""Look at hidden faces again: is one of them still a face?

Each hidden head is put, with what is around it, into a cell of a contact sheet; the detector looks
at the sheet once. That costs a few milliseconds however large the picture is.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.detection import Detector
from faceblur_service.detection.dark import brightened, gain_of
from faceblur_service.geometry import Box, Region, head_of, visible
from faceblur_service.shrinking import shrunk

# Pixels. A face fills about half of its cell: well within the sizes that the detector is good at.
CELL = 80
# Cells per side of a sheet: many faces need several, so that no run needs more memory.
ACROSS = 14
# A detector below this is guessing.
STILL_A_FACE = 0.5
_CONTEXT = 0.25
_GREY = 128


@dataclass(frozen=True, slots=True)
class _Cell:
    index: int
    """Of the face in the list that was asked for."""

    face: Box
    """In pixels of the sheet."""


def still_faces(picture: Picture, faces: Sequence[Box], detector: Detector) -> list[int]:
    """Return the indices of those hidden faces that still look like one.

    Args:
        picture: The picture with hidden faces: uint8, shape (height, width, 3), BGR.
        faces: Their boxes.
        detector: What looks at them.

    Raises:
        DetectionFailed: It could not look.
    """
    found: set[int] = set()
    for sheet, cells in _sheets(picture, faces):
        for box in detector.find_leftovers(sheet):
            if box.score >= STILL_A_FACE:
                found.update(cell.index for cell in cells if _holds(cell.face, box))
    return sorted(found)


def _sheets(picture: Picture, faces: Sequence[Box]) -> Iterator[tuple[Picture, list[_Cell]]]:
    height, width = picture.shape[:2]
    # Once for all: the sheet's own grey would hide that the picture is dark.
    gain = gain_of(picture)
    places = [
        (index, face, region)
        for index, face in enumerate(faces)
        if (region := visible(_around(face), width, height)) is not None
    ]
    for start in range(0, len(places), ACROSS * ACROSS):
        part = places[start : start + ACROSS * ACROSS]
        columns = min(ACROSS, math.ceil(math.sqrt(len(part))))
        rows = math.ceil(len(part) / columns)
        sheet = np.full((rows * CELL, columns * CELL, 3), _GREY, np.uint8)
        cells = []
        for i, (index, face, region) in enumerate(part):
            left, top = i % columns * CELL, i // columns * CELL
            factor = _put(sheet[top : top + CELL, left : left + CELL], picture, region, gain)
            cells.append(
                _Cell(index, face.moved(-region.x1, -region.y1).scaled(factor).moved(left, top))
            )
        yield sheet, cells


def _put(cell: Picture, picture: Picture, region: Region, gain: float) -> float:
    """Draw a region of the picture into a cell, never enlarged; return the factor."""
    factor = min(1.0, CELL / region.width, CELL / region.height)
    size = (max(1, round(region.width * factor)), max(1, round(region.height * factor)))
    part = picture[region.y1 : region.y2, region.x1 : region.x2]
    cell[: size[1], : size[0]] = brightened(shrunk(part, *size), gain)
    return factor


def _around(face: Box) -> Box:
    head = head_of(face)
    dx, dy = _CONTEXT * head.width, _CONTEXT * head.height
    return Box(head.x1 - dx, head.y1 - dy, head.x2 + dx, head.y2 + dy)


def _holds(face: Box, found: Box) -> bool:
    x, y = (found.x1 + found.x2) / 2, (found.y1 + found.y2) / 2
    return face.x1 <= x <= face.x2 and face.y1 <= y <= face.y2
