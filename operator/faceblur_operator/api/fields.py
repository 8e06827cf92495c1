"""The small types that fields of the custom resource are made of, each with its limits.

Every text and list has a largest size: the API server multiplies them to bound what a rule costs.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from faceblur_operator.api.units import DURATION_PATTERN, PERCENTAGE_PATTERN

LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
NUMBER_OR_PERCENTAGE = r"^(-?[0-9]+(\.[0-9]+)?|[0-9]+(\.[0-9]+)?%)$"

# A pod is named <deployment>-<hash of 10>-<5 letters>, and Kubernetes cuts what comes before the
# letters at 58. A cut name no longer tells whose pod it is, so longer names are refused.
LONGEST_DEPLOYMENT = 46
LONGEST_SERVICE = 63
LONGEST_INGRESS = 248
SUFFIX = "-gray"

Duration = Annotated[str, StringConstraints(pattern=DURATION_PATTERN, max_length=20)]
Percentage = Annotated[str, StringConstraints(pattern=PERCENTAGE_PATTERN, max_length=12)]
DeploymentName = Annotated[
    str, StringConstraints(pattern=LABEL, min_length=1, max_length=LONGEST_DEPLOYMENT)
]
ServiceName = Annotated[
    str, StringConstraints(pattern=LABEL, min_length=1, max_length=LONGEST_SERVICE)
]
IngressName = Annotated[
    str, StringConstraints(pattern=SUBDOMAIN, min_length=1, max_length=LONGEST_INGRESS)
]
Name = Annotated[str, StringConstraints(pattern=LABEL, min_length=1, max_length=40)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+\S*$", max_length=2048)]
PromQL = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


def _as_text(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


# The API server knows "an integer or a text", but no "number or text".
NumberOrPercentage = Annotated[
    str,
    BeforeValidator(_as_text),
    StringConstraints(pattern=NUMBER_OR_PERCENTAGE, max_length=20),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "pattern": NUMBER_OR_PERCENTAGE,
            "maxLength": 20,
        }
    ),
]


def list_map(*keys: str) -> dict[str, Any]:
    """Return the schema additions of a list whose entries are told apart by these fields."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def as_set() -> dict[str, Any]:
    """Return the schema additions of a list without doubles."""
    return {"x-kubernetes-list-type": "set"}


Weight = Annotated[int, Field(ge=0, le=100)]
