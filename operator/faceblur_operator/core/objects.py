"""Builds the objects a rollout owns, from stable's own; nothing here compares or writes."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from faceblur_operator.core.configs import CONFIG
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import Json, KubeObject, Snapshot, Workload

GROUP = "faceblur.dev"
API_VERSION = f"{GROUP}/v1alpha1"
KIND = "FaceBlurRollout"
ROLLOUT_LABEL = f"{GROUP}/rollout"
TRACK_LABEL = f"{GROUP}/track"
# Holds a hash of what was applied, so that a field that is no longer wanted is noticed too.
APPLIED = f"{GROUP}/applied"
CANARY = "nginx.ingress.kubernetes.io/canary"
# Notes of other tools about their own object, wrong on a copy of it.
NOT_COPIED = (
    CANARY,
    GROUP + "/",
    "kubectl.kubernetes.io/",
    "meta.helm.sh/",
    "argocd.argoproj.io/",
    "kustomize.toolkit.fluxcd.io/",
    "cert-manager.io/",
    "acme.cert-manager.io/",
    "external-dns.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
)


def gray_ingress_name(plan: Plan) -> str:
    """Return the name of the Ingress that sends users to gray."""
    return f"{plan.ingress}-gray"


def gray_labels(plan: Plan, stable: Workload, stable_service: KubeObject) -> dict[str, str]:
    """Return the labels of gray pods: stable's, but never matched by stable's Service."""
    labels = dict((stable.template.get("metadata") or {}).get("labels") or {})
    labels.pop("pod-template-hash", None)
    selector = (stable_service.manifest.get("spec") or {}).get("selector") or {}
    if selector and TRACK_LABEL not in selector:
        telling = min(selector)
        labels[telling] = f"gray-{labels.get(telling, '')}"[:63].rstrip("-._")
    return labels | {TRACK_LABEL: "gray", ROLLOUT_LABEL: plan.name}


def gray_deployment(
    plan: Plan,
    snapshot: Snapshot,
    stable: Workload,
    template: Json,
    *,
    replicas: int,
    config: str = "",
) -> dict[str, Any]:
    """Return the gray Deployment; `template` is the one to release.

    `config` is a digest of what its pods read at their start: they are made anew when it changes.
    """
    service = snapshot.stable_service
    labels = gray_labels(plan, stable, service) if service else {}
    metadata: dict[str, Any] = {"labels": labels}
    annotations = dict((template.get("metadata") or {}).get("annotations") or {})
    annotations |= {CONFIG: config} if config else {}
    if annotations:
        metadata["annotations"] = annotations
    return _stamped(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": _metadata(plan, snapshot, plan.gray_deployment),
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": _gray_selector(plan, labels)},
                "template": {"metadata": metadata, "spec": template["spec"]},
            },
        }
    )


def adopted_deployment(
    plan: Plan, container: str, gray: Workload, *, replicas: int, config: str = ""
) -> Json:
    """Return what we set on a gray Deployment that somebody else made.

    Image, variables, size, the label by which its pods are watched, and a note of what they read
    at their start.
    """
    metadata: dict[str, Any] = {"labels": {ROLLOUT_LABEL: plan.name}}
    if config:
        metadata["annotations"] = {CONFIG: config}
    change: dict[str, Any] = {"name": container, "image": plan.image}
    if plan.gray_env:
        change["env"] = [{"name": name, "value": value} for name, value in plan.gray_env]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": gray.name, "namespace": plan.namespace},
        "spec": {
            "replicas": replicas,
            "template": {
                "metadata": metadata,
                "spec": {"containers": [change]},
            },
        },
    }


def gray_service(plan: Plan, snapshot: Snapshot, stable: Workload) -> dict[str, Any]:
    """Return the gray Service: stable's ports, gray's pods."""
    service = snapshot.stable_service
    spec = (service.manifest.get("spec") or {}) if service else {}
    labels = gray_labels(plan, stable, service) if service else {}
    kept = ("name", "port", "targetPort", "protocol", "appProtocol")
    ports = [{k: port[k] for k in kept if k in port} for port in spec.get("ports") or []]
    return _stamped(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(plan, snapshot, plan.gray_service),
            "spec": {"ports": ports, "selector": _gray_selector(plan, labels)},
        }
    )


def gray_ingress(
    plan: Plan, snapshot: Snapshot, ingress: KubeObject, *, weight: int, is_open: bool
) -> dict[str, Any]:
    """Return the gray Ingress: stable's paths, to gray, with the weight.

    Args:
        plan: names, opt-in.
        snapshot: for the owner.
        ingress: the stable Ingress.
        weight: percent of the traffic.
        is_open: whether people who opted in reach gray.
    """
    source = ingress.manifest
    annotations = {
        name: value
        for name, value in (source["metadata"].get("annotations") or {}).items()
        if not name.startswith(NOT_COPIED)
    }
    annotations |= {CANARY: "true", f"{CANARY}-weight": str(weight)}
    if is_open and plan.opt_in is not None:
        annotations |= _opt_in(plan)
    spec: dict[str, Any] = {
        name: source["spec"][name] for name in ("ingressClassName", "tls") if name in source["spec"]
    }
    rules = [
        rule
        for rule in (_gray_rule(plan, rule) for rule in source["spec"].get("rules") or [])
        if rule is not None
    ]
    if rules:
        spec["rules"] = rules
    default = source["spec"].get("defaultBackend")
    if default and _is_stable(plan, default):
        spec["defaultBackend"] = _to_gray(plan, default)
    metadata = _metadata(plan, snapshot, gray_ingress_name(plan)) | {"annotations": annotations}
    return _stamped(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": metadata,
            "spec": spec,
        }
    )


def weight_on(ingress: KubeObject) -> int | None:
    """Return the weight found on a gray Ingress, None when it is not readable."""
    annotations = ingress.manifest["metadata"].get("annotations") or {}
    text = str(annotations.get(f"{CANARY}-weight", ""))
    return int(text) if text.isdecimal() else None


def matches(wanted: object, found: object) -> bool:
    """Whether an object has every field that is wanted, with these values."""
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return not wanted and found is None
        return all(matches(value, found.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list | tuple):
        if not isinstance(found, list | tuple):
            return not wanted and found is None
        return len(wanted) == len(found) and all(map(matches, wanted, found))
    return wanted == found


def _metadata(plan: Plan, snapshot: Snapshot, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": plan.namespace,
        "labels": {ROLLOUT_LABEL: plan.name, "app.kubernetes.io/managed-by": "faceblur-operator"},
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": plan.name,
                "uid": snapshot.uid,
                "controller": True,
                "blockOwnerDeletion": False,
            }
        ],
    }


def _gray_selector(plan: Plan, labels: Mapping[str, str]) -> dict[str, str]:
    return {TRACK_LABEL: labels.get(TRACK_LABEL, "gray"), ROLLOUT_LABEL: plan.name}


def _opt_in(plan: Plan) -> dict[str, str]:
    asked = plan.opt_in
    if asked is None:
        return {}
    wanted = {
        f"{CANARY}-by-header": asked.header,
        f"{CANARY}-by-header-value": asked.value if asked.header else None,
        f"{CANARY}-by-cookie": asked.cookie,
    }
    return {name: value for name, value in wanted.items() if value}


def _gray_rule(plan: Plan, rule: Json) -> dict[str, Any] | None:
    """Return a rule with only the paths that stable serves, None when there are none."""
    paths = [
        {**path, "backend": _to_gray(plan, path["backend"])}
        for path in (rule.get("http") or {}).get("paths") or []
        if _is_stable(plan, path["backend"])
    ]
    return {**rule, "http": {"paths": paths}} if paths else None


def _is_stable(plan: Plan, backend: Json) -> bool:
    return bool((backend.get("service") or {}).get("name") == plan.stable_service)


def _to_gray(plan: Plan, backend: Json) -> dict[str, Any]:
    return {"service": {**backend["service"], "name": plan.gray_service}}


def _stamped(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest with a hash of itself among its annotations."""
    digest = sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]
    metadata = dict(manifest["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), APPLIED: digest}
    return {**manifest, "metadata": metadata}
