"""A person's corrected boxes, as JSON brings them: what `detect` gave, edited.

Used by the HTTP API and by the command line's `--boxes`.
"""

from typing import Any, TypeGuard

from faceblur_service.errors import BadRequest
from faceblur_service.geometry import Box

MOST = 1000
"""Boxes in one picture: no crowd has more, and each costs time."""

FARTHEST = 1_000_000
"""Pixels: far outside of every picture; more would only overflow later sums."""

_NUMBERS = ("x", "y", "width", "height")
_KNOWN = {*_NUMBERS, "id", "score", "hide"}


def boxes_from_json(value: Any) -> tuple[Box, ...]:
    """Return the boxes to hide; those marked `"hide": false` are left out.

    Args:
        value: A list of `{"x": 10, "y": 20, "width": 30, "height": 40}`, in pixels of the picture
            turned upright; `id`, `score` and `hide` may be there as well.

    Raises:
        BadRequest: It is something else; the sentence names the first box that is wrong.
    """
    if not isinstance(value, list):
        raise BadRequest("boxes must be a list of boxes.")
    if len(value) > MOST:
        raise BadRequest(f"boxes may hold {MOST} boxes, found {len(value)}.")
    read = [_box(one, number) for number, one in enumerate(value, start=1)]
    return tuple(box for box in read if box is not None)


def _box(value: Any, number: int) -> Box | None:
    if not isinstance(value, dict):
        raise BadRequest(f"Box {number} must be an object with x, y, width and height.")
    unknown = sorted(str(name) for name in value if name not in _KNOWN)
    if unknown:
        raise BadRequest(f"Box {number} has a field that is not known: {unknown[0]}.")
    x, y, width, height = (_number(value, name, number) for name in _NUMBERS)
    if width <= 0 or height <= 0:
        raise BadRequest(f"Box {number} must have a width and a height above 0.")
    hide = value.get("hide", True)
    if not isinstance(hide, bool):
        raise BadRequest(f"Box {number}: hide must be true or false.")
    if not isinstance(value.get("id", ""), str):
        raise BadRequest(f"Box {number}: id must be a text.")
    if not _is_number(value.get("score", 0)):
        raise BadRequest(f"Box {number}: score must be a number.")
    return Box(x, y, x + width, y + height) if hide else None


def _is_number(found: object) -> TypeGuard[float]:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _number(value: dict[Any, Any], name: str, number: int) -> float:
    found = value.get(name)
    if not _is_number(found):
        raise BadRequest(f"Box {number}: {name} must be a number of pixels.")
    if not abs(found) <= FARTHEST:  # nor is NaN, and a whole number may be too long for a float
        raise BadRequest(f"Box {number}: {name} must be at most a million pixels.")
    return float(found)
