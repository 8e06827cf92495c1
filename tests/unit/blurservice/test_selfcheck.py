"""Looking at hidden faces again."""

import numpy as np
import pytest
from tests.support.detectors import FakeDetector

from faceblur_service.geometry import Box
from faceblur_service.selfcheck import still_faces

PICTURE = np.full((600, 800, 3), 90, np.uint8)
# Side by side on a sheet: the first fills cell (0, 0), the second cell (80, 0).
FACES = [Box(100, 100, 160, 160, 0.9), Box(500, 300, 560, 360, 0.8)]


@pytest.mark.parametrize(
    ("leftovers", "want"),
    [
        pytest.param([], [], id="nothing is found"),
        pytest.param([Box(22, 22, 62, 62, 0.9)], [0], id="the first"),
        pytest.param([Box(102, 22, 142, 62, 0.9)], [1], id="the second"),
        pytest.param(
            [Box(102, 22, 142, 62, 0.9), Box(22, 22, 62, 62, 0.9)], [0, 1], id="both, in order"
        ),
        pytest.param([Box(22, 22, 62, 62, 0.4)], [], id="a guess does not count"),
        pytest.param([Box(0, 0, 12, 12, 0.9)], [], id="a neighbour beside the face is another one"),
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

    assert detector.sheets == [(80, 80, 3)]


def test_many_faces_need_several_sheets() -> None:
    detector = FakeDetector()
    faces = [Box(x, y, x + 20, y + 20) for x in range(0, 800, 40) for y in range(0, 600, 40)]
    assert len(faces) == 300

    still_faces(PICTURE, faces, detector)

    assert detector.sheets == [(1120, 1120, 3), (800, 880, 3)]
