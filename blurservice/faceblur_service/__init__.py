"""The face blur service: finds every face in a picture and makes it unrecognisable, locally.

The Python API is offered here: `blur_image`, `detect_faces` and the others of `__all__`. The HTTP
service is `faceblur_service.web`, the command line `faceblur_service.cli`.
Importing this package loads neither OpenCV nor MediaPipe: the model fetcher must run without them.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

# OpenCV reads this once, while it loads: a header that lies must not make it allocate gigabytes.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(25_000_000))

if TYPE_CHECKING:
    from faceblur_service.faces import Face
    from faceblur_service.geometry import Box
    from faceblur_service.options import Mode, Sensitivity, Strength
    from faceblur_service.python_api import (
        blur_bytes,
        blur_file,
        blur_files,
        blur_image,
        detect_bytes,
        detect_faces,
    )

__all__ = [
    "Box",
    "Face",
    "Mode",
    "Sensitivity",
    "Strength",
    "blur_bytes",
    "blur_file",
    "blur_files",
    "blur_image",
    "detect_bytes",
    "detect_faces",
]

_ELSEWHERE = {
    "Box": "geometry",
    "Face": "faces",
    "Mode": "options",
    "Sensitivity": "options",
    "Strength": "options",
}


def __getattr__(name: str) -> Any:
    """Load a name of the Python API, and with it the detector's code, at its first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_ELSEWHERE.get(name, 'python_api')}")
    return getattr(module, name)
