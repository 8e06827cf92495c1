"""A gray pod and a stable one, as they stand side by side in a release."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support import blurservice
from tests.support.blurservice import Running
from tests.support.eventually import Patience, eventually
from tests.support.pictures import photos

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@contextmanager
def _side_by_side(folder: Path, **of_gray: str) -> Iterator[tuple[Running, Running]]:
    """Run stable, and a gray that falls back on it, until the block ends."""
    (folder / "stable").mkdir()
    of_stable = {"FACEBLUR_TRACK": "stable", "FACEBLUR_VERSION": "1.0"}
    with (
        blurservice.running(folder / "stable", **of_stable) as stable,
        blurservice.running(folder, FACEBLUR_FALLBACK_URL=stable.url, **of_gray) as gray,
    ):
        yield stable, gray


def _shadowed(gray: Running) -> dict[str, float]:
    lines = gray.get("/metrics").body.decode().splitlines()
    found = [line for line in lines if line.startswith("faceblur_shadow_faces_total{")]
    return {line.split('result="')[1].split('"')[0]: float(line.split()[-1]) for line in found}


@pytest.mark.parametrize(
    ("fault", "want"),
    [('{"latencyMs": 4000}', "slow"), ('{"errorRate": 1}', "internal-error")],
)
def test_a_bad_gray_is_answered_by_stable(tmp_path: Path, fault: str, want: str) -> None:
    with _side_by_side(tmp_path, FACEBLUR_FAULT=fault) as (stable, gray):
        own = stable.blur(photos()[2])
        answers = [gray.blur(photos()[2]) for _ in range(3)]

    told = [
        (a.status, a.headers["X-Face-Blur-Degraded"], a.headers["X-Face-Blur-Version"])
        for a in answers
    ]
    assert told == [(200, want, "1.0")] * 3
    assert {a.body for a in answers} == {own.body}


def test_a_request_has_one_id_in_its_answer_in_grays_log_and_in_stables(tmp_path: Path) -> None:
    with _side_by_side(tmp_path, FACEBLUR_FAULT='{"errorRate": 1}') as (stable, gray):
        answer = gray.blur(photos()[2])

    requests = [_logged(log, answer.headers["X-Request-Id"]) for log in (gray.log, stable.log)]
    assert [len(one) for one in requests] == [1, 1]


def _logged(log: Path, request_id: str) -> list[str]:
    """Return the lines of the access log about a request."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if request_id in line and '"/api/v1/blur"' in line]


def test_a_stopped_stable_costs_gray_nothing_and_two_grays_never_loop(tmp_path: Path) -> None:
    port = blurservice.free_port()
    with blurservice.running(
        tmp_path,
        FACEBLUR_FALLBACK_URL=f"http://127.0.0.1:{port}",
        FACEBLUR_FAULT='{"errorRate": 1}',
    ) as gray:
        alone = [gray.blur(photos()[4]).status for _ in range(5)]
    (tmp_path / "other").mkdir()
    with (
        blurservice.running(tmp_path, FACEBLUR_FAULT='{"errorRate": 1}') as other,
        blurservice.running(
            tmp_path / "other",
            FACEBLUR_FALLBACK_URL=other.url,
            FACEBLUR_FAULT='{"errorRate": 1}',
        ) as gray,
    ):
        looped = gray.blur(photos()[4]).status

    assert (alone, looped) == ([500] * 5, 500)


def test_grays_faces_are_compared_with_stables(tmp_path: Path) -> None:
    with _side_by_side(tmp_path, FACEBLUR_SHADOW_PERCENT="100") as (_stable, gray):
        gray.blur(photos()[2])
        found = eventually(
            lambda: _shadowed(gray),
            lambda counts: counts["matched"] > 0,
            within=Patience("the comparison", 30),
            what="faces were compared",
        )

    assert found == {"matched": 2, "missed": 0, "extra": 0}


def test_a_hung_stable_does_not_hang_gray(tmp_path: Path) -> None:
    with _side_by_side(tmp_path, FACEBLUR_SHADOW_PERCENT="100") as (stable, gray):
        worker = int(
            Path(f"/proc/{stable.process.pid}/task/{stable.process.pid}/children").read_text()
        )
        os.kill(worker, signal.SIGSTOP)
        try:
            answers = [gray.blur(photo).status for photo in photos()]
        finally:
            os.kill(worker, signal.SIGCONT)

    assert answers == [200] * 5


def _engine_of(gray: Running) -> int:
    """Return the process in which gray works on pictures: the child of gunicorn's worker."""
    (worker,) = _children(gray.process.pid)
    (engine,) = _children(worker)
    return engine


def _children(pid: int) -> list[int]:
    # Of every thread: a process belongs to the one that started it.
    found = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for children in found for child in children]


def _is_worked_on(gray: Running) -> bool:
    return 'faceblur_pictures{state="working",track="gray",version="1.1"} 1.0' in (
        gray.get("/metrics").body.decode()
    )


def test_an_engine_killed_at_work_costs_no_client_an_answer(tmp_path: Path) -> None:
    with _side_by_side(tmp_path, FACEBLUR_FALLBACK_AFTER_MS="30000") as (_stable, gray):
        before = gray.blur(photos()[2])
        first = _engine_of(gray)
        with ThreadPoolExecutor(1) as client:
            # Stopped, so that the picture is surely at work when the kernel's kill comes.
            os.kill(first, signal.SIGSTOP)
            answer = client.submit(gray.blur, photos()[0])
            eventually(
                lambda: _is_worked_on(gray),
                lambda at_work: at_work,
                within=Patience("the picture", 30),
                what="it is at work",
            )
            os.kill(first, signal.SIGKILL)
            during = answer.result()
        after = eventually(
            lambda: gray.blur(photos()[3]),
            lambda answer: answer.headers.get("X-Face-Blur-Degraded") is None,
            within=Patience("another engine is there", 60),
            what="gray answers by itself again",
        )
        second = _engine_of(gray)
        ready = gray.get("/readyz").status
        score = int(Path(f"/proc/{second}/oom_score_adj").read_text())

    told = [(a.status, a.headers.get("X-Face-Blur-Degraded")) for a in (before, during, after)]
    assert told == [(200, None), (200, "engine-lost"), (200, None)]
    assert (second != first, ready, score) == (True, 200, 1000)


def test_a_hung_engine_costs_a_client_a_second(tmp_path: Path) -> None:
    with _side_by_side(tmp_path) as (_stable, gray):
        engine = _engine_of(gray)
        os.kill(engine, signal.SIGSTOP)
        try:
            answers = [gray.blur(photo) for photo in photos()[:3]]
        finally:
            os.kill(engine, signal.SIGCONT)

    told = [(a.status, a.headers.get("X-Face-Blur-Degraded")) for a in answers]
    assert told == [(200, "slow")] * 3
