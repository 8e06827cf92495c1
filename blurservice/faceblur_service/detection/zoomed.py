"""Show an engine the picture at the size at which it sees small faces, window by window.

An enlarged picture shows a network faces it is too coarse for; a huge one is shrunk to what the
time allows. Windows keep the memory of a run the same for every picture.
"""

import cv2
import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.detection import Engine
from faceblur_service.detection.focus import focus_on, with_margin
from faceblur_service.geometry import Box, Region, merge, plan_windows, zoom

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

    def find_where_needed(self, picture: Picture) -> list[Box]:
        """Return a box per face, best first: enlarged is only what holds small faces.

        The first look is at the picture's own size. A face that it sees faintly is a reason to
        look closely; in a picture without small faces nothing is, and nothing can be mistaken.
        """
        height, width = picture.shape[:2]
        factor = zoom(width * height)
        if factor <= 1:
            return self.find_at(picture, factor)
        faces = self.find_at(picture, 1)
        focus = focus_on(faces, width, height)
        kept = [face for face in faces if not focus.settles(face)]
        for region in focus.regions:
            place = with_margin(region, width, height)
            near = self.find_at(_cut(picture, place), factor)
            moved = (face.moved(place.x1, place.y1) for face in near)
            kept += [face for face in moved if focus.holds(face)]
        return merge(kept)

    def find_at(self, picture: Picture, factor: float) -> list[Box]:
        """Return a box per face of the picture seen `factor` times as large."""
        height, width = picture.shape[:2]
        how = cv2.INTER_LINEAR if factor > 1 else cv2.INTER_AREA
        faces: list[Box] = []
        windows = plan_windows(width, height, WINDOW / factor, OVERLAP / factor)
        for window in windows:
            part = _cut(picture, window)
            size = (
                max(1, round(window.width * factor)),
                max(1, round(window.height * factor)),
            )
            seen = part if factor == 1 else cv2.resize(part, size, interpolation=how)
            faces.extend(
                face.scaled(1 / factor).moved(window.x1, window.y1)
                for face in self._inner.find_faces(np.asarray(seen, np.uint8))
            )
        # One look never shows a face twice.
        return merge(faces) if len(windows) > 1 else faces

    def close(self) -> None:
        """Close the inner engine."""
        self._inner.close()


def _cut(picture: Picture, region: Region) -> Picture:
    return picture[region.y1 : region.y2, region.x1 : region.x2]
