"""Which found faces are which labelled ones: for the probe, the shadow compare and benchmarks.

Pure: boxes in, pairs out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from faceblur_service.geometry import Box

SAME_FACE_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Match:
    """How found faces and labelled ones belong together; all indices into the given lists."""

    pairs: list[tuple[int, int]]
    """(index of the found face, index of the labelled face it is)."""

    missed: list[int]
    """Labelled faces that nothing found."""

    extra: list[int]
    """Found faces that nobody labelled."""


def match(found: Sequence[Box], labelled: Sequence[Box], iou: float = SAME_FACE_IOU) -> Match:
    """Return which found face is which labelled one; each is used once.

    The best overlap is paired first. So the order of the lists does not matter, except between
    equal overlaps, where the earlier one wins.

    Args:
        found: Boxes of a detector.
        labelled: Boxes that are right.
        iou: Least shared part of the common area, 0 to 1, of two boxes around the same face.
    """
    close = [
        (-shared, i, j)
        for i, one in enumerate(found)
        for j, other in enumerate(labelled)
        if (shared := overlap(one, other)) >= iou and shared > 0
    ]
    free_found, free_labelled = (
        dict.fromkeys(range(len(found))),
        dict.fromkeys(range(len(labelled))),
    )
    pairs = []
    for _, i, j in sorted(close):
        if i in free_found and j in free_labelled:
            del free_found[i], free_labelled[j]
            pairs.append((i, j))
    return Match(sorted(pairs), list(free_labelled), list(free_found))


def overlap(one: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union (IoU), 0 to 1."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    # Rounding may push equal boxes a hair above one.
    return min(1.0, shared / (one.area + other.area - shared))
