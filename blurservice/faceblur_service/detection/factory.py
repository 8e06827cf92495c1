"""Make the detector that the settings ask for."""

import threading

from faceblur_service import models
from faceblur_service.detection import Detector
from faceblur_service.detection.mediapipe_detector import MediaPipeDetector
from faceblur_service.detection.tiled import TiledDetector
from faceblur_service.settings import Sensitivity

WHOLE_THRESHOLD = 0.4


def make_detector(sensitivity: Sensitivity) -> Detector:
    """Return a detector for this process, closed at its exit.

    Raises:
        ModelError: The model is missing, broken, or cannot be loaded.
    """
    detector: Detector = MediaPipeDetector(models.find(), threshold=WHOLE_THRESHOLD)
    if sensitivity is Sensitivity.NORMAL:
        detector = TiledDetector(detector)
    # Not the atexit module: that runs after MediaPipe's own thread, which closing needs, has ended.
    threading._register_atexit(detector.close)  # type: ignore[attr-defined]  # no public equivalent
    return detector
