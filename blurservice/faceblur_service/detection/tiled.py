"""Look at the whole picture, then at overlapping tiles of it: small faces fill more of a tile."""

import cv2
import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.detection import Engine
from faceblur_service.geometry import Box, merge, plan_tiles, tile_budget

# Beyond this, tiles see no more faces for their cost.
WORK_SIDE = 1920


class TiledDetector:
    """Adds a tile pass, with a budget by picture size, to an engine."""

    def __init__(self, inner: Engine, *, whole: float, tiles: float) -> None:
        """Take over `inner`: closing this closes it.

        Args:
            inner: The engine to look with.
            whole: Least score of a face in the whole picture.
            tiles: Least score of a face in a tile, which shows more that only looks like one.
        """
        self._inner, self._whole, self._tiles = inner, whole, tiles

    def find_faces(self, picture: Picture) -> list[Box]:
        """Return a box per face, best first; see `Engine`."""
        height, width = picture.shape[:2]
        scale = min(1.0, WORK_SIDE / max(width, height))
        small = picture
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        # Of the small one also the whole: the engine shrinks it anyway, but copies it first.
        faces = [
            face.scaled(1 / scale)
            for face in self._inner.find_faces(small)
            if face.score >= self._whole
        ]
        for tile in plan_tiles(small.shape[1], small.shape[0], tile_budget(width * height)):
            crop = np.ascontiguousarray(small[tile.y1 : tile.y2, tile.x1 : tile.x2])
            faces.extend(
                face.moved(tile.x1, tile.y1).scaled(1 / scale)
                for face in self._inner.find_faces(crop)
                if face.score >= self._tiles
            )
        return merge(faces)

    def close(self) -> None:
        """Close the inner engine."""
        self._inner.close()
