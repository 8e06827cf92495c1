"""A detector without a model, for tests of everything around it."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from faceblur_service.errors import DetectionFailed
from faceblur_service.geometry import Box
from faceblur_service.options import Sensitivity


class FakeDetector:
    """Finds the faces it was told of where a picture is not plain, or fails when told so."""

    def __init__(
        self, faces: Sequence[Box] = (), *, meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        """Take the faces to find, and what to do while looking for them."""
        self.faces = list(faces)
        self.failure: str | None = None
        self.seen: list[tuple[int, ...]] = []
        self.leftovers: list[Box] = []
        self.sheets: list[tuple[int, ...]] = []
        self.asked: list[Sensitivity] = []
        self.closed = False
        self._meanwhile = meanwhile

    def find_faces(
        self, picture: npt.NDArray[np.uint8], sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        """Return the told faces, best first."""
        self._meanwhile()
        self.asked.append(sensitivity)
        self.seen.append(picture.shape)
        if self.closed:
            raise DetectionFailed("The detector is closed.")
        if self.failure is not None:
            raise DetectionFailed(self.failure)
        if picture.min() == picture.max():
            return []
        return sorted(self.faces, key=lambda face: -face.score)

    def find_leftovers(self, picture: npt.NDArray[np.uint8]) -> list[Box]:
        """Return the told leftovers, whatever the sheet shows."""
        self.sheets.append(picture.shape)
        return list(self.leftovers)

    def detectors(self) -> dict[str, bool]:
        """Return its only engine."""
        return {"fake": True}

    def close(self) -> None:
        """Find nothing any more."""
        self.closed = True
