"""Finding faces: engines, one per file, and the detector that combines them."""

from collections.abc import Mapping
from typing import Protocol

from faceblur_service.blurring import Picture
from faceblur_service.geometry import Box
from faceblur_service.options import Sensitivity

__all__ = ["Detector", "Engine"]


class Engine(Protocol):
    """One network."""

    def find_faces(self, picture: Picture) -> list[Box]:
        """Return a box per face, best first, in pixels of the picture.

        Args:
            picture: uint8, shape (height, width, 3), BGR; left unchanged.

        Raises:
            DetectionFailed: Nobody knows where the faces are; the picture must not leave.
        """
        ...

    def close(self) -> None:
        """Let go of native resources; may be called twice, and nothing else after it."""
        ...


class Detector(Protocol):
    """Finds faces with every engine that is there, as hard as the caller asks."""

    def find_faces(
        self, picture: Picture, sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        """Return a box per face, best first, in pixels of the picture; see `Engine`."""
        ...

    def find_leftovers(self, picture: Picture) -> list[Box]:
        """Return what still looks like a face in a sheet of hidden ones; quick, one look."""
        ...

    def detectors(self) -> Mapping[str, bool]:
        """Return every engine by name, and whether it is there."""
        ...

    def close(self) -> None:
        """Let go of native resources; may be called twice, and nothing else after it."""
        ...
