"""Where a rollout's objects are, worked out once for each plan, and what was made of them.

Used by the reader. While an object stays the same, the same value is handed out for it: then one
glance tells the next decision that nothing has changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from faceblur_operator.adapters import kube_objects
from faceblur_operator.adapters.kube_signals import SCALER
from faceblur_operator.adapters.object_cache import Ref
from faceblur_operator.core.admission import claims
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import KubeObject, Workload
from faceblur_operator.ports.cluster import Resource

Object = dict[str, Any]


@dataclass(slots=True)
class Places:
    """Where one rollout looks.

    Attributes:
        refs: the objects its plan names, by role.
        rivals: other rollouts that claim one of them.
        siblings: Ingresses that use stable's Service.
        read: all of it; changes there are news.
    """

    plan: Plan
    uid: str
    created: datetime
    refs: Mapping[str, Ref]
    rivals: tuple[Ref, ...]
    siblings: Ref
    stable_scaler: Ref
    gray_scaler: Ref
    read: frozenset[Ref]
    _objects: dict[str, tuple[Object, KubeObject]] = field(default_factory=dict)
    _workloads: dict[str, tuple[Object, Workload]] = field(default_factory=dict)

    def object(self, role: str, item: Object | None) -> KubeObject | None:
        """Return a Service or an Ingress as values."""
        if item is None:
            return None
        known = self._objects.get(role)
        if known is None or known[0] is not item:
            known = self._objects[role] = (item, kube_objects.object_of(item))
        return known[1]

    def workload(self, role: str, item: Object | None, pod_hash: str | None) -> Workload | None:
        """Return a Deployment as values."""
        if item is None:
            return None
        known = self._workloads.get(role)
        if known is None or known[0] is not item or known[1].pod_hash != pod_hash:
            known = self._workloads[role] = (item, kube_objects.workload_of(item, pod_hash))
        return known[1]


def places_of(resource: Resource, plan: Plan) -> Places:
    """Return where a rollout with this plan looks."""
    space = plan.namespace
    refs = {
        role: Ref(kind, space, name) for role, (kind, name) in kube_objects.own_refs(plan).items()
    }
    rivals = tuple(Ref("FaceBlurRollout", space, value=claim) for claim in sorted(claims(plan)))
    siblings = Ref("Ingress", space, value=plan.stable_service)
    stable, gray = (
        Ref(SCALER, space, value=f"Deployment/{refs[role].name}") for role in ("stable", "gray")
    )
    return Places(
        plan=plan,
        uid=resource.uid,
        created=kube_objects.created_of(dict(resource.manifest)),
        refs=refs,
        rivals=rivals,
        siblings=siblings,
        stable_scaler=stable,
        gray_scaler=gray,
        read=frozenset({*refs.values(), *rivals, siblings, stable, gray}),
    )
