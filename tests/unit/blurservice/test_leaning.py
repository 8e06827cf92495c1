"""An emoji leans as the face does that it hides."""

from collections.abc import Iterator

import numpy as np
import pytest
from tests.support.detectors import FakeDetector
from tests.support.pictures import portrait

from faceblur_service.blurring import hide_faces_inplace
from faceblur_service.detection import Detector
from faceblur_service.detection.factory import make_detector
from faceblur_service.detection.turned import turned, turned_back
from faceblur_service.emoji import drawn
from faceblur_service.geometry import Box, Region
from faceblur_service.leaning import CELL, ROW, TURNS, lean_of, leans
from faceblur_service.options import Mode, Options
from faceblur_service.pipeline import Pipeline

FACE = Box(40, 40, 100, 100)


def _noise() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 256, (160, 200, 3)).astype(np.uint8)


def _seen(face: int, turn: int) -> Box:
    """Return a face in the middle of a cell."""
    row, column = divmod(face * TURNS + turn, ROW)
    x, y = column * CELL, row * CELL
    return Box(x + 20, y + 20, x + 60, y + 60, 0.9)


@pytest.mark.parametrize(
    ("at", "want"),
    [
        pytest.param({}, 0, id="no turn shows a face"),
        pytest.param({4: 0.4}, 0, id="none is sure"),
        pytest.param({0: 0.9, 1: 0.5, 15: 0.5}, 0, id="upright"),
        pytest.param({4: 0.9}, 90, id="on its left side"),
        pytest.param({12: 0.9}, -90, id="on its right side"),
        pytest.param({7: 0.7, 8: 0.9, 9: 0.7}, 180, id="on its head"),
        pytest.param({15: 0.9, 0: 0.9}, 0, id="too little to be seen"),
        pytest.param({1: 0.9, 2: 0.9}, 33.75, id="between two turns"),
        pytest.param({15: 0.9, 14: 0.9}, -33.75, id="between two turns, the other way"),
    ],
)
def test_the_middle_of_the_turns_that_show_a_face_counts(at: dict[int, float], want: float) -> None:
    scores = np.zeros(TURNS)
    for turn, score in at.items():
        scores[turn] = score

    assert lean_of(scores) == pytest.approx(want)


def test_each_face_is_asked_for_but_tiny_ones() -> None:
    detector = FakeDetector()
    # The thirteenth face that is asked for is on a sheet of its own.
    detector.leftovers = [_seen(0, 4), _seen(1, 12), Box(0, 0, 30, 30, 1.0)]

    found = leans(_noise(), [FACE, Box(5, 5, 20, 20), *[FACE] * 12], detector)

    assert found == [90, 0, -90, *[0] * 10, 90]
    assert len(detector.sheets) == 2


def test_a_turned_emoji_is_the_upright_one_turned() -> None:
    head = Box(0, 0, 90, 90)
    whole = Region(0, 0, 90, 90)
    upright = drawn(whole, head).astype(int)

    for quarters, lean in ((1, 90.0), (2, 180.0), (3, -90.0)):
        lying = drawn(whole, head, lean).astype(int)

        assert np.abs(lying - np.rot90(upright, -quarters)).max() <= 2


def test_the_pipeline_turns_the_emoji() -> None:
    detector = FakeDetector([FACE])
    detector.leftovers = [_seen(0, 4)]
    wanted = _noise()
    hide_faces_inplace(wanted, [FACE], Mode.EMOJI, leans=[90])
    upright = _noise()
    hide_faces_inplace(upright, [FACE], Mode.EMOJI)

    hidden = Pipeline(detector).hide(_noise(), Options(mode=Mode.EMOJI)).picture

    assert (hidden == wanted).all()
    assert (hidden != upright).any()


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    made = make_detector()
    yield made
    made.close()


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_how_a_turned_portrait_stands_is_seen(detector: Detector, quarters: int) -> None:
    face = detector.find_faces(portrait())[0]
    if quarters:
        picture, face = turned(portrait(), quarters), turned_back(face, 4 - quarters, 512, 512)
    else:
        picture = portrait()

    (lean,) = leans(picture, [face], detector)

    # She holds her head a little to one side.
    assert -10 <= (lean - 90 * quarters + 180) % 360 - 180 <= 30


def test_a_face_outside_of_the_picture_leaves_the_others_their_cells() -> None:
    detector = FakeDetector()
    detector.leftovers = [_seen(1, 4)]

    found = leans(_noise(), [Box(-900, -900, -800, -800), FACE], detector)

    assert found == [0.0, 90.0]
    assert detector.sheets == [(-(-2 * TURNS // ROW) * CELL, ROW * CELL, 3)]
