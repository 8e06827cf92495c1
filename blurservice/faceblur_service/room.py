"""Memory that pictures share: two large ones run one after the other, many small ones at once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from faceblur_service.codec import MAX_COST
from faceblur_service.errors import QueueFull


class Room:
    """Hands out bytes up to a capacity; thread-safe, first come first served.

    Nobody overtakes: else small pictures would keep a large one waiting for ever.
    """

    def __init__(
        self, capacity: int = MAX_COST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open a room of that many bytes; by default one picture at its limit fills it."""
        self.capacity = capacity
        self._clock = clock
        self._free = capacity
        self._line: list[object] = []
        self._changed = threading.Condition()

    @property
    def free(self) -> int:
        """Bytes that nobody holds."""
        with self._changed:
            return self._free

    @property
    def waiting(self) -> int:
        """Pictures that wait."""
        with self._changed:
            return len(self._line)

    @contextmanager
    def hold(self, cost: int, wait_s: float = 10.0) -> Iterator[None]:
        """Hold bytes while a picture is worked on.

        Args:
            cost: What `Header.cost` says; more than the capacity counts as all of it.
            wait_s: How long to wait for them.

        Raises:
            QueueFull: They did not come free in time.
        """
        need = min(cost, self.capacity)
        self._take(need, wait_s)
        try:
            yield
        finally:
            with self._changed:
                self._free += need
                self._changed.notify_all()

    def _take(self, need: int, wait_s: float) -> None:
        end, ticket = self._clock() + wait_s, object()
        with self._changed:
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or self._free < need:
                    left = end - self._clock()
                    if left <= 0:
                        raise QueueFull("Other pictures fill the memory. Try again in a second.")
                    self._changed.wait(left)
                self._free -= need
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()
