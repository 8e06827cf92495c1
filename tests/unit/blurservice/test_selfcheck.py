"""Looking at hidden faces again."""

import numpy as np
import pytest
from tests.support.detectors import FakeDetector

from faceblur_service.blurring import Picture
from faceblur_service.geometry import Box
from faceblur_service.selfcheck import still_faces

PICTURE = np.full((600, 800, 3), 90, np.uint8)
# One above the other on a sheet: the first is drawn from (0, 0) on, the second from (0, 66) on.
FACES = [Box(100, 100, 160, 160, 0.9), Box(500, 300, 560, 360, 0.8)]


@pytest.mark.parametrize(
    ("leftovers", "want"),
    [
        pytest.param([], [], id="nothing is found"),
        pytest.param([Box(22, 22, 62, 62, 0.9)], [0], id="the first"),
        pytest.param([Box(22, 96, 62, 136, 0.9)], [1], id="the second"),
        pytest.param(
            [Box(22, 96, 62, 136, 0.9), Box(22, 22, 62, 62, 0.9)], [0, 1], id="both, in order"
        ),
        pytest.param([Box(22, 22, 62, 62, 0.4)], [], id="a guess does not count"),
        pytest.param([Box(0, 0, 12, 12, 0.9)], [], id="a neighbour above the face is another one"),
    ],
)
def test_what_is_found_in_a_cell_is_that_face(leftovers: list[Box], want: list[int]) -> None:
    detector = FakeDetector()
    detector.leftovers = leftovers

    assert still_faces(PICTURE, FACES, detector) == want


def test_no_faces_cost_no_look() -> None:
    detector = FakeDetector()

    assert still_faces(PICTURE, [Box(-90, -90, -60, -60)], detector) == []
    assert detector.sheets == []


def test_the_sheet_does_not_grow_with_the_picture() -> None:
    detector = FakeDetector()

    still_faces(np.zeros((3000, 4000, 3), np.uint8), [Box(500, 500, 2500, 2500)], detector)

    assert detector.sheets == [(55, 72, 3)]


def test_many_faces_need_several_sheets() -> None:
    detector = FakeDetector()
    faces = [Box(x, y, x + 20, y + 20) for x in range(0, 800, 40) for y in range(0, 600, 40)]
    assert len(faces) == 300

    still_faces(PICTURE, faces, detector)

    assert detector.sheets == [(589, 608, 3), (460, 448, 3)]


def test_no_face_hides_another_on_the_sheet() -> None:
    shown: list[Picture] = []

    class Watching(FakeDetector):
        def find_leftovers(self, picture: Picture) -> list[Box]:
            shown.append(picture)
            return super().find_leftovers(picture)

    # Of every size, each in a field of its own colour.
    sides = [6 + 5 * i for i in range(20)]
    picture = np.zeros((200 * len(sides), 200, 3), np.uint8)
    faces = []
    for i, side in enumerate(sides):
        picture[200 * i : 200 * (i + 1)] = (10 + i, 200, 200)
        faces.append(Box(100 - side / 2, 200 * i + 100 - side / 2, 100 + side / 2, 200 * i + 100))

    still_faces(picture, faces, Watching())

    seen = [int(np.all(shown[0] == (10 + i, 200, 200), axis=2).sum()) for i in range(len(sides))]
    least = [side * side // 2 if side < 40 else 40 * 40 for side in sides]
    assert all(map(int.__ge__, seen, least)), seen
