"""Boxes of neighbouring frames."""

from hypothesis import given
from hypothesis import strategies as st

from faceblur_service.animation import over_all, with_neighbours
from faceblur_service.geometry import Box

A, B, C = (Box(x, 0, x + 10, 10, 0.9) for x in (0, 100, 200))


def test_without_frames_there_is_nothing() -> None:
    assert list(with_neighbours([])) == []


def test_a_single_frame_keeps_its_boxes() -> None:
    assert list(with_neighbours([("one", (A,))])) == [("one", (A,))]


def test_a_face_missed_in_the_middle_is_hidden_by_both_neighbours() -> None:
    found = list(with_neighbours([("one", (A,)), ("two", ()), ("three", (B, C))]))

    assert found == [("one", (A,)), ("two", (A, B, C)), ("three", (B, C))]


def test_boxes_reach_one_frame_far_and_no_further() -> None:
    found = list(with_neighbours([("one", (A,)), ("two", ()), ("three", ()), ("four", (B,))]))

    assert [boxes for _, boxes in found] == [(A,), (A,), (B,), (B,)]


def test_a_face_that_stays_is_told_once() -> None:
    assert over_all([A, A.moved(1, 1), B]) == (A, B)


def test_a_box_that_stays_is_hidden_once() -> None:
    assert list(with_neighbours([("one", (A,)), ("two", (A,))])) == [("one", (A,)), ("two", (A,))]


def test_a_moving_face_gets_one_box_that_holds_all_of_its_way() -> None:
    found = list(with_neighbours([(n, (A.moved(3 * n, 0), C)) for n in range(3)]))

    assert [boxes for _, boxes in found] == [
        (Box(0, 0, 13, 10, 0.9), C),
        (Box(0, 0, 16, 10, 0.9), C),
        (Box(3, 0, 16, 10, 0.9), C),
    ]


def test_two_faces_of_one_frame_stay_two() -> None:
    near = A.moved(4, 0)

    assert next(with_neighbours([("one", (A, near)), ("two", ())])) == ("one", (A, near))


def test_a_missed_face_that_moves_gets_one_box() -> None:
    found = list(with_neighbours([("one", (A,)), ("two", ()), ("three", (A.moved(2, 2),))]))

    assert found[1] == ("two", (Box(0, 0, 12, 12, 0.9),))


BOXES = st.builds(
    lambda x, y, side: Box(x, y, x + side, y + side),
    *(st.integers(0, 60), st.integers(0, 60), st.integers(1, 40)),
)


@given(frames=st.lists(st.lists(BOXES, max_size=3).map(tuple), max_size=4))
def test_every_box_is_inside_one_of_its_own_and_the_neighbouring_frames(
    frames: list[tuple[Box, ...]],
) -> None:
    found = [boxes for _, boxes in with_neighbours(enumerate(frames))]

    for at, boxes in enumerate(found):
        for near in frames[max(0, at - 1) : at + 2]:
            assert all(any(_holds(box, face) for box in boxes) for face in near)


def _holds(box: Box, face: Box) -> bool:
    left_top = box.x1 <= face.x1 and box.y1 <= face.y1
    return left_top and face.x2 <= box.x2 and face.y2 <= box.y2
