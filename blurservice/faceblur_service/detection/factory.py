"""Make the detector of this process from the model files that are there."""

import logging
import threading

from faceblur_service import models
from faceblur_service.detection import Detector
from faceblur_service.detection.combined import HINT, LEAST, CombinedDetector
from faceblur_service.detection.dark import BrightenedDetector
from faceblur_service.detection.mediapipe_detector import MediaPipeDetector
from faceblur_service.detection.yunet_detector import YuNetDetector

_log = logging.getLogger("faceblur.detection")


def make_detector() -> Detector:
    """Return a detector for this process, closed at its exit.

    YuNet may be missing: then `high` and `max` look at tiles instead.

    Raises:
        ModelError: A model is broken or cannot be loaded, or MediaPipe's is missing.
    """
    path = models.find_optional(models.YUNET)
    if path is None:
        _log.warning("YuNet's model is missing: small faces are looked for in tiles instead")
    # First, for it needs no closing when the other one cannot be made.
    yunet = YuNetDetector(path, threshold=HINT) if path else None
    mediapipe = MediaPipeDetector(models.find(models.FACE_FULL_RANGE), threshold=LEAST)
    detector = BrightenedDetector(CombinedDetector(mediapipe, yunet))
    # Not the atexit module: that runs after MediaPipe's own thread, which closing needs, has ended.
    threading._register_atexit(detector.close)  # type: ignore[attr-defined]  # no public equivalent
    return detector
