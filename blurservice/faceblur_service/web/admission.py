"""Who may work now, who waits, and who is told to come back.

At most `slots` pictures are worked on, at most `queue` requests wait, the rest gets 503: waiting
longer would only make everybody late. A picture so large that two of them do not fit into the
memory limit is worked on alone.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from faceblur_service.errors import QueueFull

HEAVY_PIXELS = 8_000_000
WAIT_S = 10.0


class Admission:
    """Counts requests; thread-safe."""

    def __init__(self, *, slots: int, queue: int, wait_s: float = WAIT_S) -> None:
        """Open `slots` places to work and `queue` places to wait."""
        self._slots, self._wait_s = slots, wait_s
        self._places = threading.BoundedSemaphore(slots + queue)
        self._free = slots
        self._changed = threading.Condition()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place from before the upload is read until the answer is made.

        Raises:
            QueueFull: No place is free.
        """
        if not self._places.acquire(blocking=False):
            raise QueueFull("All places in the queue are taken. Try again in a second.")
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def slot(self, pixels: int) -> Iterator[None]:
        """Hold what is needed to work on a picture of that many pixels.

        Raises:
            QueueFull: Nothing came free in time.
        """
        need = self._slots if pixels > HEAVY_PIXELS else 1
        deadline = time.monotonic() + self._wait_s
        with self._changed:
            while self._free < need:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise QueueFull("The service is busy. Try again in a second.")
            self._free -= need
        try:
            yield
        finally:
            with self._changed:
                self._free += need
                self._changed.notify_all()
