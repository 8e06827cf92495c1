"""Options as requests bring them: in the address or, stronger, in the form."""

import json
from enum import StrEnum
from typing import TypeVar

from flask import request

from faceblur_service.boxes import boxes_from_json
from faceblur_service.errors import BadRequest
from faceblur_service.geometry import Box
from faceblur_service.options import Mode, Options, Sensitivity, Strength

_Choice = TypeVar("_Choice", bound=StrEnum)
_MAX_TEXT = 200_000


def options(default: Sensitivity) -> Options:
    """Return what the caller chose for his picture.

    Args:
        default: The sensitivity of requests that name none.

    Raises:
        BadRequest: A choice that does not exist; the sentence names what does.
    """
    return Options(
        mode=_choice("mode", Mode.BLUR),
        strength=_choice("strength", Strength.NORMAL),
        sensitivity=sensitivity(default),
        boxes=_boxes(),
    )


def options_of_many(default: Sensitivity) -> Options:
    """Return what the caller chose for all pictures of a batch.

    Args:
        default: The sensitivity of requests that name none.

    Raises:
        BadRequest: A choice that does not exist, or boxes.
    """
    chosen = options(default)
    if chosen.boxes is not None:
        # Where one picture has its faces, the others would keep theirs clear.
        raise BadRequest("boxes are those of one picture: /api/v1/blur takes it with them.")
    return chosen


def sensitivity(default: Sensitivity) -> Sensitivity:
    """Return how hard the caller wants to look for faces.

    Raises:
        BadRequest: There is no such sensitivity.
    """
    return _choice("sensitivity", default)


def named_sensitivity() -> Sensitivity | None:
    """Return how hard the caller wants to look for faces; None: he does not say.

    Raises:
        BadRequest: There is no such sensitivity.
    """
    return sensitivity(Sensitivity.HIGH) if _values("sensitivity") else None


def _choice(name: str, default: _Choice) -> _Choice:
    kind = type(default)
    try:
        return next(iter([kind(value) for value in _values(name)]), default)
    except ValueError as err:
        *others, last = kind
        # Not what was sent: it may be anything, and answers end up in logs of proxies.
        raise BadRequest(f"{name} must be {', '.join(others)} or {last}.") from err


def _boxes() -> tuple[Box, ...] | None:
    return next(iter([_boxes_of(text) for text in _values("boxes")]), None)


def _boxes_of(text: str) -> tuple[Box, ...]:
    if len(text) > _MAX_TEXT:
        raise BadRequest("boxes is too long.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise BadRequest("boxes must be JSON: a list of boxes.") from err
    return boxes_from_json(value)


def _values(name: str) -> list[str]:
    """Return what the form says, then what the address says: the first counts, all must be good."""
    found = [request.form.getlist(name), request.args.getlist(name)]
    if any(len(values) > 1 for values in found):
        raise BadRequest(f"{name} is given more than once.")
    return [value for values in found for value in values]
