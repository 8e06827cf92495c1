"""POST /api/v1/blur/batch."""

import base64
import io
import json
import zipfile
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from tests.support.detectors import FakeDetector

from faceblur_service.web.batch_api import MAX_BYTES, MOST
from faceblur_service.web.services import KEY

URL = "/api/v1/blur/batch"
LINES = {"Accept": "application/x-ndjson"}


def _form(*files: tuple[bytes, str], **fields: str) -> dict[str, Any]:
    return {"image": [(io.BytesIO(data), name) for data, name in files], **fields}


def test_pictures_come_back_as_an_archive_with_a_report(
    app: Flask, client: FlaskClient, picture: bytes
) -> None:
    one = client.post("/api/v1/blur", data=picture, content_type="image/png").data

    answer = client.post(URL, data=_form((picture, "a.png"), (b"x", "b.txt"), (picture, "../c.d")))

    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert answer.content_type == "application/zip"
    assert archive.testzip() is None
    assert archive.namelist() == ["001-a.png", "003-c.png", "report.json"]
    assert archive.read("001-a.png") == one
    report = json.loads(archive.read("report.json"))["pictures"]
    assert [(r["index"], r["name"], r["status"]) for r in report] == [
        (1, "a.png", "done"),
        (2, "b.txt", "failed"),
        (3, "c.d", "done"),
    ]
    assert report[1]["problem"]["code"] == "unsupported-picture"
    registry = app.extensions[KEY].metrics.registry
    own = {"track": "gray", "version": "1.1", "opted_in": "false"}
    counted = [
        registry.get_sample_value("faceblur_requests_total", {**own, "outcome": outcome})
        for outcome in ("success", "client_error")
    ]
    assert counted == [3, 1]


def test_a_program_gets_a_line_for_each_as_it_is_done(
    client: FlaskClient, detector: FakeDetector, picture: bytes
) -> None:
    other = picture + b"\0"
    answer = client.post(
        URL, data=_form((picture, "a"), (other, "b")), headers=LINES, buffered=False
    )
    lines = iter(answer.iter_encoded())

    first = json.loads(next(lines))
    looked = len(detector.seen)
    second = json.loads(next(lines))
    answer.close()

    assert (first["index"], first["faces"], second["index"]) == (1, 1, 2)
    assert base64.b64decode(first["data"]).startswith(b"\x89PNG")
    assert looked < len(detector.seen), "the second was not looked at before it was asked for"


def test_one_batch_at_a_time_and_the_place_comes_back(client: FlaskClient, picture: bytes) -> None:
    first = client.post(URL, data=_form((picture, "a")), headers=LINES, buffered=False)

    refused = client.post(URL, data=_form((picture, "a")))
    first.close()
    again = client.post(URL, data=_form((picture, "a")))

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert again.status_code == 200


def test_what_cannot_be_a_batch_is_refused_as_a_whole(client: FlaskClient, picture: bytes) -> None:
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"data": picture, "content_type": "image/png"}, 400, "bad-request"),
        ({"data": {"other": "x"}}, 400, "bad-request"),
        ({"data": _form(*[(b"x", "x")] * (MOST + 1))}, 400, "bad-request"),
        ({"data": _form((picture, "a"), mode="gone")}, 400, "bad-request"),
        # Boxes of one picture would leave the faces of all others clear.
        ({"data": _form((picture, "a"), (picture, "b"), boxes="[]")}, 400, "bad-request"),
        (
            {
                "data": b"--b\r\n" + bytes(MAX_BYTES),
                "content_type": "multipart/form-data; boundary=b",
            },
            413,
            "picture-too-large",
        ),
    ]

    answers = [client.post(URL, **sent) for sent, _, _ in cases]

    found = [(a.status_code, a.get_json(force=True)["code"]) for a in answers]
    assert found == [(status, code) for _, status, code in cases]
    assert client.post(URL, data=_form((picture, "a"))).status_code == 200


def test_a_failing_detector_fails_each_picture_and_lets_none_out(
    client: FlaskClient, detector: FakeDetector, picture: bytes
) -> None:
    detector.failure = "out of order"

    answer = client.post(URL, data=_form((picture, "a"), (picture, "b")), headers=LINES)

    lines = [json.loads(line) for line in answer.data.splitlines()]
    assert [line["problem"]["code"] for line in lines] == ["detection-failed"] * 2
    assert all("data" not in line for line in lines)
