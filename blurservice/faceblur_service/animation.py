"""A face that is missed in one frame of an animation is hidden by its neighbours' boxes."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from faceblur_service.geometry import Box, merge

Shown = TypeVar("Shown")
Judged = tuple[Shown, tuple[Box, ...]]


def with_neighbours(frames: Iterable[Judged[Shown]]) -> Iterator[Judged[Shown]]:
    """Yield each frame with its own boxes and those of the frames before and after it.

    Not merged: a moving face's box in the next frame overlaps the one in this frame, and neither
    covers the face in both.
    """
    waiting: Judged[Shown] | None = None
    before: tuple[Box, ...] = ()
    for frame in frames:
        if waiting is not None:
            shown, own = waiting
            yield shown, _once(own + before + frame[1])
            before = own
        waiting = frame
    if waiting is not None:
        yield waiting[0], _once(waiting[1] + before)


def _once(boxes: tuple[Box, ...]) -> tuple[Box, ...]:
    return tuple(dict.fromkeys(boxes))


def over_all(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """Return one box per face and place of an animation, best first."""
    return tuple(merge(boxes))
