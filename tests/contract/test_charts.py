"""What both charts promise: safe pods, pinned images, values that are explained and checked."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from tests.contract.generate_values import explained
from tests.support.helm import CHARTS, NAMESPACES, Manifest, helm, render, template

EVERYTHING = {
    "faceblur": (
        "redis.enabled=true",
        "podMonitor.enabled=true",
        "ingress.host=blur.example",
        "probe.enabled=true",
    ),
    "faceblur-operator": ("podMonitor.enabled=true", "watchNamespaces={a,b}"),
}
# They follow a line whose comment speaks of them too.
SHARED_COMMENT = {"podLabels", "tolerations", "affinity"}
POD_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
each = pytest.mark.parametrize("chart", sorted(NAMESPACES))


def _containers(chart: str) -> list[Manifest]:
    pods = render(chart, NAMESPACES[chart], *EVERYTHING[chart]).pods()
    return [container for pod in pods for container in pod["containers"]]


def _values(chart: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CHARTS / chart / "values.yaml").read_text("utf-8"))
    return loaded


def _schema(chart: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CHARTS / chart / "values.schema.json").read_text("utf-8"))
    return loaded


def _paths(node: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, one in node.items():
        yield f"{path}{name}"
        if isinstance(one, dict):
            yield from _paths(one, f"{path}{name}.")


def _resolved(node: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    if reference is None:
        return node
    named: Mapping[str, Any] = root["$defs"][str(reference).removeprefix("#/$defs/")]
    return {**named, **node}


def _knows(schema: Mapping[str, Any], path: str) -> bool:
    node = schema
    for part in path.split("."):
        if node.get("additionalProperties") is not False:
            return node.get("type") == "object"
        if part not in node["properties"]:
            return False
        node = _resolved(node["properties"][part], schema)
    return True


@each
def test_lint_has_nothing_to_say(chart: str) -> None:
    done = helm("lint", "--strict", str(CHARTS / chart))

    assert done.returncode == 0, done.stdout + done.stderr


@each
def test_pods_run_without_rights(chart: str) -> None:
    pods = render(chart, NAMESPACES[chart], *EVERYTHING[chart]).pods()

    for pod in pods:
        context = {k: v for k, v in pod["securityContext"].items() if k != "fsGroup"}
        assert context == POD_SECURITY
        assert all(one["securityContext"] == CONTAINER_SECURITY for one in pod["containers"])
        assert not any("hostPath" in one for one in pod["volumes"])


@each
def test_images_are_pinned_and_not_pulled_when_present(chart: str) -> None:
    images = {(one["image"], one["imagePullPolicy"]) for one in _containers(chart)}

    want = {
        "faceblur": {("ai-face-blur:1.0", "IfNotPresent"), ("redis:7", "IfNotPresent")},
        "faceblur-operator": {("faceblur-operator:0.1.0", "IfNotPresent")},
    }
    assert images == want[chart]


@each
def test_containers_have_requests_limits_and_probes(chart: str) -> None:
    for one in _containers(chart):
        assert {"cpu", "memory"} <= set(one["resources"]["requests"])
        assert "memory" in one["resources"]["limits"]
        assert {"readinessProbe", "livenessProbe"} <= set(one)


@each
@pytest.mark.parametrize("setting", ["typo=1", "image.tga=1.0", "image.tag=latest", "replicas=0"])
def test_values_that_make_no_sense_are_refused(chart: str, setting: str) -> None:
    done = template(chart, NAMESPACES[chart], setting)

    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr


@each
def test_schema_knows_every_value(chart: str) -> None:
    schema = _schema(chart)

    assert [path for path in _paths(_values(chart)) if not _knows(schema, path)] == []


@each
def test_every_known_value_is_written_down(chart: str) -> None:
    known = set(_schema(chart)["properties"])

    assert known - set(_values(chart)) == {"global"}


@each
def test_every_value_is_explained(chart: str) -> None:
    """A comment stands above each value or its group, or above the value it follows at once."""
    found = list(explained(CHARTS / chart / "values.yaml"))
    told = {path for path, _, comment in found if comment}
    groups = {path for path in told if "." in path}
    silent = [
        path
        for path, default, _ in found
        if path not in told
        and not (isinstance(default, dict) and any(one.startswith(f"{path}.") for one in groups))
        and not any(path.startswith(f"{one}.") for one in told)
        and path not in SHARED_COMMENT
    ]

    assert silent == []


@each
def test_objects_say_who_made_them(chart: str) -> None:
    objects = render(chart, NAMESPACES[chart], *EVERYTHING[chart]).objects

    assert all(
        one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "faceblur" for one in objects
    )
