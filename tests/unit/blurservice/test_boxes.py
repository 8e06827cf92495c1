"""Corrected boxes in JSON."""

from typing import Any

import pytest

from faceblur_service.boxes import MOST, boxes_from_json
from faceblur_service.errors import BadRequest
from faceblur_service.faces import Face
from faceblur_service.geometry import Box

ONE = {"x": 10, "y": 20.5, "width": 30, "height": 40}


@pytest.mark.parametrize(
    ("value", "want"),
    [
        pytest.param([], (), id="none: nothing is hidden"),
        pytest.param([ONE], (Box(10, 20.5, 40, 60.5),), id="corner and size"),
        pytest.param(
            [{**ONE, "id": "7", "score": 0.4, "hide": True}],
            (Box(10, 20.5, 40, 60.5),),
            id="a person is sure, whatever the detector was",
        ),
        pytest.param([{**ONE, "hide": False}], (), id="to be kept clear"),
        pytest.param([{**ONE, "x": -5}], (Box(-5, 20.5, 25, 60.5),), id="partly outside"),
    ],
)
def test_boxes_are_read(value: Any, want: tuple[Box, ...]) -> None:
    assert boxes_from_json(value) == want


def test_what_detect_gives_is_taken_back() -> None:
    given = Face("1", Box(10, 20, 40, 60, 0.91)).as_json()

    assert boxes_from_json([given]) == (Box(10, 20, 40, 60),)


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ({}, "must be a list"),
        (None, "must be a list"),
        ([ONE] * (MOST + 1), "may hold 1000 boxes, found 1001"),
        ([ONE, 3], "Box 2 must be an object"),
        ([{**ONE, "colour": "red"}], "Box 1 has a field that is not known: colour"),
        ([{"x": 1, "y": 1, "width": 1}], "Box 1: height must be a number"),
        ([{**ONE, "x": "1"}], "Box 1: x must be a number"),
        ([{**ONE, "x": True}], "Box 1: x must be a number"),
        ([{**ONE, "x": float("nan")}], "Box 1: x must be at most a million"),
        ([{**ONE, "y": 1e300}], "Box 1: y must be at most a million"),
        ([{**ONE, "y": 10**400}], "Box 1: y must be at most a million"),
        ([{**ONE, "width": 0}], "Box 1 must have a width and a height above 0"),
        ([{**ONE, "height": -1}], "Box 1 must have a width and a height above 0"),
        ([{**ONE, "hide": "no"}], "Box 1: hide must be true or false"),
        ([{**ONE, "id": 7}], "Box 1: id must be a text"),
        ([{**ONE, "score": "0.4"}], "Box 1: score must be a number"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(value: Any, want: str) -> None:
    with pytest.raises(BadRequest, match=want):
        boxes_from_json(value)
