"""Each word of JSON schema has a counterpart in the CRD, or is an error."""

from typing import Annotated, Any

import pytest
from pydantic import Field

from faceblur_operator.api.model import Model, rule
from faceblur_operator.api.structural import UnknownSchemaError, structural


class Inner(Model):
    """An inner object."""

    size: int = 3
    note: str | None = None

    @rule("self.size > 0", "size must be positive")
    def _is_positive(self) -> bool:
        return self.size > 0


INNER = {
    "description": "An inner object.",
    "type": "object",
    "properties": {"size": {"type": "integer", "default": 3}, "note": {"type": "string"}},
    "x-kubernetes-validations": [{"rule": "self.size > 0", "message": "size must be positive"}],
}


class Outer(Model):
    """An outer object."""

    a_number: Annotated[float, Field(gt=0, lt=2)]
    inner: Inner = Field(default=Inner(), description="Described where it is used.")
    perhaps: Inner | None = None
    many: list[Inner] = Field(default=[])
    few: list[Inner] = Field(default=[Inner(size=4)])


def test_a_model_becomes_a_structural_schema() -> None:
    assert structural(Outer.model_json_schema()) == {
        "description": "An outer object.",
        "type": "object",
        "required": ["aNumber"],
        "properties": {
            "aNumber": {
                "type": "number",
                "minimum": 0,
                "exclusiveMinimum": True,
                "maximum": 2,
                "exclusiveMaximum": True,
            },
            "inner": INNER | {"description": "Described where it is used.", "default": {"size": 3}},
            "perhaps": INNER,
            "many": {"type": "array", "items": INNER},
            "few": {"type": "array", "items": INNER, "default": [{"size": 4}]},
        },
    }


@pytest.mark.parametrize(
    ("schema", "want"),
    [
        pytest.param({"type": "string"}, {"type": "string"}, id="a plain type"),
        pytest.param(
            {"type": "string", "title": "T", "minLength": 1, "x-kubernetes-list-type": "set"},
            {"type": "string", "minLength": 1, "x-kubernetes-list-type": "set"},
            id="titles go, limits and extensions stay",
        ),
        pytest.param(
            {"type": "string", "const": "a"}, {"type": "string", "enum": ["a"]}, id="a constant"
        ),
        pytest.param(
            {"anyOf": [{"type": "null"}, {"type": "string"}], "default": None},
            {"type": "string"},
            id="X or None is an optional X",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": False},
            {"type": "object"},
            id="no other fields is what structural means",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "string", "title": "T"}},
            {"type": "object", "additionalProperties": {"type": "string"}},
            id="a map",
        ),
        pytest.param(
            {"$ref": "#/$defs/A", "description": "here", "$defs": {"A": {"type": "string"}}},
            {"type": "string", "description": "here"},
            id="a reference, with words beside it",
        ),
        pytest.param(
            {"x-kubernetes-int-or-string": True},
            {"x-kubernetes-int-or-string": True},
            id="a number or a text has no type",
        ),
    ],
)
def test_each_word_has_its_counterpart(schema: dict[str, Any], want: dict[str, Any]) -> None:
    assert structural(schema) == want


@pytest.mark.parametrize(
    ("schema", "want"),
    [
        pytest.param({}, "schema: has no type", id="anything"),
        pytest.param(
            {"type": "array", "uniqueItems": True},
            "schema: no counterpart of 'uniqueItems' is known",
            id="a word that would be lost",
        ),
        pytest.param(
            {"type": "object", "properties": {"a": {"oneOf": []}}},
            ".a: no counterpart of 'oneOf' is known",
            id="deeper",
        ),
        pytest.param(
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            ": only a type or None can be told apart",
            id="one type or another",
        ),
    ],
)
def test_what_is_not_known_is_an_error(schema: dict[str, Any], want: str) -> None:
    with pytest.raises(UnknownSchemaError) as caught:
        structural(schema)

    assert str(caught.value) == want


def test_a_broken_rule_is_told_with_its_message() -> None:
    with pytest.raises(ValueError, match="size must be positive"):
        Inner(size=0)
