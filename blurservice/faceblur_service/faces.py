"""Faces as callers see them: boxes with ids, in the one JSON form that every entrance speaks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from faceblur_service.geometry import Box


@dataclass(frozen=True, slots=True)
class Face:
    """A face of one picture."""

    id: str
    """Names the face within one answer: "1" for the surest, then "2" and so on."""

    box: Box

    def as_json(self) -> dict[str, str | int | float]:
        """Return id, corner, size and score; whole pixels that hold all of the box."""
        left, top = math.floor(self.box.x1), math.floor(self.box.y1)
        return {
            "id": self.id,
            "x": left,
            "y": top,
            "width": math.ceil(self.box.x2) - left,
            "height": math.ceil(self.box.y2) - top,
            "score": round(self.box.score, 2),
        }


def numbered(boxes: Iterable[Box]) -> list[Face]:
    """Return the boxes as faces, the surest first; equally sure ones stay in their order."""
    ranked = sorted(boxes, key=lambda box: -box.score)
    return [Face(str(number), box) for number, box in enumerate(ranked, start=1)]
