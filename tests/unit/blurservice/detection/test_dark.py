"""Faces in pictures that are nearly black."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from tests.support.detectors import FakeDetector
from tests.support.pictures import pair

from faceblur_service.blurring import Picture
from faceblur_service.detection import Detector
from faceblur_service.detection.dark import BrightenedDetector, brightened, gain_of, shade_gain_of
from faceblur_service.detection.factory import make_detector
from faceblur_service.geometry import Box
from faceblur_service.matching import match
from faceblur_service.options import Sensitivity
from faceblur_service.pipeline import Pipeline


class _Looks(FakeDetector):
    """Remembers what it was shown."""

    def __init__(self, faces: list[Box]) -> None:
        super().__init__(faces)
        self.shown: list[Picture] = []

    def find_faces(
        self, picture: Picture, sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        self.shown.append(picture)
        return super().find_faces(picture, sensitivity)

    def find_leftovers(self, picture: Picture) -> list[Box]:
        self.shown.append(picture)
        return super().find_leftovers(picture)


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    made = make_detector()
    yield made
    made.close()


def _plain(level: int, lamp: int = 0) -> Picture:
    picture = np.full((200, 300, 3), level, np.uint8)
    picture[:lamp, :lamp] = 255
    return picture


def _dark_pair(share: float) -> Picture:
    return np.asarray(cv2.convertScaleAbs(pair(), alpha=share), np.uint8)


def _under_a_lamp(share: float) -> Picture:
    """Return two faces in the dark, and a white disc over 3 % of the picture."""
    picture = _dark_pair(share)
    cv2.circle(picture, (320, 54), 54, (255, 255, 255), -1)
    return picture


@pytest.mark.parametrize(
    ("picture", "want"),
    [
        pytest.param(_plain(0), 1, id="black shows nothing at any brightness"),
        pytest.param(_plain(3), 1, id="nor do three levels"),
        pytest.param(_plain(4), 56, id="four levels are brightened"),
        pytest.param(_plain(14, lamp=18), 16, id="a small lamp does not count"),
        pytest.param(_plain(14, lamp=60), 1, id="a large one does"),
        pytest.param(_plain(64), 1, id="what is bright enough stays"),
        pytest.param(np.full((1, 9, 3), 14, np.uint8), 16, id="one row"),
    ],
)
def test_a_dark_picture_is_made_as_bright_as_others(picture: Picture, want: float) -> None:
    assert gain_of(picture) == want


@pytest.mark.parametrize(
    ("picture", "want"),
    [
        pytest.param(_plain(3, lamp=40), 1, id="black shows nothing beside a lamp either"),
        pytest.param(_plain(14, lamp=40), 16, id="what is dark is brightened"),
        pytest.param(_plain(28, lamp=80), 8, id="beside a large lamp too"),
        pytest.param(_plain(14, lamp=110), 1, id="a fifth of the picture is no lamp"),
        pytest.param(_plain(32, lamp=40), 1, id="what can be seen stays"),
        pytest.param(_plain(200), 1, id="a bright picture has no shade"),
        pytest.param(np.full((1, 9, 3), 14, np.uint8), 16, id="one row"),
    ],
)
def test_what_is_dark_beside_a_lamp_is_made_as_bright_as_others(
    picture: Picture, want: float
) -> None:
    assert shade_gain_of(picture) == want


def test_a_bright_picture_is_looked_at_itself() -> None:
    inner, picture = _Looks([Box(1, 2, 30, 40)]), pair()

    assert BrightenedDetector(inner).find_faces(picture, Sensitivity.MAX) == [Box(1, 2, 30, 40)]
    assert len(inner.shown) == 1
    assert inner.shown[0] is picture
    assert inner.asked == [Sensitivity.MAX]


def test_a_dark_picture_is_looked_at_brightened_and_left_unchanged() -> None:
    inner, picture = _Looks([]), _plain(14)
    picture[0, 0] = 7
    before = picture.copy()

    BrightenedDetector(inner).find_faces(picture)

    assert np.array_equal(picture, before)
    assert np.array_equal(inner.shown[0], brightened(before, 16))
    assert (inner.shown[0][0, 0, 0], inner.shown[0][1, 1, 0]) == (112, 224)


def test_of_a_large_dark_picture_only_a_small_copy_is_made() -> None:
    inner = _Looks([Box(100, 200, 300, 400)])
    picture = np.full((4000, 4000, 3), 14, np.uint8)
    picture[:50] = 7

    found = BrightenedDetector(inner).find_faces(picture)

    assert inner.shown[0].shape == (2000, 2000, 3)
    assert found == [Box(200, 400, 600, 800)]


@pytest.mark.parametrize("share", [0.1, 0.05, 0.03])
@pytest.mark.parametrize("sensitivity", list(Sensitivity))
def test_faces_are_found_in_the_dark(
    detector: Detector, share: float, sensitivity: Sensitivity
) -> None:
    found = detector.find_faces(_dark_pair(share), sensitivity)

    wanted = detector.find_faces(pair(), sensitivity)
    assert len(match(found, wanted).pairs) == len(wanted) == 2


@pytest.mark.parametrize("share", [0.06, 0.04])
@pytest.mark.parametrize("sensitivity", list(Sensitivity))
def test_faces_are_found_in_the_dark_beside_a_lamp(
    detector: Detector, share: float, sensitivity: Sensitivity
) -> None:
    found = detector.find_faces(_under_a_lamp(share), sensitivity)

    wanted = detector.find_faces(pair(), sensitivity)
    assert len(match(found, wanted).pairs) == len(wanted) == 2


def test_beside_a_lamp_what_is_lit_and_what_is_dark_are_looked_at() -> None:
    lit, dark = Box(300, 20, 340, 70, 0.8), Box(60, 60, 120, 120, 0.9)

    class InTurn(_Looks):
        def find_faces(
            self, picture: Picture, sensitivity: Sensitivity = Sensitivity.HIGH
        ) -> list[Box]:
            self.faces = [dark] if self.shown else [lit, lit.moved(2, 2)]
            return super().find_faces(picture, sensitivity)

    inner, picture = InTurn([]), _under_a_lamp(0.04)

    found = BrightenedDetector(inner).find_faces(picture, Sensitivity.MAX)

    assert found == [dark, lit]
    assert inner.asked == [Sensitivity.MAX, Sensitivity.MAX]
    assert inner.shown[0] is picture
    assert np.array_equal(inner.shown[1], brightened(picture, shade_gain_of(picture)))


def test_what_is_hidden_beside_a_lamp_is_looked_at_in_its_own_light() -> None:
    lit, dark = Box(290, 20, 350, 80, 0.8), Box(60, 60, 120, 120, 0.9)
    inner, picture = _Looks([lit, dark]), _under_a_lamp(0.04)

    Pipeline(BrightenedDetector(inner)).hide(picture)

    sheet = inner.shown[-1]
    in_the_dark, at_the_lamp = sheet[:66, :72], sheet[66:, :4]
    # A cell that was not brightened holds 10 at most but for the lamp.
    assert in_the_dark.mean() > 100
    assert at_the_lamp.max() <= 10


def test_what_is_hidden_in_the_dark_is_looked_at_brightened() -> None:
    inner = _Looks([Box(60, 60, 120, 120, 0.9)])
    dark = _dark_pair(0.05)

    Pipeline(BrightenedDetector(inner)).hide(dark)

    sheet = inner.shown[-1]
    assert sheet.shape == (66, 96, 3)
    # The sheet's own grey is 128; a cell that was not brightened holds 13 at most.
    assert sheet[20:60, 20:60].max() > 40


def test_no_face_of_a_dark_picture_can_be_brightened_back(detector: Detector) -> None:
    dark = _dark_pair(0.05)

    hidden = Pipeline(detector).hide(dark)

    assert len(hidden.faces) == 2
    assert detector.find_faces(brightened(hidden.picture, gain_of(dark))) == []


def test_no_face_beside_a_lamp_can_be_brightened_back(detector: Detector) -> None:
    dark = _under_a_lamp(0.05)

    hidden = Pipeline(detector).hide(dark)

    assert len(hidden.faces) == 2
    assert detector.find_faces(brightened(hidden.picture, shade_gain_of(dark))) == []
