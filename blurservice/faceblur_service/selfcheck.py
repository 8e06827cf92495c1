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
from faceblur_service.detection.dark import brightened, gain_of, shade_gain_of
from faceblur_service.geometry import Box, Region, head_of, visible
from faceblur_service.shrinking import quickly_shrunk

# Pixels. A face fills about half of its cell: well within the sizes that the detector is good at.
CELL = 72
# Largest cells per side of a sheet: many faces need several, so that no run needs more memory.
ACROSS = 14
# The detector widens a sheet to this anyway.
_STEP = 32
# A detector below this is guessing.
STILL_A_FACE = 0.5
_CONTEXT = 0.1
_GREY = 128

# Width and height, and left and top; all in pixels.
Size = tuple[int, int]
Spot = tuple[int, int]


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
    # Beside a lamp some heads are lit and others are not.
    is_mixed = gain == 1 and shade_gain_of(picture) != 1
    places = [
        (index, face, region)
        for index, face in enumerate(faces)
        if (region := visible(_around(face), width, height)) is not None
    ]
    for start in range(0, len(places), ACROSS * ACROSS):
        part = places[start : start + ACROSS * ACROSS]
        sizes = [_size_of(region) for _, _, region in part]
        spots, (wide, high) = _shelved(sizes)
        sheet = np.full((high, wide, 3), _GREY, np.uint8)
        cells = []
        for (index, face, region), (left, top), (across, down) in zip(
            part, spots, sizes, strict=True
        ):
            view = picture[region.y1 : region.y2, region.x1 : region.x2]
            cell = sheet[top : top + down, left : left + across]
            light = gain_of(view) if is_mixed else gain
            cell[:] = brightened(quickly_shrunk(view, across, down), light)
            factor = _factor_of(region)
            cells.append(
                _Cell(index, face.moved(-region.x1, -region.y1).scaled(factor).moved(left, top))
            )
        yield sheet, cells


def _factor_of(region: Region) -> float:
    """Return by how much a region is shrunk to fit into a cell; none is enlarged."""
    return min(1.0, CELL / region.width, CELL / region.height)


def _size_of(region: Region) -> Size:
    factor = _factor_of(region)
    return max(1, round(region.width * factor)), max(1, round(region.height * factor))


def _shelved(sizes: Sequence[Size]) -> tuple[list[Spot], Size]:
    """Return where each cell starts, the highest first, row by row, and the size of the sheet.

    Most heads of a crowd are smaller than the largest cell: the detector has that much less to
    look at.
    """
    area = sum(width * height for width, height in sizes)
    wide = max(*(width for width, _ in sizes), math.ceil(math.sqrt(area) / _STEP) * _STEP)
    spots = [(0, 0)] * len(sizes)
    left = top = shelf = 0
    for index in sorted(range(len(sizes)), key=lambda index: -sizes[index][1]):
        width, height = sizes[index]
        if left + width > wide:
            left, top, shelf = 0, top + shelf, 0
        spots[index] = (left, top)
        left, shelf = left + width, max(shelf, height)
    return spots, (wide, top + shelf)


def _around(face: Box) -> Box:
    head = head_of(face)
    dx, dy = _CONTEXT * head.width, _CONTEXT * head.height
    return Box(head.x1 - dx, head.y1 - dy, head.x2 + dx, head.y2 + dy)


def _holds(face: Box, found: Box) -> bool:
    x, y = (found.x1 + found.x2) / 2, (found.y1 + found.y2) / 2
    return face.x1 <= x <= face.x2 and face.y1 <= y <= face.y2
