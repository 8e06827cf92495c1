"""Checks an object against the CRD without an API server: types, limits and unknown fields.

CEL rules are not run here; the types run their Python, and a real API server the CEL.
"""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft4Validator  # type: ignore[import-untyped] # it ships no types

from faceblur_operator.api.crd import schema


def problems(resource: Mapping[str, Any]) -> list[str]:
    """Return what the schema refuses about a FaceBlurRollout, with the place."""
    # Draft 4 is what OpenAPI v3 means by minimum and exclusiveMinimum.
    validator = Draft4Validator(_strict(schema()))
    return [
        f"{'.'.join(map(str, one.absolute_path))}: {one.message}"
        for one in validator.iter_errors(resource)
    ]


def _strict(node: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(node)
    if "x-kubernetes-int-or-string" in result:
        result = {"anyOf": [{"type": "integer"}, {"type": "string", **result}]}
    if "properties" in result:
        inner = {name: _strict(one) for name, one in result["properties"].items()}
        result |= {"properties": inner, "additionalProperties": False}
    if "items" in result:
        result["items"] = _strict(result["items"])
    return result
