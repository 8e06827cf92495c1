"""From the JSON of a resource to its types, or to one sentence a user can act on."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from faceblur_operator.api.spec import FaceBlurRolloutSpec

LONGEST_VALUE = 60


class SpecError(ValueError):
    """The specification is not one; the text says which field, and what to write instead."""


def parse_spec(spec: Mapping[str, Any]) -> FaceBlurRolloutSpec:
    """Return the specification as types.

    Raises:
        SpecError: with one sentence about the first thing to change.
    """
    try:
        return FaceBlurRolloutSpec.model_validate(dict(spec))
    except ValidationError as err:
        problems = err.errors(include_url=False)
        raise SpecError(_sentence(problems)) from err


def _sentence(problems: list[ErrorDetails]) -> str:
    sentence = _one(problems[0])
    more = len(problems) - 1
    return f"{sentence} (and {more} more)" if more else sentence


def _one(problem: ErrorDetails) -> str:
    field = _path(problem["loc"])
    match problem["type"]:
        case "missing":
            return f"{field} is missing; set it"
        case "extra_forbidden":
            return f"{field} is not a field; check its spelling or remove it"
        case "value_error":
            return f"{field}: {problem['ctx']['error']}"
        case "model_type" | "dict_type":
            return f"{field}: wanted an object with fields, found {_shown(problem['input'])}"
        case _:
            wanted = problem["msg"][:1].lower() + problem["msg"][1:]
            return f"{field}: {wanted}; found {_shown(problem['input'])}"


def _path(where: tuple[int | str, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return "spec" + "".join(parts)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
