"""The detector of a process: all engines, used as the sensitivity asks."""

from faceblur_service.blurring import Picture
from faceblur_service.detection import Engine
from faceblur_service.detection.tiled import TiledDetector
from faceblur_service.geometry import Box
from faceblur_service.options import Sensitivity


class CombinedDetector:
    """Shares one native object per engine between all sensitivities."""

    def __init__(self, mediapipe: Engine) -> None:
        """Take over the engines: closing this closes them."""
        self._whole = mediapipe
        self._tiled = TiledDetector(mediapipe)

    def find_faces(
        self, picture: Picture, sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        """Return a box per face, best first; see `Detector`."""
        engine = self._whole if sensitivity is Sensitivity.FAST else self._tiled
        return engine.find_faces(picture)

    def detectors(self) -> dict[str, bool]:
        """Return every engine by name, and whether it is there."""
        return {"mediapipe": True}

    def close(self) -> None:
        """Close the engines."""
        self._whole.close()
