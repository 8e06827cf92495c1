"""Make the detector of this process from the model files that are there."""

import threading

from faceblur_service import models
from faceblur_service.detection import Detector
from faceblur_service.detection.combined import CombinedDetector
from faceblur_service.detection.mediapipe_detector import MediaPipeDetector

WHOLE_THRESHOLD = 0.4


def make_detector() -> Detector:
    """Return a detector for this process, closed at its exit.

    Raises:
        ModelError: A model is missing, broken, or cannot be loaded.
    """
    detector = CombinedDetector(MediaPipeDetector(models.find(), threshold=WHOLE_THRESHOLD))
    # Not the atexit module: that runs after MediaPipe's own thread, which closing needs, has ended.
    threading._register_atexit(detector.close)  # type: ignore[attr-defined]  # no public equivalent
    return detector
