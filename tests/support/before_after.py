"""`python -m tests.support.before_after`: make the picture of the README anew.

Two photos in the public domain (`tests/support/pictures.py`), and what the service makes of them.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from tests.support.pictures import pair

from faceblur_service.blurring import hide_faces
from faceblur_service.detection.factory import make_detector

TARGET = Path(__file__).resolve().parents[2] / "docs" / "before-after.jpg"
SIZE = (480, 360)
GAP = 9


def main() -> int:
    """Write the picture and return 0."""
    before = np.asarray(cv2.resize(pair(), SIZE, interpolation=cv2.INTER_AREA), np.uint8)
    detector = make_detector()
    after = hide_faces(before, detector.find_faces(before))
    detector.close()
    gap = np.full((SIZE[1], GAP, 3), 255, np.uint8)
    picture = np.hstack((before, gap, after))
    TARGET.write_bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
