"""Whether the detector works: tried on an empty picture now and then."""

import threading
import time
from collections.abc import Callable

import numpy as np

from faceblur_service.detection import Detector
from faceblur_service.errors import DetectionFailed

# A try costs a few ms of the one core; probes come every few seconds from several sides.
TRY_EVERY_S = 5.0


class Readiness:
    """Remembers the last try; thread-safe."""

    def __init__(self, detector: Detector, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Try at the first question."""
        self._detector, self._monotonic = detector, monotonic
        self._lock = threading.Lock()
        self._tried_at: float | None = None
        self._reason: str | None = None

    def problem(self) -> str | None:
        """Return why pictures cannot be served now, None when they can."""
        with self._lock:
            now = self._monotonic()
            if self._tried_at is None or now - self._tried_at >= TRY_EVERY_S:
                self._reason = self._try()
                self._tried_at = now
            return self._reason

    def _try(self) -> str | None:
        try:
            self._detector.find_faces(np.zeros((64, 64, 3), np.uint8))
        except DetectionFailed as err:
            return str(err)
        return None
