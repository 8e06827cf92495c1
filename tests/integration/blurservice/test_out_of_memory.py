"""A gray pod whose memory ends in the middle of a picture: the kernel's own kill, and who pays."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.benchmarks.blur import pod
from tests.support import blurservice
from tests.support.blurservice import Answer, Running
from tests.support.eventually import Patience, eventually
from tests.support.pictures import photos

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

RESTARTED = Patience("another engine is there", 60)
# What is left beside the engine at rest: enough for a small photo, not for 12 megapixels.
LEFT = 48 * 1024 * 1024
COUNTED = 'faceblur_requests_total{opted_in="false",outcome="degraded",track="gray",version="1.1"}'


@pytest.fixture
def limited() -> Iterator[pod.Pod]:
    reason = pod.why_not()
    if reason is not None:
        pytest.skip(reason)
    with pod.limits(whole_cores=True) as made:
        yield made


def _large() -> bytes:
    """Return 12 megapixels that are cheap to send."""
    whole = cv2.imdecode(np.frombuffer(photos()[2], np.uint8), cv2.IMREAD_COLOR)
    assert whole is not None
    return cv2.imencode(".jpg", cv2.resize(whole, (4000, 3000)))[1].tobytes()


def _told(answer: Answer) -> tuple[int, str | None, str | None]:
    headers = answer.headers
    return answer.status, headers.get("X-Face-Blur-Degraded"), headers.get("X-Face-Blur-Version")


def _degraded(gray: Running) -> float:
    lines = gray.get("/metrics").body.decode().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(COUNTED))


def _worker(gray: Running) -> list[str]:
    tasks = Path(f"/proc/{gray.process.pid}/task").glob("*/children")
    return [child for path in tasks for child in path.read_text().split()]


def test_the_kernels_kill_costs_no_client_an_answer(tmp_path: Path, limited: pod.Pod) -> None:
    # Given a gray pod that has little memory left, and stable beside it
    (tmp_path / "stable").mkdir()
    of_stable = {"FACEBLUR_TRACK": "stable", "FACEBLUR_VERSION": "1.0"}
    of_gray = {"FACEBLUR_FALLBACK_AFTER_MS": "30000", "FACEBLUR_SHADOW_PERCENT": "0"}
    with (
        blurservice.running(tmp_path / "stable", **of_stable) as stable,
        blurservice.running(
            tmp_path, before=limited.enter, FACEBLUR_FALLBACK_URL=stable.url, **of_gray
        ) as gray,
    ):
        own = stable.blur(_large())
        before = gray.blur(photos()[4])
        worker = _worker(gray)
        limited.leave(LEFT)

        # When a picture comes that is too much for it
        during = gray.blur(_large())
        kills = limited.kills
        alive = _worker(gray)
        # and another one that is not
        after = eventually(
            lambda: gray.blur(photos()[3]),
            lambda answer: _told(answer) == (200, None, "1.1"),
            within=RESTARTED,
            what="gray answers by itself again",
        )
        counted = _degraded(gray)

    # Then the kernel took the engine alone, stable answered, and that is bad for gray.
    assert _told(before) == (200, None, "1.1")
    assert _told(during) == (200, "engine-lost", "1.0")
    assert during.body == own.body
    assert (kills, alive) == (1, worker)
    assert (after.status, counted >= 1) == (200, True)
