"""The two releases of the demo: the examples of this project, with holds short enough to watch."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.support.installation import REPO

from faceblur_operator.api import units

HOLD = "15s"
# Gray goes away soon, so that the demo ends soon.
SCALE_DOWN_DELAY = "5s"


@dataclass(frozen=True)
class Plan:
    """A release to show: its manifest, and what the demo has to know of it."""

    name: str
    wanted: str
    manifest: Mapping[str, Any]

    @property
    def rollout(self) -> str:
        """Return the name of the resource."""
        return str(self.manifest["metadata"]["name"])

    @property
    def image(self) -> str:
        """Return what is released."""
        return str(self.manifest["spec"]["image"])

    @property
    def weights(self) -> tuple[int, ...]:
        """Return the weights of the steps."""
        return tuple(step["weight"] for step in self.manifest["spec"]["steps"])

    @property
    def slow_s(self) -> float:
        """Return the limit of the latency objective."""
        slos = self.manifest["spec"]["analysis"]["slos"]
        below = next(one["below"] for one in slos if one.get("builtin") == "latency")
        return units.duration(below).total_seconds()


def the_good() -> Plan:
    """Return the release that shall be promoted."""
    return Plan("good", "Succeeded", shortened(_example("good-release")))


def the_bad() -> Plan:
    """Return the release that shall be rolled back."""
    return Plan("bad", "RolledBack", shortened(_example("bad-release")))


def shortened(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest with short holds; nothing that is judged changes."""
    short = deepcopy(dict(manifest))
    for step in short["spec"]["steps"]:
        step["hold"] = HOLD
    short["spec"]["scaleDownDelay"] = SCALE_DOWN_DELAY
    return short


def _example(name: str) -> Mapping[str, Any]:
    path: Path = REPO / "examples" / name / "rollout.yaml"
    manifest: Mapping[str, Any] = yaml.safe_load(path.read_text())
    return manifest
