"""POST /api/v1/detect, and what `blur` does with its answer."""

import io
import json

import pytest
from flask.testing import FlaskClient
from tests.support.detectors import FakeDetector

from faceblur_service.options import Sensitivity

FACE = {"id": "1", "x": 40, "y": 40, "width": 50, "height": 50, "score": 0.9}
PNG = {"content_type": "image/png"}


def test_it_says_where_the_faces_are(client: FlaskClient, picture: bytes) -> None:
    answer = client.post("/api/v1/detect", data=picture, **PNG)

    assert answer.get_json() == {"width": 200, "height": 150, "faces": [FACE]}


def test_it_looks_as_hard_as_it_is_asked_to(
    client: FlaskClient, detector: FakeDetector, picture: bytes
) -> None:
    for query in ("", "?sensitivity=max", "?sensitivity=fast"):
        client.post(f"/api/v1/detect{query}", data=picture, **PNG)

    assert detector.asked == [Sensitivity.HIGH, Sensitivity.MAX, Sensitivity.FAST]


def test_a_failing_detector_is_a_problem(
    client: FlaskClient, detector: FakeDetector, picture: bytes
) -> None:
    detector.failure = "out of order"

    answer = client.post("/api/v1/detect", data=picture, **PNG)

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (500, "detection-failed")


def test_corrected_boxes_decide_alone(
    client: FlaskClient, detector: FakeDetector, picture: bytes
) -> None:
    drawn = {"x": 100, "y": 20, "width": 40, "height": 40}
    boxes = json.dumps([{**FACE, "hide": False}, drawn])

    asked = client.post("/api/v1/blur", data=picture, query_string={"boxes": boxes}, **PNG)

    assert (asked.status_code, asked.headers["X-Face-Blur-Faces"]) == (200, "1")
    assert detector.asked == []


@pytest.mark.parametrize(
    ("query", "want"),
    [
        ({"mode": "gone"}, "mode must be blur, mosaic, solid or emoji."),
        ({"strength": "10"}, "strength must be normal or strong."),
        ({"sensitivity": ""}, "sensitivity must be fast, normal, high or max."),
        ({"mode": ["blur", "solid"]}, "mode is given more than once."),
        ({"boxes": "["}, "boxes must be JSON: a list of boxes."),
        ({"boxes": "[" * 5000}, "boxes must be JSON: a list of boxes."),
        ({"boxes": "{}"}, "boxes must be a list of boxes."),
        ({"boxes": "[" + " " * 200_000 + "]"}, "boxes is too long."),
    ],
    ids=str,
)
def test_a_choice_that_does_not_exist_is_refused(
    client: FlaskClient, picture: bytes, query: dict[str, object], want: str
) -> None:
    answer = client.post("/api/v1/blur", data=picture, query_string=query, **PNG)

    told = answer.get_json(force=True)
    assert (answer.status_code, told["code"], told["detail"]) == (400, "bad-request", want)


def test_the_form_is_stronger_than_the_address(
    client: FlaskClient, detector: FakeDetector, picture: bytes
) -> None:
    form = {"image": (io.BytesIO(picture), "x.png"), "sensitivity": "fast"}
    client.post("/api/v1/blur?sensitivity=max", data=form)

    assert detector.asked == [Sensitivity.FAST]


@pytest.mark.parametrize("query", ["sensitivity=hard", "boxes=1", "boxes=[]&boxes=[]"])
def test_what_the_form_overrules_must_be_good_too(
    client: FlaskClient, picture: bytes, query: str
) -> None:
    form = {"image": (io.BytesIO(picture), "x.png"), "sensitivity": "fast", "boxes": "[]"}

    assert client.post(f"/api/v1/blur?{query}", data=form).status_code == 400
