"""Compare gray with stable after the answer: does gray find the faces that stable finds?

A sample of pictures waits in a short queue for one thread. It never delays an answer, and under
load it is the first thing to be dropped. The picture stays in memory until it was compared.
"""

import logging
import queue
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from faceblur_service.geometry import Box
from faceblur_service.matching import match
from faceblur_service.metrics import Metrics
from faceblur_service.options import Sensitivity
from faceblur_service.web.fallback import Asks, Guard, StableUnavailable

_log = logging.getLogger("faceblur.web")

WAITING = 2
MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A picture that was answered, and where gray saw faces in it."""

    data: bytes
    media_type: str
    sensitivity: Sensitivity | None
    """What the caller asked for; None: nothing, and each version looks as it does by itself."""

    boxes: tuple[Box, ...]
    tags: Mapping[str, str]


class Shadow:
    """Takes samples and compares them on a thread of its own."""

    def __init__(
        self,
        stable: Asks,
        guard: Guard,
        metrics: Metrics,
        *,
        percent: int,
        rng: Callable[[], float] = random.random,
    ) -> None:
        """Start the thread with the first sample."""
        self._stable, self._guard, self._metrics = stable, guard, metrics
        self._share, self._rng = percent / 100, rng
        self._samples: queue.Queue[Sample] = queue.Queue(WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def offer(self, sample: Sample, *, busy: bool) -> None:
        """Take the sample, perhaps; returns at once.

        Args:
            sample: What was answered.
            busy: Whether requests wait: then nothing is compared.
        """
        if self._rng() >= self._share:
            return
        if busy or len(sample.data) > MAX_BYTES:
            self._metrics.shadowed("dropped")
            return
        try:
            self._samples.put_nowait(sample)
        except queue.Full:
            self._metrics.shadowed("dropped")
            return
        self._start()

    def compare(self, sample: Sample) -> None:
        """Ask stable about one sample and count what both see."""
        try:
            seen = self._guard.ask(
                lambda: self._stable.detect(
                    sample.data, sample.media_type, sample.sensitivity, sample.tags
                )
            )
        except StableUnavailable as err:
            _log.warning("not compared", extra={"fields": {"reason": str(err)}})
            self._metrics.shadowed("failed")
            return
        # Stable's faces are the labels: what gray does not find of them it has lost.
        found = match(sample.boxes, seen)
        self._metrics.shadowed("compared")
        self._metrics.shadow_faces(
            matched=len(found.pairs), missed=len(found.missed), extra=len(found.extra)
        )

    def settle(self) -> None:
        """Wait until every sample taken so far was compared."""
        self._samples.join()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            sample = self._samples.get()
            try:
                self.compare(sample)
            except Exception:  # noqa: BLE001 - the outermost loop of this thread
                _log.exception("comparing failed")
            finally:
                del sample  # the picture goes now, not with the next one
                self._samples.task_done()
