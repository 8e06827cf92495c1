"""Which found faces are which labelled ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur_service.geometry import Box
from faceblur_service.matching import Match, match, overlap

FACE = Box(10, 10, 30, 30)
OTHER = Box(60, 10, 80, 30)

_EDGE = st.floats(0, 100, allow_nan=False)
_SIDE = st.floats(0.5, 100, allow_nan=False)
BOXES = st.lists(
    st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), _EDGE, _EDGE, _SIDE, _SIDE), max_size=8
)


@pytest.mark.parametrize(
    ("found", "labelled", "want"),
    [
        pytest.param([], [], Match([], [], []), id="nothing at all"),
        pytest.param([FACE], [], Match([], [], [0]), id="a face nobody labelled"),
        pytest.param([], [FACE], Match([], [0], []), id="a face nobody found"),
        pytest.param([OTHER, FACE], [FACE, OTHER], Match([(0, 1), (1, 0)], [], []), id="any order"),
        pytest.param(
            [Box(12, 10, 32, 30), FACE], [FACE], Match([(1, 0)], [], [0]), id="the closer one wins"
        ),
        pytest.param([FACE], [FACE, FACE], Match([(0, 0)], [1], []), id="one box is not two faces"),
        pytest.param([Box(25, 10, 45, 30)], [FACE], Match([], [0], [0]), id="too little overlap"),
    ],
)
def test_faces_belong_together_by_their_overlap(
    found: list[Box], labelled: list[Box], want: Match
) -> None:
    assert match(found, labelled) == want


def test_without_a_least_overlap_touching_boxes_still_differ() -> None:
    assert match([Box(30, 10, 50, 30)], [FACE], iou=0) == Match([], [0], [0])


@pytest.mark.parametrize(
    ("other", "want"),
    [
        pytest.param(FACE, 1.0, id="the same"),
        pytest.param(Box(20, 10, 40, 30), 1 / 3, id="half of each"),
        pytest.param(OTHER, 0.0, id="beside"),
        pytest.param(Box(10, 30, 30, 50), 0.0, id="touching below"),
    ],
)
def test_overlap(other: Box, want: float) -> None:
    assert overlap(FACE, other) == pytest.approx(want)


@given(BOXES, BOXES)
def test_every_face_is_counted_exactly_once(found: list[Box], labelled: list[Box]) -> None:
    result = match(found, labelled)

    assert sorted([i for i, _ in result.pairs] + result.extra) == list(range(len(found)))
    assert sorted([j for _, j in result.pairs] + result.missed) == list(range(len(labelled)))


@given(BOXES)
def test_all_boxes_match_themselves(boxes: list[Box]) -> None:
    result = match(boxes, boxes)

    assert (result.missed, result.extra) == ([], [])
