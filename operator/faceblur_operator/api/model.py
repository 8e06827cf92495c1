"""What every type of the custom resource has in common: strict, frozen, and its rules.

A rule is written once, next to its field: as CEL for the API server, and as Python for everything
that reads a specification without one. `crd.py` collects the CEL; pydantic runs the Python.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Rule(Generic[M]):
    """A condition over several fields of one type.

    Attributes:
        cel: the condition for the API server; `self` is the object of that type.
        message: what the user reads when it does not hold: what to write instead.
        holds: the same condition in Python.
    """

    cel: str
    message: str
    holds: Callable[[M], bool]


def rule(cel: str, message: str) -> Callable[[Callable[[M], bool]], Rule[M]]:
    """Make a rule of a method that says whether it holds."""
    return lambda holds: Rule(cel, message, holds)


def _with_rules(schema: dict[str, Any], model: type["Model"]) -> None:
    validations = [{"rule": one.cel, "message": one.message} for one in model.rules()]
    if validations:
        schema["x-kubernetes-validations"] = validations


class Model(BaseModel):
    """A part of the custom resource."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        ignored_types=(Rule,),
        json_schema_extra=_with_rules,
    )

    @classmethod
    def rules(cls) -> tuple[Rule[Any], ...]:
        """Return the rules of this type in the order they are written."""
        return tuple(one for one in vars(cls).values() if isinstance(one, Rule))

    @model_validator(mode="after")
    def _keep_rules(self) -> Self:
        for one in self.rules():
            if not one.holds(self):
                raise ValueError(one.message)
        return self
