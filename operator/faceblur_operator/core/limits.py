"""Reads the resource limits of a container."""

from dataclasses import dataclass
from decimal import Decimal

from faceblur_operator.core.snapshot import Json

SUFFIXES = {
    "m": Decimal("0.001"),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one container: CPU in cores, memory in bytes; None where there is none."""

    cpu: float | None
    memory: float | None


def limits_of(template: Json, container: str) -> Limits:
    """Return the limits a pod template sets for a container."""
    for one in template["spec"]["containers"]:
        if one["name"] == container:
            limits = (one.get("resources") or {}).get("limits") or {}
            return Limits(_quantity(limits.get("cpu")), _quantity(limits.get("memory")))
    return Limits(None, None)


def _quantity(text: object) -> float | None:
    """Return a Kubernetes quantity (`500m`, `512Mi`) as a number, in its base unit."""
    if text is None:
        return None
    written = str(text)
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if written.endswith(suffix):
            return float(Decimal(written[: -len(suffix)]) * SUFFIXES[suffix])
    return float(Decimal(written))
