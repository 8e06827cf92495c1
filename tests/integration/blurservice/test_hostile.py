"""Clients that want to do harm, on a real service: bounded, honest, no 5xx but "come back"."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from tests.support import blurservice
from tests.support.blurservice import Running
from tests.support.hostile import HEAD, ask, connect, damaged, is_dishonest, requests, status_of
from tests.support.pictures import photos

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

BAD_HEADS = [
    b"GET /\r\n\r\n",
    b"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70_000 + b"\r\n\r\n",
    HEAD + b"Content-Length: -5\r\n\r\n",
    HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
    HEAD + b"X Y: 1\r\n\r\n",
    HEAD + b"Content-Length: 99999999999\r\n\r\n",
]


def _rss_mib(service: Running) -> float:
    pids = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text()
    (worker,) = pids.split()
    fields = Path(f"/proc/{worker}/status").read_text().splitlines()
    return next(int(f.split()[1]) / 1024 for f in fields if f.startswith("VmRSS"))


def test_half_sent_requests_hold_up_nobody(tmp_path: Path) -> None:
    with blurservice.running(tmp_path, FACEBLUR_STALL_SECONDS="2") as service:
        half = [connect(service.url) for _ in range(300)]
        for number, connection in enumerate(half):
            parts = [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", HEAD + b"Content-Le"]
            connection.sendall(parts[number % 3])

        answers = [service.blur(photos()[4]).status for _ in range(5)]
        health = service.get("/healthz").status
        ends = []
        for connection in half:
            try:
                ends.append(connection.recv(1))
            except OSError:
                ends.append(b"")
            connection.close()

    assert (answers, health) == ([200] * 5, 200)
    assert set(ends) == {b""}, "each was cut off"


def test_stalled_uploads_are_told_so_and_the_places_come_back(tmp_path: Path) -> None:
    with blurservice.running(tmp_path, FACEBLUR_STALL_SECONDS="1") as service:
        stalled = [connect(service.url) for _ in range(12)]
        for connection in stalled:
            connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\nabc")
        statuses = {int(connection.recv(4096).split(b" ", 2)[1]) for connection in stalled}
        for connection in stalled:
            connection.close()
        after = service.blur(photos()[4]).status

    assert statuses == {408, 503}
    assert after == 200


def test_bad_heads_get_a_clients_error_and_leave_no_trace(tmp_path: Path) -> None:
    with blurservice.running(tmp_path) as service:
        statuses = [
            status_of(ask(service.url, head.replace(b"Host: x", b"Host: secret-host")))
            for head in BAD_HEADS
        ]
        after = service.blur(photos()[4]).status
        log = service.log.read_text()

    told = dict(zip((head[:60] for head in BAD_HEADS), statuses, strict=True))
    # None: what it had still to read makes the kernel reset the connection now and then.
    assert {k: v for k, v in told.items() if v and not 400 <= v < 500} == {}
    assert after == 200
    assert "secret-host" not in log
    assert "127.0.0.1:" not in log.split("Listening at", 1)[1].split("\n", 1)[1]


def test_hundreds_of_damaged_requests_end_in_a_clients_error(tmp_path: Path) -> None:
    rng = random.Random(7)
    good = requests()
    with blurservice.running(tmp_path, FACEBLUR_STALL_SECONDS="1") as service:
        service.blur(photos()[4])
        before = _rss_mib(service)
        sent = [damaged(rng, rng.choice(good)) for _ in range(300)]
        # Half a head is waited for: several at once, so that the test does not.
        with ThreadPoolExecutor(8) as senders:
            answers = list(senders.map(partial(ask, service.url), sent))
        grown = _rss_mib(service) - before
        after = service.blur(photos()[4]).status
        log = service.log.read_text()

    assert [answer for answer in answers if is_dishonest(answer)] == []
    assert after == 200
    assert grown < 60
    assert "unexpected error" not in log


def test_a_flood_of_uploads_is_served_or_sent_away(tmp_path: Path) -> None:
    with blurservice.running(tmp_path) as service:
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(service.blur(photos()[4]).status))
            for _ in range(100)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        memory = _rss_mib(service)

    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 2
    assert memory < 512
