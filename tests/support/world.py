"""A cluster of values: enough of one to drive the pure core without any API server.

It applies effects to plain objects and gives them back as a snapshot. It is no fake of a port:
those live in `tests/support/fakes`.
"""

import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from faceblur_operator.api.reasons import Phase
from faceblur_operator.core.bridge import wanted
from faceblur_operator.core.commands import ANNOTATION
from faceblur_operator.core.decide import Request, decide, recall
from faceblur_operator.core.decision import Decision
from faceblur_operator.core.effects import Apply, ClearCommand, Delete, Effect, PatchTemplate
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.objects import weight_on
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.record import HOLD
from faceblur_operator.core.snapshot import (
    KubeObject,
    Mount,
    NoSamples,
    Pod,
    PodContainer,
    Samples,
    Scaler,
    Snapshot,
    Vector,
    Workload,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
UID = "rollout-uid"


def a_template(image: str = "ai-face-blur:1.0") -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "face-blur", "faceblur.dev/track": "stable"}},
        "spec": {
            "containers": [
                {
                    "name": "processor",
                    "image": image,
                    "env": [{"name": "LOG_LEVEL", "value": "info"}],
                    "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}},
                }
            ]
        },
    }


def a_workload(name: str, template: dict[str, Any], *, replicas: int = 3, **more: Any) -> Workload:
    ready = {"ready": replicas, "updated": replicas, "available": replicas, "total": replicas}
    values: dict[str, Any] = {
        "uid": f"{name}-uid",
        "replicas": replicas,
        "settled": True,
        "selector": {"app": "face-blur", "faceblur.dev/track": "stable"},
        "pod_hash": "5d4f8c7b6",
        **ready,
        **more,
    }
    return Workload(name=name, template=template, **values)


def a_container(**changes: Any) -> PodContainer:
    values = {
        "name": "processor",
        "image": "ai-face-blur:1.1-gray",
        "image_id": "",
        "is_ready": False,
        "restarts": 0,
    }
    return PodContainer(**(values | changes))  # type: ignore[arg-type]  # of several types


def a_pod(*containers: PodContainer, **changes: Any) -> Pod:
    """Return a pod of gray's present template, one minute old."""
    values = {
        "name": "gray-1",
        "uid": "pod-uid",
        "created": START + timedelta(minutes=1),
        "pod_hash": "5d4f8c7b6",
        "phase": "Pending",
        "reason": "",
        "message": "",
        "is_ready": False,
        "is_ending": False,
    }
    return Pod(**(values | changes), containers=containers)  # type: ignore[arg-type]  # as above


def an_ingress(**spec: Any) -> KubeObject:
    backend = {"service": {"name": "face-blur-service", "port": {"number": 80}}}
    rules = [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "face-blur-ingress", "annotations": {"example.com/kept": "yes"}},
        "spec": {"ingressClassName": "nginx", "rules": rules, **spec},
    }
    return KubeObject("face-blur-ingress", "ingress-uid", None, manifest)


def a_service() -> KubeObject:
    spec = {
        "selector": {"app": "face-blur", "faceblur.dev/track": "stable"},
        "ports": [{"name": "http", "port": 80, "targetPort": 5000, "nodePort": 30000}],
        "clusterIP": "10.96.7.7",
    }
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": spec}
    return KubeObject("face-blur-service", "service-uid", None, manifest)


@dataclass
class World:
    """The objects of one namespace, a clock, and the requests that were counted."""

    stable: Workload | None = field(
        default_factory=lambda: a_workload("face-blur-stable", a_template())
    )
    gray: Workload | None = None
    stable_service: KubeObject | None = field(default_factory=a_service)
    gray_service: KubeObject | None = None
    ingress: KubeObject | None = field(default_factory=an_ingress)
    gray_ingress: KubeObject | None = None
    gray_pods: tuple[Pod, ...] = ()
    stable_pods: tuple[Pod, ...] = ()
    mounts: tuple[Mount, ...] = ()
    annotations: dict[str, str] = field(default_factory=dict)
    stable_scaler: Scaler | None = None
    gray_scaler: Scaler | None = None
    now: datetime = START
    status: dict[str, Any] = field(default_factory=dict)
    memory: Memory | None = None
    decisions: list[Decision] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    counted: dict[str, list[float]] = field(
        default_factory=lambda: {"gray": [0.0, 0.0], "stable": [0.0, 0.0]}
    )
    # What Prometheus answered before, and whether it still knows.
    answered: dict[datetime, Samples] = field(default_factory=dict)
    remembers: bool = True

    def command(self, text: str) -> None:
        """Put a command on the rollout, as a person does."""
        self.annotations[ANNOTATION] = text

    def serve(self, *, gray: int = 0, bad: int = 0, stable: int = 0, stable_bad: int = 0) -> None:
        """Count requests and bad ones among them, for both sides."""
        for side, total, failed in (("gray", gray, bad), ("stable", stable, stable_bad)):
            self.counted[side][0] += total
            self.counted[side][1] += failed

    def samples(self, plan: Plan) -> Samples:
        """Return what Prometheus would say of every ratio objective of the plan."""
        series: dict[str, Vector] = {}
        for one in plan.objectives:
            for side, (total, bad) in self.counted.items():
                labels = (("pod", f"{side}-1"),)
                series[f"{one.name}:{side}:total"] = Vector((labels,), (total,))
                series[f"{one.name}:{side}:bad"] = Vector((labels,), (bad,))
        found = Samples(self.now, series, read_at=self.now)
        self.answered[self.now] = found
        return replace(found, past=self._past())

    def _past(self) -> Samples | None:
        """Return what the engine would have asked Prometheus about the past."""
        memory = recall(self.memory, self.status)
        asked = wanted(replace(memory, awake_since=memory.awake_since or self.now))
        return self.answered.get(asked) if asked is not None and self.remembers else None

    def snapshot(self, samples: Samples | NoSamples | None = None) -> Snapshot:
        return Snapshot(
            uid=UID,
            generation=1,
            created=START,
            stable=self.stable,
            gray=self.gray,
            stable_service=self.stable_service,
            gray_service=self.gray_service,
            ingress=self.ingress,
            gray_ingress=self.gray_ingress,
            annotations=dict(self.annotations),
            stable_scaler=self.stable_scaler,
            gray_scaler=self.gray_scaler,
            samples=samples,
            gray_pods=self.gray_pods,
            stable_pods=self.stable_pods,
            mounts=self.mounts,
        )

    def look(self, plan: Plan, samples: Samples | NoSamples | None = None) -> Decision:
        """Decide without applying anything."""
        request = Request(plan, self.snapshot(samples), self.status, self.memory, self.now)
        decision = decide(request)
        if self.memory is not None:
            # What is kept to save work must change nothing: every story of the core checks it.
            plain = request._replace(memory=replace(self.memory, kept=None))
            assert decide(plain) == decision
        return decision

    def tick(
        self,
        plan: Plan,
        *,
        after: timedelta = timedelta(seconds=1),
        samples: Samples | NoSamples | None = None,
        crash_after: int | None = None,
        is_silent: bool = False,
    ) -> Decision:
        """Let time pass, decide, apply; `crash_after` writes the process is gone.

        `is_silent`: nothing is asked of Prometheus, so there are no samples at all.
        """
        self.now += after
        asked = None if is_silent else self.samples(plan)
        decision = self.look(plan, samples if samples is not None else asked)
        writes = 0
        for effect in decision.effects:
            if writes == crash_after:
                self.memory = None
                return decision
            self.apply(effect)
            writes += 1
        if writes == crash_after:
            self.memory = None
            return decision
        if decision.status is not None:
            self.status = copy.deepcopy(decision.status)
        self.memory = decision.memory
        self.decisions.append(decision)
        self.weights.append(self.weight)
        return decision

    def apply(self, effect: Effect) -> None:
        match effect:
            case Apply():
                self._apply(dict(effect.manifest))
            case Delete():
                assert self.gray_ingress is not None
                assert (effect.kind, effect.uid) == ("Ingress", self.gray_ingress.uid)
                self.gray_ingress = None
            case ClearCommand():
                assert self.annotations.pop(ANNOTATION) == effect.text
            case PatchTemplate():
                assert self.stable is not None
                assert effect.uid == self.stable.uid
                self.stable = replace(
                    self.stable,
                    template=_patched(self.stable.template, effect.patch),
                    updated=0,
                    settled=False,
                )

    def _apply(self, manifest: dict[str, Any]) -> None:
        name = manifest["metadata"]["name"]
        owners = manifest["metadata"].get("ownerReferences") or [{"uid": None}]
        match manifest["kind"]:
            case "Ingress":
                self.gray_ingress = KubeObject(name, "gray-ingress-uid", UID, manifest)
            case "Service":
                self.gray_service = KubeObject(name, "gray-service-uid", UID, manifest)
            case "Deployment":
                spec = manifest["spec"]
                before = self.gray
                is_new = before is None or before.template != spec["template"]
                self.gray = a_workload(
                    name,
                    spec["template"],
                    replicas=spec["replicas"],
                    ready=0 if is_new or before is None else min(before.ready, spec["replicas"]),
                    updated=0,
                    settled=False,
                    owner_uid=owners[0]["uid"],
                )
            case kind:
                raise AssertionError(f"nobody applies a {kind}")

    def settle(self) -> None:
        """Let every Deployment finish what it was told."""
        for name in ("stable", "gray"):
            workload: Workload | None = getattr(self, name)
            if workload is not None:
                count = workload.replicas
                setattr(
                    self,
                    name,
                    replace(
                        workload,
                        ready=count,
                        updated=count,
                        available=count,
                        total=count,
                        settled=True,
                    ),
                )

    @property
    def weight(self) -> int:
        """The weight that the Ingress controller sees."""
        return 0 if self.gray_ingress is None else (weight_on(self.gray_ingress) or 0)

    @property
    def decided(self) -> list[dict[str, Any]]:
        """The record of decisions without the holds between them."""
        return [one for one in self.status["decisions"] if one["action"] != HOLD]

    @property
    def phase(self) -> Phase:
        return Phase(self.status["phase"])


def _patched(template: Any, patch: Any) -> Any:
    """Return a template with a strategic merge patch of one container in it."""
    result = copy.deepcopy(template)
    for change in patch["spec"]["template"]["spec"]["containers"]:
        for container in result["spec"]["containers"]:
            if container["name"] == change["name"]:
                container["image"] = change["image"]
                gone = {e["name"] for e in change.get("env", ()) if e.get("$patch") == "delete"}
                new = {e["name"]: e for e in change.get("env", ()) if "$patch" not in e}
                kept = [
                    new.pop(e["name"], e) for e in container.get("env", []) if e["name"] not in gone
                ]
                container["env"] = kept + list(new.values())
    return result
