"""Show an engine the picture at the size at which it sees small faces, window by window.

An enlarged picture shows a network faces it is too coarse for; a huge one is shrunk to what the
time allows. Windows keep the memory of a run the same for every picture.
"""

import cv2
import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.detection import Engine
from faceblur_service.geometry import Box, merge, plan_windows, zoom

# Pixels of the engine's input. A run of this size needs about 100 MB.
WINDOW = 1120
# A face up to this size is seen whole by one window at least; larger ones are the whole-picture
# pass's.
OVERLAP = 160


class ZoomedEngine:
    """An engine that looks at an enlarged or shrunk picture."""

    def __init__(self, inner: Engine) -> None:
        """Take over `inner`: closing this closes it."""
        self._inner = inner

    def find_faces(self, picture: Picture) -> list[Box]:
        """Return a box per face, best first; see `Engine`."""
        height, width = picture.shape[:2]
        return self.find_at(picture, zoom(width * height))

    def find_at(self, picture: Picture, factor: float) -> list[Box]:
        """Return a box per face of the picture seen `factor` times as large."""
        height, width = picture.shape[:2]
        how = cv2.INTER_LINEAR if factor > 1 else cv2.INTER_AREA
        faces: list[Box] = []
        for window in plan_windows(width, height, WINDOW / factor, OVERLAP / factor):
            part = picture[window.y1 : window.y2, window.x1 : window.x2]
            size = (
                max(1, round(window.width * factor)),
                max(1, round(window.height * factor)),
            )
            seen = np.asarray(cv2.resize(part, size, interpolation=how), np.uint8)
            faces.extend(
                face.scaled(1 / factor).moved(window.x1, window.y1)
                for face in self._inner.find_faces(seen)
            )
        return merge(faces)

    def close(self) -> None:
        """Close the inner engine."""
        self._inner.close()
