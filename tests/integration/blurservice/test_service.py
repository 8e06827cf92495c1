"""The service as its image runs it: start, work, stop."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from tests.support import blurservice
from tests.support.eventually import eventually
from tests.support.pictures import photos

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def test_photos_are_hidden_and_counted(tmp_path: Path) -> None:
    with blurservice.running(tmp_path) as service:
        answers = [service.blur(photo) for photo in photos()]
        metrics = service.get("/metrics").body.decode()

    assert [(a.status, a.headers["Content-Type"]) for a in answers] == [(200, "image/jpeg")] * 5
    assert all(int(a.headers["X-Face-Blur-Faces"]) >= 1 for a in answers)
    series = (
        'faceblur_requests_total{opted_in="false",outcome="success",track="gray",version="1.1"}'
    )
    assert f"{series} 5.0" in metrics


def test_parallel_requests_share_one_detector(tmp_path: Path) -> None:
    """Also shows that the detector is made after the fork: made before, it would hang."""
    with blurservice.running(tmp_path) as service:
        statuses: list[int] = []

        def post() -> None:
            statuses.extend(service.blur(photos()[4]).status for _ in range(10))

        threads = [threading.Thread(target=post) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert statuses == [200] * 40


def test_stopping_fails_no_request_and_says_not_ready_first(tmp_path: Path) -> None:
    with blurservice.running(tmp_path) as service:
        statuses: list[int] = []
        stop = threading.Event()

        def post() -> None:
            while not stop.is_set():
                statuses.append(service.blur(photos()[4]).status)

        threads = [threading.Thread(target=post) for _ in range(2)]
        for thread in threads:
            thread.start()
        os.kill(service.process.pid, signal.SIGTERM)
        eventually(
            lambda: service.get("/readyz").status,
            lambda status: status == 503,
            within=blurservice.STOPPING,
            what="it is not ready any more",
        )
        served_before = len(statuses)
        eventually(
            lambda: len(statuses),
            lambda count: count >= served_before + 10,
            within=blurservice.STOPPING,
            what="it goes on serving while it drains",
        )
        stop.set()  # as a load balancer does that has seen the 503
        for thread in threads:
            thread.join()
        exit_status = service.process.wait(blurservice.STOPPING.seconds)

    assert set(statuses) == {200}
    assert exit_status == 0


def test_a_request_at_work_is_finished_after_the_drain(tmp_path: Path) -> None:
    fault = '{"latencyMs": 3000}'
    with blurservice.running(tmp_path, FACEBLUR_FAULT=fault, FACEBLUR_DRAIN_SECONDS="0") as service:
        statuses: list[int] = []
        thread = threading.Thread(target=lambda: statuses.append(service.blur(photos()[4]).status))
        thread.start()
        eventually(
            lambda: _established(service.url),
            lambda count: count >= 1,
            within=blurservice.STARTING,
            what="the request has arrived",
        )
        os.kill(service.process.pid, signal.SIGTERM)
        thread.join()
        exit_status = service.process.wait(blurservice.STOPPING.seconds)

    assert (statuses, exit_status) == ([200], 0)


def _established(url: str) -> int:
    """Return how many connections the service's port has accepted."""
    port = f":{int(url.rsplit(':', 1)[1]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(port) and row[3] == "01" for row in rows)


@pytest.mark.parametrize(
    ("name", "value", "want"),
    [
        pytest.param("FACEBLUR_MODELS_DIR", "{folder}", "is broken: wanted sha256", id="model"),
        pytest.param("FACEBLUR_FAULT", "slow", "FACEBLUR_FAULT must be JSON like", id="setting"),
    ],
)
def test_what_is_broken_stops_the_start_with_a_sentence(
    tmp_path: Path, name: str, value: str, want: str
) -> None:
    (tmp_path / "face_detection_full_range_sparse.tflite").write_bytes(b"broken")
    environ = blurservice.environment(tmp_path, **{name: value.format(folder=tmp_path)})

    done = subprocess.run(
        blurservice.command(blurservice.free_port()),
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    lines = [json.loads(line) for line in (done.stderr + done.stdout).splitlines()]
    assert done.returncode != 0
    assert [line["event"] for line in lines if want in line["event"]] != []
    assert "Traceback" not in done.stderr + done.stdout
