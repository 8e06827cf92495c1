"""A face that is missed in one frame of an animation is hidden by its neighbours' boxes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from faceblur_service.geometry import Box, merge
from faceblur_service.matching import overlap

Shown = TypeVar("Shown")
Judged = tuple[Shown, tuple[Box, ...]]

SAME_FACE = 0.3
"""Least IoU of a face's boxes in two frames that follow each other."""


def with_neighbours(frames: Iterable[Judged[Shown]]) -> Iterator[Judged[Shown]]:
    """Yield each frame with boxes that hold its own faces and those of the frames beside it.

    Boxes of the same face become one around them all: neither covers the face in both frames, and
    two covers on one face, two emoji above all, look wrong.
    """
    waiting: Judged[Shown] | None = None
    before: tuple[Box, ...] = ()
    for frame in frames:
        if waiting is not None:
            shown, own = waiting
            yield shown, _around(own, before + frame[1])
            before = own
        waiting = frame
    if waiting is not None:
        yield waiting[0], _around(waiting[1], before)


def over_all(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """Return one box per face and place of an animation, best first."""
    return tuple(merge(boxes))


def _around(own: Sequence[Box], others: Iterable[Box]) -> tuple[Box, ...]:
    """Return the own boxes, grown to hold what the others see of the same faces, and the rest."""
    known, grown = list(own), list(own)
    for other in others:
        shared = [overlap(one, other) for one in known]
        best = max(range(len(known)), key=shared.__getitem__, default=None)
        if best is None or shared[best] < SAME_FACE:
            # Missed in this frame: the next of the others may see it too.
            known.append(other)
            grown.append(other)
        else:
            grown[best] = _both(grown[best], other)
    return tuple(grown)


def _both(one: Box, other: Box) -> Box:
    return Box(
        min(one.x1, other.x1),
        min(one.y1, other.y1),
        max(one.x2, other.x2),
        max(one.y2, other.y2),
        max(one.score, other.score),
    )
