"""A face is looked at again at its best size, and found at its place in the picture."""

import numpy as np
import numpy.typing as npt
import pytest

from faceblur_service.detection.second_look import SHEET, look_again
from faceblur_service.geometry import Box


class Bright:
    """Finds what is bright, once in each cell."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.seen: list[tuple[int, int]] = []

    def find_faces(self, picture: npt.NDArray[np.uint8]) -> list[Box]:
        height, width = picture.shape[:2]
        self.seen.append((height, width))
        return [
            box
            for top in range(0, height, self.side)
            for left in range(0, width, self.side)
            for box in _bright(picture[top : top + self.side, left : left + self.side], left, top)
        ]

    def close(self) -> None:
        """Have nothing to let go of."""


def _bright(cell: npt.NDArray[np.uint8], left: int, top: int) -> list[Box]:
    ys, xs = np.nonzero(cell[:, :, 0] > 200)
    if not xs.size:
        return []
    return [
        Box(
            left + int(xs.min()),
            top + int(ys.min()),
            left + int(xs.max()) + 1,
            top + int(ys.max()) + 1,
            0.7,
        )
    ]


def a_picture(*faces: Box) -> npt.NDArray[np.uint8]:
    picture = np.zeros((300, 400, 3), np.uint8)
    for face in faces:
        picture[int(face.y1) : int(face.y2), int(face.x1) : int(face.x2)] = 255
    return picture


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("side", [128, 160])
@pytest.mark.parametrize(
    "face",
    [
        pytest.param(Box(100, 100, 140, 150), id="in the middle"),
        pytest.param(Box(0, 0, 40, 50), id="at the picture's corner"),
        pytest.param(Box(350, 250, 400, 300), id="at the other one"),
        pytest.param(Box(20, 90, 160, 230), id="larger than a cell"),
    ],
)
def test_a_face_is_found_where_it_is(face: Box, side: int, *, mirrored: bool) -> None:
    # Beside another one, so that it is not in the first cell; of other proportions than its cell.
    other = Box(280, 20, 320, 60)

    _, seen = look_again(
        Bright(side), a_picture(face, other), [other, face], side, mirrored=mirrored
    )

    assert seen is not None
    # A pixel of a cell is up to four of the picture.
    assert (seen.x1, seen.y1, seen.x2, seen.y2) == pytest.approx(
        (face.x1, face.y1, face.x2, face.y2), abs=5
    )
    assert seen.score == 0.7


def test_nothing_is_seen_where_nothing_is() -> None:
    face = Box(100, 100, 140, 150)

    assert look_again(Bright(128), a_picture(), [face], 128) == [None]


def test_something_else_in_the_cell_is_not_the_face() -> None:
    face, beside = Box(100, 100, 140, 150), Box(60, 80, 90, 95)

    assert look_again(Bright(128), a_picture(beside), [face], 128) == [None]


def test_without_faces_there_is_no_look() -> None:
    engine = Bright(128)

    assert look_again(engine, a_picture(), [], 128) == []
    assert engine.seen == []


def test_no_sheet_is_larger_than_the_engines_largest_run() -> None:
    engine = Bright(160)
    faces = [Box(100, 100, 140, 150)] * 100

    seen = look_again(engine, a_picture(faces[0]), faces, 160)

    assert all(seen)
    assert engine.seen == [(SHEET, SHEET), (SHEET, SHEET), (160, 320)]


def test_a_face_outside_of_the_picture_is_a_grey_cell() -> None:
    assert look_again(Bright(128), a_picture(), [Box(900, 900, 940, 940)], 128) == [None]
