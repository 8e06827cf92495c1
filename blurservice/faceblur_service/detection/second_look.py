"""Look again, at one face at a time: at the size at which the engine knows a face best.

What is looked at is cut out and put into a cell of a sheet, so that a run sees many at once. A
thing that only looks like a face seldom does so at every size and in a mirror.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.detection import Engine
from faceblur_service.geometry import Box, visible
from faceblur_service.matching import overlap

# Side of what is cut out, in sides of the face: the engine wants to see what is around it.
AROUND = 2.5
# Pixels of a sheet's side: no run of the engine is larger.
SHEET = 1120
# Boxes of the same face at two sizes overlap at least as much.
SAME = 0.35
_GREY = 128


@dataclass(frozen=True, slots=True)
class _Cell:
    index: int
    """Of the face in the list that was asked for."""

    left: int
    top: int
    x: float
    """Of the picture, at the cell's left edge."""

    y: float
    factor: float
    """Pixels of the sheet for each of the picture."""

    def on_sheet(self, box: Box) -> Box:
        return box.moved(-self.x, -self.y).scaled(self.factor).moved(self.left, self.top)

    def in_picture(self, box: Box) -> Box:
        return box.moved(-self.left, -self.top).scaled(1 / self.factor).moved(self.x, self.y)


def look_again(
    engine: Engine, picture: Picture, faces: Sequence[Box], side: int, *, mirrored: bool = False
) -> list[Box | None]:
    """Return for each face the box that the engine gives it now, None where it sees none.

    Args:
        engine: What looks.
        picture: uint8, shape (height, width, 3), BGR; left unchanged.
        faces: What to look at, in pixels of the picture.
        side: Of a cell, in pixels: a face fills two fifths of it.
        mirrored: Show each cell with left and right exchanged.
    """
    seen: list[Box | None] = [None] * len(faces)
    for sheet, cells in _sheets(picture, faces, side):
        found = engine.find_faces(_mirrored_cells(sheet, side) if mirrored else sheet)
        if mirrored:
            found = [_mirrored(box, side) for box in found]
        for cell in cells:
            wanted = cell.on_sheet(faces[cell.index])
            same = (box for box in found if overlap(box, wanted) >= SAME)
            best = max(same, key=lambda box: box.score, default=None)
            seen[cell.index] = cell.in_picture(best) if best else None
    return seen


def _sheets(
    picture: Picture, faces: Sequence[Box], side: int
) -> Iterator[tuple[Picture, list[_Cell]]]:
    most = SHEET // side
    for start in range(0, len(faces), most * most):
        part = faces[start : start + most * most]
        columns = min(most, math.ceil(math.sqrt(len(part))))
        rows = math.ceil(len(part) / columns)
        sheet = np.full((rows * side, columns * side, 3), _GREY, np.uint8)
        cells = []
        for i, face in enumerate(part):
            left, top = i % columns * side, i // columns * side
            cell = _cell(start + i, face, left, top, side)
            _draw(sheet[top : top + side, left : left + side], picture, cell)
            cells.append(cell)
        yield sheet, cells


def _cell(index: int, face: Box, left: int, top: int, side: int) -> _Cell:
    across = max(face.width, face.height, 1.0) * AROUND
    x, y = (face.x1 + face.x2 - across) / 2, (face.y1 + face.y2 - across) / 2
    return _Cell(index, left, top, x, y, side / across)


def _draw(view: Picture, picture: Picture, cell: _Cell) -> None:
    """Draw what the picture has of a cell's square; the rest stays grey."""
    side = view.shape[0]
    across = side / cell.factor
    place = visible(
        Box(cell.x, cell.y, cell.x + across, cell.y + across), picture.shape[1], picture.shape[0]
    )
    if place is None:
        return
    width = min(side, max(1, round(place.width * cell.factor)))
    height = min(side, max(1, round(place.height * cell.factor)))
    left = min(side - width, max(0, round((place.x1 - cell.x) * cell.factor)))
    top = min(side - height, max(0, round((place.y1 - cell.y) * cell.factor)))
    how = cv2.INTER_AREA if cell.factor < 1 else cv2.INTER_LINEAR
    part = picture[place.y1 : place.y2, place.x1 : place.x2]
    view[top : top + height, left : left + width] = cv2.resize(
        part, (width, height), interpolation=how
    )


def _mirrored_cells(sheet: Picture, side: int) -> Picture:
    height, width = sheet.shape[:2]
    cells = sheet.reshape(height, width // side, side, 3)
    return np.ascontiguousarray(cells[:, :, ::-1]).reshape(height, width, 3)


def _mirrored(box: Box, side: int) -> Box:
    """Return a box of a mirrored cell as it lies in the cell itself."""
    left = math.floor((box.x1 + box.x2) / 2 / side) * side
    return Box(2 * left + side - box.x2, box.y1, 2 * left + side - box.x1, box.y2, box.score)
