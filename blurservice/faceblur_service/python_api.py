"""The Python API: hide the faces of a picture that is an array already."""

import threading

import numpy as np
import numpy.typing as npt

from faceblur_service.blurring import Picture, hide_faces
from faceblur_service.detection import Detector
from faceblur_service.detection.factory import make_detector
from faceblur_service.options import Sensitivity

_lock = threading.Lock()
_detectors: list[Detector] = []


def blur_image(picture: npt.NDArray[np.uint8], *, sensitivity: str = "normal") -> Picture:
    """Return a copy of a picture in which every face is unrecognisable.

    The detector is made at the first call and kept for the process; make that call after a fork.
    Nothing is downloaded: `python -m faceblur_service.models fetch DIR` has put the model into
    FACEBLUR_MODELS_DIR or the cache before.

    Args:
        picture: dtype uint8, shape (height, width, 3), colours in OpenCV's order blue, green, red;
            left unchanged.
        sensitivity: `fast` looks at the whole picture once, `normal` also at overlapping tiles of
            it, which finds smaller faces and takes about four times as long.

    Returns:
        A new array of the same shape, dtype and colour order.

    Raises:
        ValueError: The array or the sensitivity is not as described.
        ModelError: The model file is missing or broken.
        DetectionFailed: The detector failed; there is no result then.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(
            "picture must be uint8 with shape (height, width, 3), "
            f"found {picture.dtype} with shape {picture.shape}."
        )
    if 0 in picture.shape:
        raise ValueError(f"picture is empty: shape {picture.shape}.")
    faces = _detector().find_faces(picture, Sensitivity(sensitivity))
    return hide_faces(picture, faces)


def _detector() -> Detector:
    with _lock:
        if not _detectors:
            _detectors.append(make_detector())
        return _detectors[0]
