"""Turns pydantic's JSON schema into the structural schema that Kubernetes accepts in a CRD.

Called by `crd.py`. It knows the words our models produce and raises on any other: a constraint
that was dropped in silence would let bad objects in.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

KEPT = frozenset(
    {
        "description",
        "enum",
        "format",
        "maximum",
        "maxItems",
        "maxLength",
        "minimum",
        "minItems",
        "minLength",
        "pattern",
        "required",
        "type",
    }
)
# Handled where they stand together with others, or without meaning in a CRD.
DROPPED = frozenset({"$defs", "title"})
NULL = {"type": "null"}


class UnknownSchemaError(ValueError):
    """The models use a word of JSON schema that the converter does not know."""


def structural(schema: Schema) -> dict[str, Any]:
    """Return the structural schema of a model's JSON schema.

    Raises:
        UnknownSchemaError: something in it has no known counterpart.
    """
    return _convert(schema, schema.get("$defs", {}), "")


def _convert(schema: Schema, definitions: Schema, where: str) -> dict[str, Any]:
    flat = _flatten(schema, definitions, where)
    result: dict[str, Any] = {}
    for word, value in flat.items():
        if word in DROPPED or word == "default":
            continue
        if word in KEPT or word.startswith("x-kubernetes-"):
            result[word] = value
        elif word in CONVERTERS:
            result |= CONVERTERS[word](value, definitions, where)
        else:
            raise UnknownSchemaError(f"{where or 'schema'}: no counterpart of {word!r} is known")
    if "default" in flat:
        result |= _default(flat["default"])
    if "type" not in result and "x-kubernetes-int-or-string" not in result:
        raise UnknownSchemaError(f"{where or 'schema'}: has no type")
    return result


def _flatten(schema: Schema, definitions: Schema, where: str) -> dict[str, Any]:
    """Put what `$ref` names, and the X of `X | None`, in place; words beside them win."""
    flat = dict(schema)
    options = flat.pop("anyOf", None)
    if options is not None:
        others = [one for one in options if one != NULL]
        if len(others) != 1:
            raise UnknownSchemaError(f"{where}: only a type or None can be told apart")
        return _flatten({**others[0], **flat}, definitions, where)
    reference = flat.pop("$ref", None)
    if reference is not None:
        named = definitions[str(reference).removeprefix("#/$defs/")]
        return _flatten({**named, **flat}, definitions, where)
    return flat


def _properties(value: Any, definitions: Schema, where: str) -> dict[str, Any]:
    return {
        "properties": {
            name: _convert(one, definitions, f"{where}.{name}") for name, one in value.items()
        }
    }


def _items(value: Any, definitions: Schema, where: str) -> dict[str, Any]:
    return {"items": _convert(value, definitions, f"{where}[]")}


def _additional(value: Any, definitions: Schema, where: str) -> dict[str, Any]:
    # Unknown fields are pruned, or refused by strict clients; "anything" is marked beside it.
    if isinstance(value, bool):
        return {}
    return {"additionalProperties": _convert(value, definitions, f"{where}.*")}


def _const(value: Any, _definitions: Schema, _where: str) -> dict[str, Any]:
    return {"enum": [value]}


def _above(value: Any, _definitions: Schema, _where: str) -> dict[str, Any]:
    return {"minimum": value, "exclusiveMinimum": True}


def _below(value: Any, _definitions: Schema, _where: str) -> dict[str, Any]:
    return {"maximum": value, "exclusiveMaximum": True}


CONVERTERS = {
    "additionalProperties": _additional,
    "const": _const,
    "exclusiveMaximum": _below,
    "exclusiveMinimum": _above,
    "items": _items,
    "properties": _properties,
}


def _default(value: Any) -> dict[str, Any]:
    """Return the default, with what is None or an empty list left out.

    Written in full: the API server checks the rules of a default before it fills in the defaults
    inside it.
    """
    return {} if value in (None, []) else {"default": _without_empty(value)}


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _without_empty(one) for k, one in value.items() if one not in (None, [])}
    if isinstance(value, list):
        return [_without_empty(one) for one in value]
    return value
