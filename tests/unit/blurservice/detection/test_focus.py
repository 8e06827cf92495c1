"""Which parts of a picture are looked at closely."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.detectors import FakeDetector

from faceblur_service.detection.focus import LARGE, SMALL, focus_on, with_margin
from faceblur_service.detection.zoomed import ZoomedEngine
from faceblur_service.geometry import Box, Region
from faceblur_service.options import Sensitivity

PICTURE = np.zeros((512, 512, 3), np.uint8)


def a_face(x: float, y: float, side: float = 20, score: float = 0.5) -> Box:
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2, score)


@pytest.mark.parametrize(
    ("faces", "want"),
    [
        pytest.param([], (), id="nothing was seen: no look"),
        pytest.param([a_face(60, 60, SMALL)], (), id="large enough at the first look"),
        pytest.param([a_face(60, 60, 24, 0.66)], (), id="the first look is sure of it"),
        pytest.param([a_face(60, 60, 24, 0.29)], (), id="less than a hint"),
        pytest.param(
            [a_face(60, 60, 12, 0.66)], (Region(0, 0, 64, 64),), id="too small to be sure of"
        ),
        pytest.param([a_face(60, 60)], (Region(0, 0, 64, 64),), id="the block of a small face"),
        pytest.param(
            [a_face(60, 60), a_face(100, 60)],
            (Region(0, 0, 128, 64),),
            id="neighbours are one region",
        ),
        pytest.param(
            [a_face(60, 60), a_face(60, 100)],
            (Region(0, 0, 64, 128),),
            id="also one below the other",
        ),
        pytest.param(
            [a_face(60, 60), a_face(500, 500)],
            (Region(0, 0, 64, 64), Region(448, 448, 512, 512)),
            id="far apart are two",
        ),
        pytest.param(
            [a_face(-5, 600)], (Region(0, 448, 64, 512),), id="middle outside of the picture"
        ),
    ],
)
def test_regions_are_the_blocks_of_small_faces(faces: list[Box], want: tuple[Region, ...]) -> None:
    assert focus_on(faces, 512, 512).regions == want


@pytest.mark.parametrize(
    ("face", "want"),
    [
        pytest.param(a_face(60, 60, 24, 0.14), (), id="less than a hint"),
        pytest.param(a_face(60, 60, 24, 0.16), (Region(0, 0, 128, 128),), id="a hint"),
        pytest.param(a_face(60, 60, 24, 0.79), (Region(0, 0, 128, 128),), id="not quite sure"),
        pytest.param(a_face(60, 60, 24, 0.81), (), id="the first look is sure of it"),
    ],
)
def test_a_large_picture_is_looked_at_closely_for_less(face: Box, want: tuple[Region, ...]) -> None:
    assert focus_on([face], 1280, 1280).regions == want


@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.lists(st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)), max_size=30),
)
def test_every_small_face_is_held(
    width: int, height: int, places: list[tuple[float, float]]
) -> None:
    """Up to a pixel: blocks end at whole pixels."""
    faces = [a_face(x * width, y * height) for x, y in places]

    focus = focus_on(faces, width, height)

    for x, y in places:
        assert any(
            one.x1 - 1 <= x * width <= one.x2 + 1 and one.y1 - 1 <= y * height <= one.y2 + 1
            for one in focus.regions
        )


def test_a_large_face_in_a_region_is_not_the_closer_looks_to_judge() -> None:
    focus = focus_on([a_face(60, 60)], 512, 512)

    assert focus.settles(a_face(60, 60))
    assert not focus.settles(a_face(60, 60, LARGE))
    assert not focus.settles(a_face(300, 300))


def test_a_margin_ends_at_the_pictures_edge() -> None:
    assert with_margin(Region(0, 100, 128, 200), 150, 210) == Region(0, 68, 150, 210)


class Looks(FakeDetector):
    """Answers each look in turn."""

    def __init__(self, *answers: list[Box]) -> None:
        super().__init__()
        self._answers = iter(answers)

    def find_faces(
        self, picture: np.ndarray, sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        super().find_faces(picture, sensitivity)
        return next(self._answers)


def test_a_hint_is_looked_at_closely_and_judged_there() -> None:
    hint, portrait = Box(30, 30, 50, 50, 0.4), Box(300, 300, 400, 400, 0.9)
    # In the block's 64 pixels and 32 around them, enlarged by 1.75.
    engine = Looks([hint, portrait], [Box(52.5, 52.5, 87.5, 87.5, 0.8)])

    found = ZoomedEngine(engine).find_where_needed(PICTURE)

    assert [shape[:2] for shape in engine.seen] == [(512, 512), (168, 168)]
    assert found == [portrait, Box(30, 30, 50, 50, 0.8)]


def test_what_the_closer_look_sees_in_its_margin_does_not_count() -> None:
    """There a face may be cut off."""
    engine = Looks([Box(30, 30, 50, 50, 0.4)], [Box(130, 130, 160, 160, 0.9)])

    assert ZoomedEngine(engine).find_where_needed(PICTURE) == []


def test_without_small_faces_there_is_one_look() -> None:
    engine = Looks([Box(300, 300, 400, 400, 0.9)])

    ZoomedEngine(engine).find_where_needed(PICTURE)

    assert [shape[:2] for shape in engine.seen] == [(512, 512)]


def test_a_huge_picture_is_looked_at_once_and_shrunk() -> None:
    engine = FakeDetector()

    ZoomedEngine(engine).find_where_needed(np.zeros((1200, 6000, 3), np.uint8))

    # Shrunk to 6.3 MP: 5612 x 1122 pixels.
    assert sum(shape[1] for shape in engine.seen) >= 5612
