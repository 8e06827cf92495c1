"""Renders the charts with real Helm."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.cluster import tools

CHARTS = Path(__file__).resolve().parents[2] / "charts"
# Where each chart belongs.
NAMESPACES = {"faceblur": "faceblur", "faceblur-operator": "faceblur-system"}
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The objects that a chart makes."""

    objects: tuple[Manifest, ...]

    def one(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        """Return the one object of this kind and name."""
        found = [
            one
            for one in self.objects
            if (one["kind"], one["metadata"]["name"]) == (kind, name)
            and namespace in (None, one["metadata"].get("namespace"))
        ]
        assert len(found) == 1, f"{kind} {name}: {len(found)} of them"
        return found[0]

    def names(self) -> set[str]:
        """Return what there is, as `Kind/name`."""
        return {f"{one['kind']}/{one['metadata']['name']}" for one in self.objects}

    def pods(self) -> list[Manifest]:
        """Return the pod specs of all Deployments."""
        return [
            one["spec"]["template"]["spec"] for one in self.objects if one["kind"] == "Deployment"
        ]

    def container(self, deployment: str) -> Manifest:
        """Return the only container of a Deployment."""
        (only,) = self.one("Deployment", deployment)["spec"]["template"]["spec"]["containers"]
        assert isinstance(only, dict)
        return only


def helm(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Helm."""
    command = [str(tools.helm()), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def template(chart: str, namespace: str, *settings: str) -> subprocess.CompletedProcess[str]:
    """Render a chart with values given as `key=value`."""
    flags = [word for one in settings for word in ("--set", one)]
    return helm("template", chart, str(CHARTS / chart), "--namespace", namespace, *flags)


def render(chart: str, namespace: str, *settings: str) -> Rendered:
    """Return the objects of a chart."""
    done = template(chart, namespace, *settings)
    assert done.returncode == 0, done.stderr
    return Rendered(tuple(one for one in yaml.safe_load_all(done.stdout) if one))


def environment(container: Manifest) -> dict[str, Any]:
    """Return the variables of a container: the value, or where it comes from."""
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}
