"""Falling back to stable: when, when not, and what the caller sees."""

import http.server
import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from flask import Flask
from tests.support.detectors import FakeDetector
from tests.unit.blurservice.web.conftest import SETTINGS

from faceblur_service.fault import Fault
from faceblur_service.geometry import Box
from faceblur_service.gray import SqlitePool
from faceblur_service.options import Mode, Options, Sensitivity
from faceblur_service.pipeline import Pipeline
from faceblur_service.settings import Settings
from faceblur_service.web.app import build
from faceblur_service.web.fallback import (
    HOP,
    Guard,
    Stable,
    StableAnswer,
    StableUnavailable,
)
from faceblur_service.web.services import KEY

URL = "/api/v1/blur"
PNG = {"content_type": "image/png"}
BY_STABLE = {
    "X-Face-Blur-Faces": "7",
    "X-Face-Blur-Version": "1.0",
    "X-Face-Blur-Track": "stable",
}


@dataclass
class FakeStable:
    """A stable version that answers as it is told."""

    answer: StableAnswer = field(
        default_factory=lambda: StableAnswer(200, "image/png", BY_STABLE, b"by stable")
    )
    fails: bool = False
    asked: list[tuple[bytes, Options, dict[str, str]]] = field(default_factory=list)
    seen: tuple[Box, ...] = ()
    looked: list[tuple[bytes, str, Sensitivity | None, dict[str, str]]] = field(
        default_factory=list
    )

    def blur(
        self, data: bytes, media_type: str, options: Options, tags: Mapping[str, str]
    ) -> StableAnswer:
        """Answer, or not."""
        assert media_type == "image/png"
        self.asked.append((data, options, dict(tags)))
        if self.fails:
            raise StableUnavailable("down")
        return self.answer

    def detect(
        self, data: bytes, media_type: str, sensitivity: Sensitivity | None, tags: Mapping[str, str]
    ) -> tuple[Box, ...]:
        """See what it was told."""
        self.looked.append((data, media_type, sensitivity, dict(tags)))
        if self.fails:
            raise StableUnavailable("down")
        return self.seen


@pytest.fixture
def stable() -> FakeStable:
    return FakeStable()


Build = Callable[..., Flask]


@pytest.fixture
def gray(pool: SqlitePool, stable: FakeStable) -> Build:
    def make(detector: FakeDetector | None = None, **settings: Any) -> Flask:
        quiet = {"shadow_percent": 0, **settings}
        return build(replace(SETTINGS, **quiet), detector or FakeDetector(), pool, stable)

    return make


def _value(app: Flask, name: str, **labels: str) -> float:
    own = {"track": "gray", "version": "1.1"}
    found = app.extensions[KEY].metrics.registry.get_sample_value(name, own | labels)
    assert isinstance(found, float)
    return found


def _outcome(app: Flask, outcome: str) -> float:
    return _value(app, "faceblur_requests_total", outcome=outcome, opted_in="false")


def test_what_gray_fails_stable_answers_with_the_original_bytes(
    gray: Build, stable: FakeStable, picture: bytes
) -> None:
    app = gray(fault=Fault(error_rate=1))

    answer = app.test_client().post(
        f"{URL}?mode=solid", data=picture, headers={"X-Request-Id": "r1"}, **PNG
    )

    assert (answer.status_code, answer.data) == (200, b"by stable")
    told = {**BY_STABLE, "X-Face-Blur-Degraded": "internal-error", "X-Request-Id": "r1"}
    assert {name: answer.headers[name] for name in told} == told
    (asked,) = stable.asked
    assert asked == (picture, Options(mode=Mode.SOLID), {"X-Request-Id": "r1"})
    assert (_outcome(app, "degraded"), _outcome(app, "error")) == (1, 0)
    name = "faceblur_degraded_total"
    assert _value(app, name, reason="internal-error", result="answered") == 1


@pytest.mark.parametrize("failure", [None, "detection-failed"])
def test_every_failure_of_gray_is_stables_turn(
    gray: Build, stable: FakeStable, picture: bytes, failure: str | None
) -> None:
    def explode() -> None:
        if failure is None:
            raise ZeroDivisionError

    detector = FakeDetector(meanwhile=explode)
    detector.failure = failure

    answer = gray(detector).test_client().post(URL, data=picture, **PNG)

    assert (answer.data, len(stable.asked)) == (b"by stable", 1)


def test_what_hangs_is_answered_by_stable(gray: Build, picture: bytes) -> None:
    go_on = threading.Event()
    app = gray(FakeDetector(meanwhile=lambda: go_on.wait(20)), fallback_after_ms=30)

    answer = app.test_client().post(URL, data=picture, **PNG)
    go_on.set()

    assert (answer.data, answer.headers["X-Face-Blur-Degraded"]) == (b"by stable", "slow")
    assert _outcome(app, "degraded") == 1


class Restarting(Pipeline):
    """A pipeline whose engine is being replaced: it answers, but only once that is done."""

    def is_starting(self) -> bool:
        """Return True."""
        return True


def _restarting(app: Flask, detector: FakeDetector) -> Flask:
    app.extensions[KEY].work._pipeline = Restarting(detector)
    return app


def test_nobody_waits_for_an_engine_that_is_known_to_be_gone(
    gray: Build, stable: FakeStable, picture: bytes
) -> None:
    detector = FakeDetector()
    app = _restarting(gray(), detector)

    answer = app.test_client().post(URL, data=picture, **PNG)

    assert (answer.data, answer.headers["X-Face-Blur-Degraded"]) == (b"by stable", "engine-lost")
    assert (detector.seen, len(stable.asked), _outcome(app, "degraded")) == ([], 1, 1)


def test_who_cannot_be_handed_on_waits_for_the_next_engine(
    gray: Build, stable: FakeStable, picture: bytes
) -> None:
    stable.fails = True
    app = _restarting(gray(), FakeDetector())

    answers = [app.test_client().post(URL, data=picture + b"%d" % n, **PNG) for n in range(5)]

    assert [(a.status_code, a.headers["X-Face-Blur-Version"]) for a in answers] == [
        (200, "1.1")
    ] * 5
    assert len(stable.asked) == Guard.FAILURES, "then it is left alone"


def test_who_finds_no_place_is_sent_on(gray: Build, picture: bytes) -> None:
    app = gray()
    admission = app.extensions[KEY].admission
    held = [admission.place() for _ in range(SETTINGS.slots + SETTINGS.queue)]
    for one in held:
        one.__enter__()

    answer = app.test_client().post(URL, data=picture, **PNG)
    for one in held:
        one.__exit__(None, None, None)

    assert (answer.data, answer.headers["X-Face-Blur-Degraded"]) == (b"by stable", "queue-full")


def test_a_good_answer_never_asks_stable(gray: Build, stable: FakeStable, picture: bytes) -> None:
    app = gray()

    answer = app.test_client().post(URL, data=picture, **PNG)

    assert (answer.status_code, "X-Face-Blur-Degraded" in answer.headers) == (200, False)
    assert (stable.asked, _outcome(app, "success")) == ([], 1)


def test_the_pictures_own_fault_is_nobody_elses(gray: Build, stable: FakeStable) -> None:
    answer = gray().test_client().post(URL, data=b"%PDF", **PNG)

    assert (answer.status_code, stable.asked) == (415, [])


def test_what_was_sent_on_once_is_never_sent_on_again(
    gray: Build, stable: FakeStable, picture: bytes
) -> None:
    app = gray(fault=Fault(error_rate=1))

    answer = app.test_client().post(URL, data=picture, headers={HOP: "1"}, **PNG)

    assert (answer.status_code, stable.asked) == (500, [])


def test_a_stable_that_is_down_leaves_grays_own_error(
    gray: Build, stable: FakeStable, picture: bytes
) -> None:
    stable.fails = True
    app = gray(fault=Fault(error_rate=1))

    answers = [app.test_client().post(URL, data=picture, **PNG) for _ in range(5)]

    assert [a.status_code for a in answers] == [500] * 5
    assert len(stable.asked) == Guard.FAILURES, "then it is left alone"
    assert _outcome(app, "error") == 5


def test_a_slow_gray_and_no_stable_answers_late(
    gray: Build, stable: FakeStable, picture: bytes
) -> None:
    stable.fails = True
    app = gray(fault=Fault(latency_ms=50), fallback_after_ms=1)

    answer = app.test_client().post(URL, data=picture, **PNG)

    assert (answer.status_code, answer.headers["X-Face-Blur-Version"]) == (200, "1.1")


def test_stable_itself_never_falls_back(pool: SqlitePool, picture: bytes) -> None:
    stable = FakeStable()
    settings = Settings(version="1.0", track="stable", fault=Fault(error_rate=1))
    app = build(settings, FakeDetector(), pool, stable)

    assert app.test_client().post(URL, data=picture, **PNG).status_code == 500
    assert stable.asked == []


def test_in_a_batch_each_picture_falls_back(gray: Build, picture: bytes) -> None:
    app = gray(fault=Fault(error_rate=1))
    form = {"image": [(io.BytesIO(picture), "a"), (io.BytesIO(picture + b"0"), "b")]}

    answer = app.test_client().post(
        "/api/v1/blur/batch", data=form, headers={"Accept": "application/x-ndjson"}
    )

    lines = [json.loads(line) for line in answer.data.splitlines()]
    assert [(line["degraded"], line["faces"]) for line in lines] == [("internal-error", 7)] * 2
    assert _outcome(app, "degraded") == 2


def test_the_guard_pauses_longer_each_time_and_tries_once() -> None:
    now, asked = [0.0], 0

    def fail() -> None:
        nonlocal asked
        asked += 1
        raise StableUnavailable("down")

    guard = Guard(at_once=4, percent=100, monotonic=lambda: now[0])

    def ask(times: int) -> int:
        before = asked
        for _ in range(times):
            with pytest.raises(StableUnavailable):
                guard.ask(fail)
        return asked - before

    told = [ask(5)]
    for pause in (1.9, 0.2, 3.9, 0.2):
        now[0] += pause
        told.append(ask(3))
    now[0] += 100
    guard.ask(lambda: None)

    assert told == [3, 0, 1, 0, 1]
    assert ask(5) == 3, "one success is enough to trust it again"


def test_the_guard_lets_so_many_ask_at_once_and_so_large_a_share() -> None:
    guard = Guard(at_once=1, percent=20)

    def nested() -> None:
        with pytest.raises(StableUnavailable, match="on their way"):
            guard.ask(lambda: None)

    guard.ask(nested)
    answered = 0
    for _ in range(400):
        guard.served()
        try:
            guard.ask(lambda: None)
            answered += 1
        except StableUnavailable:
            pass

    assert 90 <= answered <= 120


class Handler(http.server.BaseHTTPRequestHandler):
    """Remembers what it is asked and answers as it is told."""

    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.asked.append((self.path, dict(self.headers), body))
        status, kind, answer = server.answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("X-Face-Blur-Version", "1.0")
        self.send_header("X-Face-Blur-Secret", "x")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Any]:
    made: Any = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.answer = [], (200, "image/png", b"hidden")
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def _stable(server: Any, token: str | None = None) -> Stable:
    return Stable(f"http://127.0.0.1:{server.server_port}/base", token)


def test_stable_is_asked_with_options_tags_token_and_the_mark(server: Any) -> None:
    answer = _stable(server, "secret").blur(b"bytes", "image/png", Options(), {"X-Request-Id": "r"})

    assert answer == StableAnswer(200, "image/png", {"X-Face-Blur-Version": "1.0"}, b"hidden")
    ((path, headers, body),) = server.asked
    assert path == "/base/api/v1/blur?mode=blur&strength=normal&sensitivity=high"
    wanted = {
        "X-Request-Id": "r",
        HOP: "1",
        "Content-Type": "image/png",
        "Authorization": "Bearer secret",
    }
    assert ({name: headers[name] for name in wanted}, body) == (wanted, b"bytes")


def test_boxes_go_with_the_picture_in_a_form(server: Any) -> None:
    _stable(server).blur(b"bytes", "image/png", Options(boxes=(Box(1, 2, 4, 6),)), {})
    _stable(server).blur(b"bytes", "image/png", Options(boxes=()), {})

    (_, headers, body), (path, _, _) = server.asked
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'[{"x": 1, "y": 2, "width": 3, "height": 4}]' in body
    assert b"\r\n\r\nbytes\r\n--" in body
    assert path.endswith("&boxes=%5B%5D")


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_what_is_no_answer_to_a_picture_is_none(server: Any, status: int) -> None:
    server.answer = (status, "application/problem+json", b"{}")

    with pytest.raises(StableUnavailable, match=f"stable answered {status}"):
        _stable(server).blur(b"bytes", "image/png", Options(), {})


def test_nobody_there_is_told_as_such() -> None:
    with pytest.raises(StableUnavailable, match="does not answer: ConnectionRefusedError"):
        Stable("http://127.0.0.1:1", None).blur(b"x", "image/png", Options(), {})


def test_stables_faces_are_read(server: Any) -> None:
    face = {"id": "1", "x": 1, "y": 2, "width": 3, "height": 4, "score": 0.5}
    server.answer = (200, "application/json", json.dumps({"faces": [face]}).encode())

    assert _stable(server).detect(b"x", "image/png", Sensitivity.MAX, {}) == (Box(1, 2, 4, 6),)
    assert server.asked[0][0] == "/base/api/v1/detect?sensitivity=max"


def test_stable_looks_as_it_does_by_itself_where_the_caller_said_nothing(server: Any) -> None:
    server.answer = (200, "application/json", b'{"faces": []}')

    assert _stable(server).detect(b"x", "image/png", None, {}) == ()
    assert server.asked[0][0] == "/base/api/v1/detect?"


@pytest.mark.parametrize("body", [b"{", b"{}", b"[]", b'{"faces": [1]}'])
def test_faces_that_cannot_be_read_are_none(server: Any, body: bytes) -> None:
    server.answer = (200, "application/json", body)

    with pytest.raises(StableUnavailable, match="cannot be read"):
        _stable(server).detect(b"x", "image/png", Sensitivity.MAX, {})
