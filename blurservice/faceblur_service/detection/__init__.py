"""Detectors behind one Protocol; each engine lives in its own file."""

from typing import Protocol

from faceblur_service.blurring import Picture
from faceblur_service.geometry import Box

__all__ = ["Detector"]


class Detector(Protocol):
    """Finds faces."""

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
