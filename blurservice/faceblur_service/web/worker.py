"""gunicorn's threaded worker, made safe against clients that are slow on purpose.

gthread gives a thread to every connection that has sent a byte, and waits for the rest without a
limit: as many half-sent requests as there are threads stop it. Here a thread is given only when
the whole head of a request has arrived, and what is read or written after that has a deadline.
"""

import errno
import json
import logging
import selectors
import socket
import time
from collections import deque
from enum import Enum, auto
from functools import partial
from typing import Any

from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers import gthread

_log = logging.getLogger("faceblur.web")

# Slower than any phone on a bad line; what is slower holds a place that others need.
MIN_BYTES_PER_S = 16 * 1024
_MAX_HEAD = 64 * 1024
_LOOK_S = 0.02
_END_OF_HEAD = b"\r\n\r\n"

# What gunicorn says to a request it cannot read: status, code, sentence.
_REFUSED: dict[type[Exception], tuple[int, str, str]] = {
    errors.LimitRequestLine: (414, "bad-request", "The address is too long."),
    errors.LimitRequestHeaders: (431, "bad-request", "The headers are too large."),
    errors.ExpectationFailed: (417, "bad-request", "That expectation is not known."),
    errors.UnsupportedTransferCoding: (400, "bad-request", "That transfer coding is not known."),
}
_UNREADABLE = (400, "bad-request", "The request cannot be read as HTTP.")


class PacedSocket(socket.socket):
    """A connection whose other end must keep pace; gunicorn reads and writes it by blocking."""

    stall_s = 10.0
    _began = 0.0
    _taken = 0

    def begin(self) -> None:
        """Start the clock of one request."""
        self._began, self._taken = time.monotonic(), 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return the next bytes.

        Raises:
            ConnectionResetError: They came too late, or all in all too slowly.
        """
        allowed = self._began + self.stall_s + self._taken / MIN_BYTES_PER_S
        left = min(self.stall_s, allowed - time.monotonic())
        if left <= 0:
            raise ConnectionResetError(errno.ECONNRESET, "too slow")
        self.settimeout(left)
        try:
            data = super().recv(size, flags)
        except TimeoutError as err:
            raise ConnectionResetError(errno.ECONNRESET, "too slow") from err
        self._taken += len(data)
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of the bytes.

        Raises:
            ConnectionResetError: The other end does not take them.
        """
        self.settimeout(self.stall_s + len(data) / MIN_BYTES_PER_S)
        try:
            super().sendall(data, flags)
        except TimeoutError as err:
            raise ConnectionResetError(errno.ECONNRESET, "not taken") from err


class _Head(Enum):
    """How much of a request's head has arrived."""

    NOTHING = auto()
    PART = auto()
    WHOLE = auto()


class PacedWorker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Gives threads to whole heads only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without connections."""
        super().__init__(*args, **kwargs)
        self._parts: deque[tuple[Any, float]] = deque()
        """Connections that sent part of a head, with the time at which the rest must be there."""

    def enqueue_req(self, conn: Any) -> None:
        """Give a thread to the connection, or wait for the rest of its request's head."""
        if not isinstance(conn.sock, PacedSocket):
            conn.sock = PacedSocket(fileno=conn.sock.detach())
        match _head(conn):
            case _Head.WHOLE:
                super().enqueue_req(conn)
            case _Head.PART:
                self._parts.append((conn, time.monotonic() + PacedSocket.stall_s))
            case _Head.NOTHING:
                conn.timeout = time.monotonic() + PacedSocket.stall_s
                self.pending_conns.append(conn)
                readable = partial(self.on_pending_socket_readable, conn)
                self.poller.register(conn.sock, selectors.EVENT_READ, readable)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Serve what happened, then look again at what was not whole."""
        # The poller would say "readable" without a pause for a part that is not read.
        super().wait_for_and_dispatch_events(min(timeout, _LOOK_S) if self._parts else timeout)
        now = time.monotonic()
        for _ in range(len(self._parts)):
            conn, until = self._parts.popleft()
            if _head(conn) is _Head.WHOLE:
                super().enqueue_req(conn)
            elif now < until:
                self._parts.append((conn, until))
            else:
                self.nr_conns -= 1
                conn.close()

    def handle(self, conn: Any) -> Any:
        """Serve one request; runs in a thread."""
        conn.data_ready = True
        conn.sock.begin()
        return super().handle(conn)

    def handle_error(
        self,
        req: Any,  # noqa: ARG002 - gunicorn names it
        client: Any,
        addr: Any,  # noqa: ARG002
        exc: Exception,
    ) -> None:
        """Say that a request cannot be served; neither its words nor its sender are logged."""
        known = next((v for kind, v in _REFUSED.items() if isinstance(exc, kind)), None)
        if known is None and isinstance(exc, errors.ParseException):
            known = _UNREADABLE
        if known is None:
            _log.error("request failed", exc_info=exc)
            known = (500, "internal-error", "Something went wrong on our side.")
        status, code, detail = known
        try:
            util.write_nonblock(client, _answer(status, code, detail))
        except OSError:
            _log.debug("the sender of a bad request has gone")


def _head(conn: Any) -> _Head:
    """Return what a thread would find; also whole when it is too long, or will never come."""
    if conn.parser is not None and conn.parser.unreader.buf.getvalue():
        return _Head.WHOLE  # gunicorn has read ahead into it
    try:
        conn.sock.setblocking(False)
        seen = socket.socket.recv(conn.sock, _MAX_HEAD, socket.MSG_PEEK)
    except BlockingIOError:
        return _Head.NOTHING
    except OSError:
        return _Head.WHOLE  # the thread meets the same error and closes the connection
    whole = not seen or _END_OF_HEAD in seen or len(seen) >= _MAX_HEAD
    return _Head.WHOLE if whole else _Head.PART


def _answer(status: int, code: str, detail: str) -> bytes:
    body = json.dumps(
        {
            "type": f"urn:faceblur:problem:{code}",
            "title": "Bad request" if status < 500 else "Internal error",
            "status": status,
            "detail": detail,
            "code": code,
            "requestId": "",
        }
    ).encode()
    head = (
        f"HTTP/1.1 {status} Refused\r\nConnection: close\r\n"
        f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
