"""Connections that are slow on purpose."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.http import errors

from faceblur_service.web.worker import PacedSocket, PacedWorker, _Head, _head

Pair = tuple[PacedSocket, socket.socket]


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setattr(PacedSocket, "stall_s", 0.05)
    ours, theirs = socket.socketpair()
    made = PacedSocket(fileno=ours.detach())
    made.begin()
    yield made, theirs
    made.close()
    theirs.close()


def test_what_comes_in_time_is_read(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"hello")

    assert ours.recv(10) == b"hello"


def test_what_does_not_come_ends_the_connection(pair: Pair) -> None:
    with pytest.raises(ConnectionResetError):
        pair[0].recv(10)


def test_who_is_slow_all_in_all_is_cut_off_though_he_never_pauses(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pair
    now = [0.0]
    monkeypatch.setattr("faceblur_service.web.worker.time.monotonic", lambda: now[0])
    ours.begin()

    def drip() -> None:
        while now[0] < 1:
            theirs.sendall(b"x")
            ours.recv(1)
            now[0] += 0.02

    with pytest.raises(ConnectionResetError):
        drip()

    assert 0.04 <= now[0] <= 0.08


def test_who_takes_nothing_is_cut_off(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, _ = pair
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    much = bytes(1 << 20)
    monkeypatch.setattr("faceblur_service.web.worker.MIN_BYTES_PER_S", 1 << 30)

    with pytest.raises(ConnectionResetError):
        ours.sendall(much)


@pytest.mark.parametrize(
    ("sent", "want"),
    [
        (b"", _Head.NOTHING),
        (b"GET / HTTP/1.1\r\nHost: x", _Head.PART),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", _Head.WHOLE),
        (b"x" * 70_000, _Head.WHOLE),
    ],
)
def test_a_thread_is_given_when_the_head_is_whole_or_hopeless(
    pair: Pair, sent: bytes, want: _Head
) -> None:
    ours, theirs = pair
    theirs.sendall(sent)

    assert _head(SimpleNamespace(sock=ours, parser=None)) is want


def test_a_connection_that_has_ended_gets_its_thread(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()

    assert _head(SimpleNamespace(sock=ours, parser=None)) is _Head.WHOLE


@pytest.mark.parametrize(
    ("error", "want"),
    [
        (errors.InvalidRequestLine("secret"), b"HTTP/1.1 400 "),
        (errors.LimitRequestLine(1, 2), b"HTTP/1.1 414 "),
        (errors.LimitRequestHeaders("secret"), b"HTTP/1.1 431 "),
        (errors.UnsupportedTransferCoding("secret"), b"HTTP/1.1 400 "),
        (ValueError("secret"), b"HTTP/1.1 500 "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_request_that_cannot_be_read_is_a_problem_without_its_words(
    pair: Pair, error: Exception, want: bytes
) -> None:
    ours, theirs = pair
    worker: Any = PacedWorker.__new__(PacedWorker)

    worker.handle_error(None, ours, ("192.0.2.1", 1), error)

    answer = theirs.recv(4096)
    assert answer.startswith(want)
    assert b"application/problem+json" in answer
    assert b"secret" not in answer
