"""Leaving without a failed request: on SIGTERM say "not ready", keep serving, then stop.

Load balancers need a few seconds to learn that a pod is going; until then it must answer. The
gunicorn master gets the signal; its workers see a flag in memory they share with it.
"""

import multiprocessing
import queue
import signal
import time
from typing import Any, Protocol

_IMPATIENT = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

# Lives in memory that survives a fork, so master and workers see the same byte.
_draining = multiprocessing.get_context("fork").Value("b", 0, lock=False)


def is_draining() -> bool:
    """Return whether this process is on its way out."""
    return bool(_draining.value)


def set_draining(*, on: bool) -> None:
    """Say that this process is on its way out (or, in a test, that it is not)."""
    _draining.value = int(on)


class Signals(Protocol):
    """The queue of signals that gunicorn's arbiter has got."""

    def get(self, *, timeout: float) -> int:
        """Return the next one, or raise queue.Empty."""
        ...


class _Master(Protocol):
    """What is needed of gunicorn's arbiter."""

    SIG_QUEUE: Signals
    WORKERS: dict[int, Any]

    def handle_term(self) -> None: ...
    def reap_workers(self) -> None: ...


def drain_on_term(master: _Master, seconds: float) -> None:
    """Make gunicorn's master serve `seconds` longer after SIGTERM."""
    stop = master.handle_term

    def drain_then_stop() -> None:
        set_draining(on=True)
        deadline = time.monotonic() + seconds
        while master.WORKERS and (left := deadline - time.monotonic()) > 0:
            try:
                received = master.SIG_QUEUE.get(timeout=left)
            except queue.Empty:
                break
            if received == signal.SIGCHLD:
                master.reap_workers()
            elif received in _IMPATIENT:
                break
        stop()

    master.handle_term = drain_then_stop  # type: ignore[method-assign]  # gunicorn has no hook here
