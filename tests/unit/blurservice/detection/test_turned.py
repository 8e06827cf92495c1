"""Turning a picture, finding out how, and where its faces are then."""

from collections.abc import Iterator

import numpy as np
import pytest
from tests.support.detectors import FakeDetector
from tests.support.pictures import portrait

from faceblur_service.blurring import Picture
from faceblur_service.detection import Detector
from faceblur_service.detection.combined import CombinedDetector
from faceblur_service.detection.factory import make_detector
from faceblur_service.detection.turned import QUARTERS, surest_turn, turned, turned_back
from faceblur_service.geometry import Box
from faceblur_service.matching import overlap
from faceblur_service.options import Sensitivity

PICTURE = np.zeros((300, 400, 3), np.uint8)


class Knows(FakeDetector):
    """Sees a face in a picture whose white corner is where it is in an upright one."""

    def __init__(self, at: Box, *, corner: float = 0.9, other: float = 0.0) -> None:
        super().__init__()
        self._at, self._corner, self._other = at, corner, other

    def find_faces(
        self, picture: Picture, sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        super().find_faces(picture, sensitivity)
        score = self._corner if picture[0, 0].all() else self._other
        return [Box(self._at.x1, self._at.y1, self._at.x2, self._at.y2, score)] if score else []


def marked(quarters: int) -> Picture:
    """Return a picture that stands upright when it is turned by so many quarters."""
    upright = PICTURE.copy()
    upright[:40, :40] = 255
    return turned(upright, 4 - quarters) if quarters else upright


@pytest.mark.parametrize("quarters", QUARTERS)
def test_a_box_is_turned_back_to_the_pixels_that_it_holds(quarters: int) -> None:
    picture = np.zeros((30, 40, 3), np.uint8)
    picture[3:10, 5:25] = 255
    rows, columns = np.nonzero(turned(picture, quarters)[:, :, 0])
    seen = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 0.7)

    assert turned_back(seen, quarters, 40, 30) == Box(5, 3, 25, 10, 0.7)


@pytest.mark.parametrize("quarters", [0, *QUARTERS])
def test_the_turn_that_shows_the_surest_face_is_found(quarters: int) -> None:
    engine = Knows(Box(50, 50, 90, 90), other=0.3)

    assert surest_turn(engine, marked(quarters)) == quarters


@pytest.mark.parametrize(
    ("corner", "other"),
    [
        pytest.param(0.0, 0.0, id="nothing"),
        pytest.param(0.45, 0.0, id="hardly anything"),
        pytest.param(0.7, 0.68, id="hardly more than before"),
    ],
)
def test_a_picture_stays_as_it_is_where_turning_shows(corner: float, other: float) -> None:
    assert surest_turn(Knows(Box(5, 5, 9, 9), corner=corner, other=other), marked(1)) == 0


@pytest.mark.parametrize(
    ("score", "want"),
    [
        pytest.param(0.89, 5, id="not quite sure"),
        pytest.param(0.91, 1, id="sure"),
    ],
)
def test_high_turns_only_a_picture_without_a_sure_face(score: float, want: int) -> None:
    yunet = FakeDetector([Box(10, 10, 90, 90, score)])

    CombinedDetector(FakeDetector(), yunet).find_faces(marked(0))

    assert len(yunet.seen) == want


@pytest.mark.parametrize("sensitivity", [Sensitivity.HIGH, Sensitivity.MAX])
@pytest.mark.parametrize("quarters", QUARTERS)
def test_a_lying_face_is_found_where_it_lies(sensitivity: Sensitivity, quarters: int) -> None:
    yunet = Knows(Box(50, 60, 110, 140))
    height, width = marked(quarters).shape[:2]

    (found,) = CombinedDetector(FakeDetector(), yunet).find_faces(marked(quarters), sensitivity)

    # The face is given in whatever it looks at, enlarged or not: what counts here is the turn.
    back = turned_back(Box(50, 60, 110, 140), quarters, width, height)
    middle = ((found.x1 + found.x2) / 2 > width / 2, (found.y1 + found.y2) / 2 > height / 2)
    assert middle == ((back.x1 + back.x2) / 2 > width / 2, (back.y1 + back.y2) / 2 > height / 2)
    assert found.score == 0.9


@pytest.mark.parametrize(("score", "want"), [(0.79, 1), (0.81, 2)])
def test_in_a_turned_picture_an_upright_face_counts_when_it_is_sure(
    score: float, want: int
) -> None:
    yunet = Knows(Box(150, 200, 230, 290), corner=0.95, other=score)

    found = CombinedDetector(FakeDetector(), yunet).find_faces(marked(2))

    assert len(found) == want


@pytest.mark.parametrize(("score", "want"), [(0.67, 0), (0.69, 1)])
def test_a_lying_face_must_be_a_little_surer(score: float, want: int) -> None:
    """Of MediaPipe's scores nine tenths count, and of so small a face 0.04 less: 0.567, 0.585."""

    class OnlyInTheCopy(Knows):
        def find_faces(
            self, picture: Picture, sensitivity: Sensitivity = Sensitivity.HIGH
        ) -> list[Box]:
            found = super().find_faces(picture, sensitivity)
            return found if max(picture.shape) == 320 else []

    mediapipe = Knows(Box(10, 10, 45, 45), corner=score)
    yunet = OnlyInTheCopy(Box(8, 8, 36, 36))

    found = CombinedDetector(mediapipe, yunet).find_faces(marked(2))

    assert len(found) == want


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    made = make_detector()
    yield made
    made.close()


@pytest.mark.parametrize("sensitivity", [Sensitivity.HIGH, Sensitivity.MAX])
@pytest.mark.parametrize("quarters", QUARTERS)
def test_the_face_of_a_turned_portrait_is_found(
    detector: Detector, quarters: int, sensitivity: Sensitivity
) -> None:
    upright = detector.find_faces(portrait(), sensitivity)[0]

    found = detector.find_faces(turned(portrait(), quarters), sensitivity)

    # Where the upright face lies after the same turn, which is the way back of the other turns.
    lying = turned_back(upright, 4 - quarters, 512, 512)
    assert max(overlap(face, lying) for face in found) > 0.7
