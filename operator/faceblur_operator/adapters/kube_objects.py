"""Turns objects of the API server into the values the core reads. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from faceblur_operator.core.objects import gray_ingress_name
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import KubeObject, Rival, Scaler, Workload
from faceblur_operator.ports.cluster import Key, Resource

Object = dict[str, Any]
HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


def resource_of(item: Object) -> Resource:
    """Return a FaceBlurRollout as read."""
    metadata = item["metadata"]
    return Resource(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata["resourceVersion"],
        manifest=item,
    )


def workload_of(item: Object, pod_hash: str | None) -> Workload:
    """Return a Deployment as values."""
    metadata, spec, status = item["metadata"], item["spec"], item.get("status") or {}
    return Workload(
        name=metadata["name"],
        uid=metadata["uid"],
        replicas=spec.get("replicas", 1),
        ready=status.get("readyReplicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        total=status.get("replicas", 0),
        settled=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
        template=spec["template"],
        selector=(spec.get("selector") or {}).get("matchLabels") or {},
        pod_hash=pod_hash,
        owner_uid=owner_of(item),
        labels=metadata.get("labels") or {},
        failure=_failure_of(status),
    )


def scaler_of(item: Object) -> Scaler:
    """Return a HorizontalPodAutoscaler as values."""
    spec = item["spec"]
    return Scaler(item["metadata"]["name"], spec.get("minReplicas", 1), spec["maxReplicas"])


def target_of(item: Object) -> frozenset[str]:
    """Return what a HorizontalPodAutoscaler scales, when that is a Deployment."""
    target = _part(_part(item, "spec"), "scaleTargetRef")
    is_deployment = target.get("kind") == "Deployment"
    return frozenset({f"Deployment/{target.get('name')}"} if is_deployment else ())


def object_of(item: Object) -> KubeObject:
    """Return a Service or an Ingress as values."""
    metadata = item["metadata"]
    return KubeObject(metadata["name"], metadata["uid"], owner_of(item), item)


def owner_of(item: Object) -> str | None:
    """Return the uid of the controlling owner."""
    for owner in item["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return str(owner["uid"])
    return None


def rival_of(item: Object) -> Rival:
    """Return a FaceBlurRollout as seen by another one."""
    metadata = item["metadata"]
    return Rival(metadata["name"], created_of(item), claims_of(item))


def created_of(item: Object) -> datetime:
    """Return when an object was created."""
    return datetime.fromisoformat(item["metadata"]["creationTimestamp"])


def claims_of(item: Object) -> frozenset[str]:
    """Return the objects a FaceBlurRollout needs for itself, `Kind/name`; also of a bad spec."""
    spec = _part(item, "spec")
    stable, gray, traffic = _part(spec, "stable"), _part(spec, "gray"), _part(spec, "traffic")
    claims = set()
    for kind, field in (("Deployment", "deployment"), ("Service", "service")):
        named = stable.get(field)
        own = gray.get(field) or (f"{named}-gray" if named else None)
        claims |= {f"{kind}/{name}" for name in (named, own) if name}
    ingresses = traffic.get("ingresses")
    if isinstance(ingresses, list):
        claims |= {f"Ingress/{name}" for name in ingresses}
    return frozenset(claims)


def services_of(item: Object) -> frozenset[str]:
    """Return the names of the Services an Ingress sends anything to."""
    spec = item.get("spec") or {}
    backends = [spec.get("defaultBackend")]
    for rule in spec.get("rules") or []:
        # A rule with a host and nothing else is legal.
        backends += [path.get("backend") for path in (rule.get("http") or {}).get("paths") or []]
    names = (((one or {}).get("service") or {}).get("name") for one in backends)
    return frozenset(str(name) for name in names if name)


def pod_hash_of(deployment: Object, replica_sets: list[Object]) -> str | None:
    """Return the hash label of the ReplicaSet that runs a Deployment's present template."""
    uid, template = deployment["metadata"]["uid"], deployment["spec"]["template"]
    matching = [
        one
        for one in replica_sets
        if owner_of(one) == uid and _without_hash(one["spec"]["template"]) == template
    ]
    if not matching:
        return None
    newest = max(matching, key=_revision)
    labels = newest["metadata"].get("labels") or {}
    return labels.get(HASH_LABEL)


def own_refs(plan: Plan) -> dict[str, tuple[str, str]]:
    """Return kind and name of every object a plan names, by its role."""
    return {
        "stable": ("Deployment", plan.stable_deployment),
        "gray": ("Deployment", plan.gray_deployment),
        "stable_service": ("Service", plan.stable_service),
        "gray_service": ("Service", plan.gray_service),
        "ingress": ("Ingress", plan.ingress),
        "gray_ingress": ("Ingress", gray_ingress_name(plan)),
    }


def _failure_of(status: Mapping[str, Any]) -> str:
    """Return why a Deployment's controller cannot make pods, empty when it can."""
    for one in status.get("conditions") or []:
        if one.get("type") == "ReplicaFailure" and one.get("status") == "True":
            return str(one.get("message") or one.get("reason") or "")
    return ""


def _revision(replica_set: Object) -> int:
    annotations = replica_set["metadata"].get("annotations") or {}
    return int(annotations.get(REVISION, 0))


def _without_hash(template: Mapping[str, Any]) -> dict[str, Any]:
    metadata = dict(template.get("metadata") or {})
    labels = dict(metadata.get("labels") or {})
    labels.pop(HASH_LABEL, None)
    metadata["labels"] = labels
    return {**template, "metadata": metadata}


def _part(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = value.get(name)
    return part if isinstance(part, Mapping) else {}
