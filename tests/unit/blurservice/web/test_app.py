"""What holds for every address: headers, ids, problems, logs, health."""

import json
import logging
import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from tests.support.detectors import FakeDetector
from tests.unit.blurservice.web.conftest import SETTINGS

from faceblur_service.gray import SqlitePool
from faceblur_service.jsonlog import JsonFormatter, config
from faceblur_service.web import create_app, drain
from faceblur_service.web.app import build
from faceblur_service.web.readiness import Readiness

ADDRESSES = ["/", "/healthz", "/readyz", "/metrics", "/api/enable-gray", "/static/page.js", "/none"]


@pytest.fixture
def _draining() -> Iterator[None]:
    drain.set_draining(on=True)
    yield
    drain.set_draining(on=False)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_says_who_made_it_and_is_locked_down(
    client: FlaskClient, address: str
) -> None:
    with client.get(address) as answer:
        headers = answer.headers

    wanted = {
        "X-Face-Blur-Version": "1.1",
        "X-Face-Blur-Track": "gray",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    assert {name: headers[name] for name in wanted} == wanted
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "X-Gray-Enable" in headers["Vary"]


@pytest.mark.parametrize(
    ("given", "want"),
    [
        pytest.param("abc-123", r"^abc-123$", id="a good id is kept"),
        pytest.param("bad id\t", r"^[0-9a-f]{32}$", id="a bad one is replaced"),
        pytest.param("x" * 65, r"^[0-9a-f]{32}$", id="a long one is replaced"),
        pytest.param(None, r"^[0-9a-f]{32}$", id="a missing one is made"),
    ],
)
def test_every_request_has_an_id(client: FlaskClient, given: str | None, want: str) -> None:
    answer = client.get("/none", headers={"X-Request-Id": given} if given else {})

    told = answer.get_json(force=True)["requestId"]
    assert told == answer.headers["X-Request-Id"]
    assert re.match(want, told)


def test_an_unknown_address_is_a_problem(client: FlaskClient) -> None:
    answer = client.get("/none")

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.get_json(force=True)["code"] == "not-found"


def test_a_wrong_method_is_a_problem_that_names_the_right_one(client: FlaskClient) -> None:
    answer = client.get("/api/v1/blur")

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (405, "method-not-allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("method", "address", "want"),
    [
        ("GET", "/none", "There is no such address here; /api/v1/openapi.json names them all."),
        ("GET", "/api/v1/blur", "This address takes OPTIONS, POST."),
        (
            "POST",
            "/api/v1/blur",
            "The request is too large: at most 20 MiB, and a form of 520 parts.",
        ),
    ],
)
def test_a_refusal_says_what_would_do(
    client: FlaskClient, method: str, address: str, want: str
) -> None:
    answer = client.open(address, method=method, data=bytes(21 * 2**20), content_type="image/png")

    assert answer.get_json(force=True)["detail"] == want


def test_the_page_names_its_version(client: FlaskClient) -> None:
    page = client.get("/").text

    assert 'data-version="1.1" data-track="gray"' in page
    assert "http://" not in page
    assert "https://" not in page
    assert "style=" not in page


def test_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {
        "status": "ready",
        "version": "1.1",
        "track": "gray",
        "sensitivity": "high",
        "detectors": {"fake": True},
    }


def test_a_broken_detector_is_not_ready(client: FlaskClient, detector: FakeDetector) -> None:
    detector.failure = "The detector failed: out of order"

    answer = client.get("/readyz")

    assert (answer.status_code, answer.get_json(force=True)["detail"]) == (
        503,
        "The detector failed: out of order",
    )
    assert client.get("/healthz").status_code == 200


def test_a_missing_detector_is_told(pool: SqlitePool) -> None:
    """The service works without YuNet, and nobody may be left to guess that it does."""

    class Halved(FakeDetector):
        def detectors(self) -> dict[str, bool]:
            return {"mediapipe": True, "yunet": False}

    client = build(SETTINGS, Halved(), pool).test_client()

    ready, metrics = client.get("/readyz"), client.get("/metrics").text
    assert ready.status_code == 200
    assert ready.get_json()["detectors"] == {"mediapipe": True, "yunet": False}
    own = 'track="gray",version="1.1"'
    assert f'faceblur_detector{{detector="mediapipe",{own}}} 1.0' in metrics
    assert f'faceblur_detector{{detector="yunet",{own}}} 0.0' in metrics


def test_readiness_recovers_and_is_not_tried_too_often() -> None:
    now = [100.0]
    detector = FakeDetector()
    readiness = Readiness(detector, lambda: now[0])
    detector.failure = "broken"

    told = [readiness.problem()]
    detector.failure = None
    now[0] += 4.9
    told.append(readiness.problem())
    now[0] += 0.1
    told.append(readiness.problem())

    assert (told, len(detector.seen)) == (["broken", "broken", None], 2)


@pytest.mark.usefixtures("_draining")
def test_who_is_leaving_is_not_ready_but_still_works(client: FlaskClient, picture: bytes) -> None:
    ready = client.get("/readyz")
    blurred = client.post("/api/v1/blur", data=picture, content_type="image/png")

    assert (ready.status_code, ready.get_json(force=True)["code"]) == (503, "draining")
    assert blurred.status_code == 200


def test_metrics_are_served(client: FlaskClient) -> None:
    answer = client.get("/metrics")

    assert answer.content_type.startswith("text/plain; version=")
    assert 'faceblur_info{track="gray",version="1.1"} 1.0' in answer.text


def test_the_access_log_is_json_without_anything_private(
    client: FlaskClient, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    client.set_cookie("faceblur_id", "who-i-am")
    with caplog.at_level(logging.INFO, "faceblur.access"):
        client.post(
            "/api/v1/blur?name=secret-name",
            data=picture,
            content_type="image/png",
            headers={"X-Request-Id": "r1", "X-Gray-Enable": "true"},
        )
        client.get("/secret-name/photo.jpg")

    lines = [JsonFormatter().format(r) for r in caplog.records if r.name == "faceblur.access"]
    first, second = (json.loads(line) for line in lines)
    ms, out = first.pop("ms"), first.pop("bytesOut")
    assert ms > 0
    assert out > 0
    del first["time"]
    assert first == {
        "level": "info",
        "logger": "faceblur.access",
        "event": "request",
        "requestId": "r1",
        "method": "POST",
        "route": "/api/v1/blur",
        "status": 200,
        "bytesIn": len(picture),
        "faces": 1,
        "optedIn": True,
        "track": "gray",
        "version": "1.1",
    }
    assert (second["status"], second["code"]) == (404, "not-found")
    assert not any(word in line for line in lines for word in ("secret", "127.0.0.1", "who-i-am"))


def test_gunicorns_own_access_log_is_silent() -> None:
    loggers = config()["loggers"]

    assert isinstance(loggers, dict)
    assert loggers["gunicorn.access"] == {"level": "CRITICAL", "handlers": [], "propagate": False}


def test_an_error_is_logged_with_its_trace() -> None:
    try:
        raise ValueError("x")  # noqa: TRY301 - to have a trace
    except ValueError as err:
        record = logging.LogRecord("n", logging.ERROR, "", 1, "went %s", ("wrong",), None)
        record.exc_info = (type(err), err, err.__traceback__)

    line = json.loads(JsonFormatter().format(record))

    assert (line["event"], line["level"]) == ("went wrong", "error")
    assert "ValueError: x" in line["error"]


@pytest.mark.parametrize(
    ("name", "value", "want"),
    [
        pytest.param("FACEBLUR_MODELS_DIR", "/no/such/folder", "is missing", id="no model"),
        pytest.param("FACEBLUR_FAULT", "{", "FACEBLUR_FAULT must be JSON", id="a bad fault"),
    ],
)
def test_what_cannot_work_does_not_start(
    name: str,
    value: str,
    want: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as caught:
        create_app()

    told = json.loads(capsys.readouterr().err)
    assert caught.value.code == 4
    assert told["level"] == "critical"
    assert want in told["event"]
