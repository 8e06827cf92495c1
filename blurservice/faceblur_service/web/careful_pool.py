"""The gray channel's store, left alone for a while after it did not answer.

So pages do not hang on it; it is asked again after a pause.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from faceblur_service.errors import GrayPoolUnavailable
from faceblur_service.gray import GrayPool
from faceblur_service.metrics import Readings

_Answer = TypeVar("_Answer")
_log = logging.getLogger("faceblur.web")

_PAUSE_S = 5.0
_COUNT_S = 30.0


class CarefulPool:
    """A pool that is left alone for a while after it did not answer; thread-safe."""

    def __init__(self, pool: GrayPool, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Trust the pool until it fails."""
        self.shared = pool.shared
        self._pool, self._monotonic = pool, monotonic
        self._lock = threading.Lock()
        self._down_until = 0.0
        self._counted: tuple[float, int] | None = None

    def has(self, user: str) -> bool:
        """Return whether the user joined."""
        return self._ask(lambda: self._pool.has(user))

    def add(self, user: str) -> None:
        """Let the user in; a person waits for this, so the pool is asked in its pause too."""
        self._ask(lambda: self._pool.add(user), always=True)

    def remove(self, user: str) -> None:
        """Let the user out."""
        self._ask(lambda: self._pool.remove(user), always=True)

    def members(self) -> dict[str, int]:
        """Return everybody who joined, and for how many more seconds."""
        return self._ask(self._pool.members, always=True)

    def purge(self) -> int:
        """Let everybody out."""
        self._counted = None
        return self._ask(self._pool.purge, always=True)

    def read(self, readings: Readings) -> None:
        """Tell Prometheus how many take part, counted twice a minute at most."""
        now = self._monotonic()
        if self._counted is None or now - self._counted[0] >= _COUNT_S:
            try:
                self._counted = (now, len(self._ask(self._pool.members)))
            except GrayPoolUnavailable:
                self._counted = None
        up = self._counted is not None
        readings.gauge("gray_pool_up", "1 while the gray channel's store answers.", float(up))
        if self._counted is not None:
            text = "Members of the gray channel, 10,000 at most."
            readings.gauge("gray_users", text, self._counted[1])

    def _ask(self, question: Callable[[], _Answer], *, always: bool = False) -> _Answer:
        with self._lock:
            if not always and self._monotonic() < self._down_until:
                raise GrayPoolUnavailable("The gray channel's store does not answer.")
        try:
            answer = question()
        except GrayPoolUnavailable:
            with self._lock:
                if not self._down_until:
                    _log.warning("gray channel unavailable: everybody is served by stable")
                self._down_until = self._monotonic() + _PAUSE_S
            raise
        with self._lock:
            if self._down_until:
                _log.warning("gray channel available again")
            self._down_until = 0.0
        return answer
