"""The face blur service: finds every face in a picture and makes it unrecognisable, locally.

The Python API is `blur_image`; the HTTP service is `faceblur_service.web`.
Importing this package loads neither OpenCV nor MediaPipe: the model fetcher must run without them.
"""

import os
from typing import TYPE_CHECKING, Any

# OpenCV reads this once, while it loads: a header that lies must not make it allocate gigabytes.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(25_000_000))

if TYPE_CHECKING:
    from faceblur_service.python_api import blur_image

__all__ = ["blur_image"]


def __getattr__(name: str) -> Any:
    """Load the Python API, and with it the detector, at its first use."""
    if name == "blur_image":
        from faceblur_service.python_api import blur_image

        return blur_image
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
