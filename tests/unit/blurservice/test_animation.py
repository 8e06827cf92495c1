"""Boxes of neighbouring frames."""

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
