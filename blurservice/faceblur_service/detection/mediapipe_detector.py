"""MediaPipe's full-range face detector; the only file that imports mediapipe.

Stay on mediapipe 0.10.33: later versions look up a vendor's server at the first detection.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.errors import DetectionFailed, ModelError
from faceblur_service.geometry import Box
from faceblur_service.shrinking import whole_fraction

# Read when the native library loads.
os.environ.setdefault("GLOG_minloglevel", "2")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# The network sees 192 pixels a side whatever it is given, but the library copies what it is given
# twice, keeps a copy until the next picture, and takes one pixel of many instead of their mean.
LARGEST_SIDE = 480


class MediaPipeDetector:
    """One native detector, for one process: made in a parent it would hang in a forked child."""

    def __init__(self, model: Path, *, threshold: float) -> None:
        """Load the model and run it once, so that a broken one is noticed now.

        Args:
            model: A .tflite file with metadata.
            threshold: Least score of a face, 0 to 1.

        Raises:
            ModelError: The model, or a library it needs, cannot be loaded.
        """
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._closed = False
        try:
            with _quiet_stderr():
                self._open(model, threshold)
                self.find_faces(np.zeros((64, 64, 3), np.uint8))
        except (ImportError, OSError, RuntimeError, ValueError, DetectionFailed) as err:
            raise ModelError(f"Model {model} cannot be used: {_first_line(err)}") from err

    def _open(self, model: Path, threshold: float) -> None:
        # Imported here: the native library must be loaded after a fork, and quietly.
        import mediapipe
        from mediapipe.tasks.python.core.base_options import BaseOptions
        from mediapipe.tasks.python.vision.face_detector import FaceDetector, FaceDetectorOptions

        self._image, self._format = mediapipe.Image, mediapipe.ImageFormat.SRGB
        self._native = FaceDetector.create_from_options(
            FaceDetectorOptions(
                base_options=BaseOptions(model_asset_buffer=model.read_bytes()),
                min_detection_confidence=threshold,
            )
        )

    def find_faces(self, picture: Picture) -> list[Box]:
        """Return a box per face, best first; see `Engine`."""
        if os.getpid() != self._pid:
            raise DetectionFailed("The detector was made before a fork and would hang here.")
        small, factor = picture, 1
        # By halves: shrinking by other factors takes longer than the network does.
        while max(small.shape[:2]) > LARGEST_SIDE:
            small, factor = whole_fraction(small, 2), 2 * factor
        rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        with self._lock:
            if self._closed:
                raise DetectionFailed("The detector is closed.")
            try:
                found = self._native.detect(self._image(image_format=self._format, data=rgb))
            except (RuntimeError, ValueError, OSError) as err:
                raise DetectionFailed(f"The detector failed: {_first_line(err)}") from err
        boxes = [
            _whole_face(d.bounding_box, float(d.categories[0].score)).scaled(factor)
            for d in found.detections
        ]
        return sorted(boxes, key=lambda box: -box.score)

    def close(self) -> None:
        """Let go of the native detector; MediaPipe complains at exit otherwise."""
        with self._lock:
            # In a forked child the native threads do not exist: closing would hang as well.
            if not self._closed and os.getpid() == self._pid:
                self._native.close()
            self._closed = True


def _whole_face(native: Any, score: float) -> Box:
    """Return the box from the forehead to the chin.

    The network's own box is a square from the eyebrows to the lips' lower edge; the factors are
    medians over 159 labelled faces.
    """
    x, y = float(native.origin_x), float(native.origin_y)
    width, height = float(native.width), float(native.height)
    return Box(
        x + 0.04 * width,
        y - 0.06 * height,
        x + 0.96 * width,
        y + 1.05 * height,
        score,
    )


def _first_line(err: Exception) -> str:
    return (str(err) or type(err).__name__).splitlines()[0]


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hide what native code writes to stderr: its levels cannot all be set."""
    sys.stderr.flush()
    saved = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nothing)
