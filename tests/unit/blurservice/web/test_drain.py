"""SIGTERM, as gunicorn's master handles it."""

import queue
import signal
from collections.abc import Iterator

import pytest

from faceblur_service.web import drain


class Master:
    """As much of gunicorn's arbiter as draining uses."""

    def __init__(self, *signals: int, workers: int = 1) -> None:
        """Start with signals that have arrived already."""
        arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
        for received in signals:
            arrived.put(received)
        self.SIG_QUEUE: drain.Signals = arrived
        self.WORKERS = dict.fromkeys(range(workers))
        self.told: list[object] = []

    def handle_term(self) -> None:
        """Stop."""
        self.told.append(("stopped", drain.is_draining()))

    def reap_workers(self) -> None:
        """Bury a worker."""
        self.WORKERS.clear()
        self.told.append("reaped")


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    drain.set_draining(on=False)


@pytest.mark.parametrize(
    ("master", "seconds", "want"),
    [
        pytest.param(Master(), 0.01, [("stopped", True)], id="after the time it stops"),
        pytest.param(Master(signal.SIGTERM), 999, [("stopped", True)], id="asked again, at once"),
        pytest.param(
            Master(signal.SIGCHLD), 999, ["reaped", ("stopped", True)], id="no worker is left"
        ),
        pytest.param(Master(workers=0), 999, [("stopped", True)], id="there was no worker"),
        pytest.param(
            Master(signal.SIGHUP, signal.SIGINT), 999, [("stopped", True)], id="others are ignored"
        ),
    ],
)
def test_the_master_drains_before_it_stops(
    master: Master, seconds: float, want: list[object]
) -> None:
    drain.drain_on_term(master, seconds)

    master.handle_term()

    assert master.told == want
