"""Who may work now, who waits, and who is told to come back.

At most `slots` pictures are worked on, at most `queue` requests wait, the rest gets 503: waiting
longer would only make everybody late. Pictures that do not fit into the memory limit together are
worked on one after the other.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from faceblur_service.errors import QueueFull
from faceblur_service.room import Room

WAIT_S = 10.0
OVERFLOW = 4
"""Requests beyond the queue that a gray pod hands on to stable at once."""

_BUSY = "The service is busy. Try again in a second."
_FULL = "All places in the queue are taken. Try again in a second."


class Admission:
    """Counts requests; thread-safe."""

    def __init__(self, *, slots: int, queue: int, wait_s: float = WAIT_S) -> None:
        """Open `slots` places to work and `queue` places to wait."""
        self._slots, self._wait_s = slots, wait_s
        self._places = threading.BoundedSemaphore(slots + queue)
        self._overflow = threading.BoundedSemaphore(OVERFLOW)
        self._batch = threading.BoundedSemaphore(1)
        self._room = Room()
        self._free = slots
        self._waiting = 0
        self._changed = threading.Condition()

    @contextmanager
    def place(self, *, overflow: bool = False) -> Iterator[bool]:
        """Hold a place from before the upload is read until the answer is made.

        Args:
            overflow: Whether one of the places for handing on will do when the others are taken.

        Yields:
            Whether the place is one for work, not for handing on.

        Raises:
            QueueFull: No place is free.
        """
        if self._places.acquire(blocking=False):
            held, works = self._places, True
        elif overflow and self._overflow.acquire(blocking=False):
            held, works = self._overflow, False
        else:
            raise QueueFull(_FULL)
        try:
            yield works
        finally:
            held.release()

    def take_batch(self) -> None:
        """Take the place of the one batch at a time; `leave_batch` gives it back.

        Raises:
            QueueFull: Another batch is being worked on.
        """
        if not self._batch.acquire(blocking=False):
            raise QueueFull("Another batch is being worked on. Try again in a second.")

    def leave_batch(self) -> None:
        """Give the batch's place back."""
        self._batch.release()

    @contextmanager
    def slot(self, cost: int, given_up: threading.Event | None = None) -> Iterator[None]:
        """Hold a slot, and the memory that a picture needs.

        Args:
            cost: Bytes, as `Header.cost` says.
            given_up: Set, with a nudge, when nobody waits for the result any more.

        Raises:
            QueueFull: Nothing came free in time, or nobody waits.
        """
        self._take(given_up)
        try:
            with self._room.hold(cost, self._wait_s):
                yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def _take(self, given_up: threading.Event | None) -> None:
        deadline = time.monotonic() + self._wait_s
        with self._changed:
            self._waiting += 1
            try:
                while True:
                    left = deadline - time.monotonic()
                    if left <= 0 or (given_up is not None and given_up.is_set()):
                        raise QueueFull(_BUSY)
                    if self._free > 0:
                        break
                    self._changed.wait(left)
                self._free -= 1
            finally:
                self._waiting -= 1

    def room_left(self) -> int:
        """Return the bytes that no picture at work needs."""
        return self._room.free

    def nudge(self) -> None:
        """Let those who wait see that they were given up."""
        with self._changed:
            self._changed.notify_all()

    def is_busy(self) -> bool:
        """Return whether pictures wait for a slot, or none is free."""
        with self._changed:
            return self._waiting > 0 or self._free <= 0

    def load(self) -> tuple[int, int]:
        """Return how many pictures wait, and how many slots are in use."""
        with self._changed:
            return self._waiting, self._slots - self._free
