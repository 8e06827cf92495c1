"""POST /api/v1/blur."""

import io
import os
import sys
import threading
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize
from tests.support.detectors import FakeDetector
from tests.support.eventually import Patience, eventually
from tests.support.samples import arrow, image, saved
from tests.unit.blurservice.web.conftest import SETTINGS

from faceblur_service.fault import Fault
from faceblur_service.gray import SqlitePool
from faceblur_service.web.app import build
from faceblur_service.web.services import KEY

URL = "/api/v1/blur"
PNG = {"content_type": "image/png"}


def _requests(app: Flask, **labels: str) -> float | None:
    registry = app.extensions[KEY].metrics.registry
    own = {"track": "gray", "version": "1.1"}
    found = registry.get_sample_value("faceblur_requests_total", own | labels)
    assert found is None or isinstance(found, float)
    return found


def test_a_picture_comes_back_hidden(app: Flask, client: FlaskClient, picture: bytes) -> None:
    answer = client.post(URL, data=picture, **PNG)

    assert (answer.status_code, answer.content_type) == (200, "image/png")
    assert answer.data.startswith(b"\x89PNG")
    assert answer.data != picture
    wanted = {
        "X-Face-Blur-Faces": "1",
        "X-Face-Blur-Version": "1.1",
        "X-Face-Blur-Track": "gray",
        "Cache-Control": "no-store",
    }
    assert {name: answer.headers[name] for name in wanted} == wanted
    assert _requests(app, outcome="success", opted_in="false") == 1


def test_a_heic_comes_back_as_a_jpeg_whatever_it_is_called(client: FlaskClient) -> None:
    heic = saved(image(arrow()), "HEIC")

    answers = [client.post(URL, data=heic, content_type=f"image/{x}") for x in ("heic", "jpeg")]
    archive = client.post(f"{URL}/batch", data={"image": [(io.BytesIO(heic), "IMG_1.HEIC")]})

    assert [(a.status_code, a.content_type) for a in answers] == [(200, "image/jpeg")] * 2
    assert answers[0].data.startswith(b"\xff\xd8\xff")
    assert zipfile.ZipFile(io.BytesIO(archive.data)).namelist()[0] == "001-IMG_1.jpg"


def test_a_form_works_as_well(client: FlaskClient, picture: bytes) -> None:
    raw = client.post(URL, data=picture, **PNG)

    form = client.post(URL, data={"image": (io.BytesIO(picture), "holiday.png")})

    assert (form.status_code, form.data) == (200, raw.data)


def test_kept_answers_give_way_to_a_picture_that_needs_all_the_memory(
    app: Flask,
    client: FlaskClient,
    detector: FakeDetector,
    picture: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def looks() -> int:
        before = len(detector.seen)
        assert client.post(URL, data=picture, **PNG).status_code == 200
        return len(detector.seen) - before

    assert (looks(), looks()) == (1, 0)
    monkeypatch.setattr(app.extensions[KEY].admission, "room_left", lambda: 0)

    assert client.post(URL, data=saved(image(arrow()), "PNG"), **PNG).status_code == 200
    assert looks() == 1, "it was still kept"


@pytest.mark.parametrize(
    ("headers", "cookie", "want"),
    [
        pytest.param({}, None, "false", id="nobody asked"),
        pytest.param({"X-Gray-Enable": "true"}, None, "true", id="by header"),
        pytest.param({"X-Gray-Enable": "false"}, None, "false", id="header says no"),
        pytest.param({}, "always", "true", id="by cookie"),
        pytest.param({}, "never", "false", id="cookie says no"),
    ],
)
def test_who_opted_in_is_counted_apart(
    app: Flask,
    client: FlaskClient,
    picture: bytes,
    headers: dict[str, str],
    cookie: str | None,
    want: str,
) -> None:
    if cookie:
        client.set_cookie("gray", cookie)

    client.post(URL, data=picture, headers=headers, **PNG)

    assert _requests(app, outcome="success", opted_in=want) == 1


class _Chunks(io.RawIOBase):
    """A body that comes in chunks of which one is announced wrongly, as gunicorn tells it."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise InvalidChunkSize(b"SECRET of a picture")


@pytest.mark.parametrize("kind", ["image/png", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("address", [URL, "/api/v1/detect", "/api/v1/blur/batch"])
def test_chunks_that_are_none_are_the_senders_fault_and_not_quoted(
    app: Flask, client: FlaskClient, kind: str, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.post(
        address,
        content_type=kind,
        environ_overrides={"wsgi.input": _Chunks(), "wsgi.input_terminated": True},
    )

    assert (answer.status_code, '"bad-request"' in answer.text) == (400, True)
    assert "SECRET" not in answer.text + caplog.text
    assert _requests(app, outcome="error", opted_in="false") == 0


@pytest.mark.parametrize(
    ("sent", "want"),
    [
        pytest.param({"data": b"", **PNG}, (400, "no-picture"), id="no bytes"),
        pytest.param({"data": {"other": "x"}}, (415, "unsupported-picture"), id="a plain form"),
        pytest.param(
            {"data": {"file": (io.BytesIO(b"x"), "x.png")}}, (400, "no-picture"), id="other field"
        ),
        pytest.param(
            {"data": b"hello", "content_type": "text/plain"},
            (415, "unsupported-picture"),
            id="not called a picture",
        ),
        pytest.param({"data": b"%PDF-1.7", **PNG}, (415, "unsupported-picture"), id="another kind"),
        pytest.param(
            {"data": b"\x89PNG\r\n\x1a\nbroken", **PNG}, (422, "broken-picture"), id="broken"
        ),
        pytest.param(
            {"data": bytes(21 << 20), **PNG}, (413, "picture-too-large"), id="too many bytes"
        ),
    ],
)
def test_what_cannot_be_used_is_a_problem(
    app: Flask, client: FlaskClient, sent: dict[str, Any], want: tuple[int, str]
) -> None:
    answer = client.post(URL, **sent)

    assert answer.content_type == "application/problem+json"
    told = answer.get_json(force=True)
    assert (answer.status_code, told["code"]) == want
    assert set(told) == {"type", "title", "status", "detail", "code", "requestId"}
    assert _requests(app, outcome="client_error", opted_in="false") == 1


def test_a_picture_never_leaves_without_detection(
    app: Flask, client: FlaskClient, detector: FakeDetector, picture: bytes
) -> None:
    detector.failure = "The detector failed: out of order"

    answer = client.post(URL, data=picture, **PNG)

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (500, "detection-failed")
    assert b"PNG" not in answer.data
    assert _requests(app, outcome="error", opted_in="false") == 1


def test_an_error_nobody_thought_of_is_a_problem_without_details(
    pool: SqlitePool, picture: bytes
) -> None:
    def explode() -> None:
        raise ZeroDivisionError("secret path")

    client = build(SETTINGS, FakeDetector(meanwhile=explode), pool).test_client()

    answer = client.post(URL, data=picture, **PNG)

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (500, "internal-error")
    assert b"secret" not in answer.data


def test_a_fault_answers_as_an_internal_error(pool: SqlitePool, picture: bytes) -> None:
    app = build(replace(SETTINGS, fault=Fault(error_rate=1)), FakeDetector(), pool)

    answer = app.test_client().post(URL, data=picture, **PNG)

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (500, "internal-error")
    assert _requests(app, outcome="error", opted_in="false") == 1


def test_a_full_queue_says_come_back(pool: SqlitePool, picture: bytes) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        at_work.set()
        assert go_on.wait(20)

    app = build(replace(SETTINGS, slots=1, queue=1), FakeDetector(meanwhile=wait), pool)
    answers: list[int] = []

    def post() -> None:
        answers.append(app.test_client().post(URL, data=picture, **PNG).status_code)

    threads = [threading.Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert at_work.wait(20)
    places = app.extensions[KEY].admission._places
    eventually(
        lambda: places._value,
        lambda free: free == 0,
        within=Patience("both requests arrived", 20),
        what="all places are taken",
        every_s=0.01,
    )

    refused = app.test_client().post(URL, data=picture, **PNG)
    go_on.set()
    for thread in threads:
        thread.join()

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.get_json(force=True)["code"] == "queue-full"
    assert answers == [200, 200]
    assert _requests(app, outcome="rejected", opted_in="false") == 1
    assert app.test_client().post(URL, data=picture, **PNG).status_code == 200


def test_uploads_never_touch_a_disk(client: FlaskClient, picture: bytes) -> None:
    opened: list[str] = []
    watching = [True]

    def note(event: str, given: tuple[object, ...]) -> None:
        # Python tells of each file that is opened, named or not, by whichever library.
        if watching and event == "open" and _writes(given):
            opened.append(str(given[0]))

    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    body = head + picture + bytes(2 << 20) + b"\r\n--b--\r\n"
    sys.addaudithook(note)

    answer = client.post(URL, data=body, content_type="multipart/form-data; boundary=b")
    watching.clear()

    assert opened == []
    assert answer.status_code == 200


def _writes(given: tuple[object, ...]) -> bool:
    flags = given[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))
