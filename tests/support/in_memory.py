"""The whole operator but kopf, in memory and in virtual time: real engine, reader and writer.

A fake API server takes the place of the real one, requests are counted as a service would, and
Deployments settle when the test says so, or by themselves.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.support.counted import Counted
from tests.support.fakes.kube_api import FakeKubeApi
from tests.support.fakes.outside import FakeOutside
from tests.support.fakes.ports import FakeEvents, FakeFence, FakeMeter, FakePrometheus
from tests.support.specs import a_resource, a_spec
from tests.support.virtual_time import VirtualClock

from faceblur_operator.adapters.kube_reader import INDEX, KubeReader
from faceblur_operator.adapters.kube_writer import KubeWriter
from faceblur_operator.adapters.object_cache import ObjectCache
from faceblur_operator.core.compiler import Defaults
from faceblur_operator.core.snapshot import Vector
from faceblur_operator.engine import Doors, Reconciler, Scheduler, core_brain
from faceblur_operator.ports.cluster import Key

URL = "http://prometheus:9090"
KEY = Key("demo", "face-blur")
WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"
MADE_GRAY = "face-blur-stable-gray"
LABELS = {"app": "face-blur", "faceblur.dev/track": "stable"}
QUICK_STEPS = [{"weight": weight, "hold": "3s"} for weight in (5, 50, 100)]


def quick_spec(**changes: Any) -> dict[str, Any]:
    """Return a specification that is through in seconds."""
    slo = {"name": "success", "builtin": "blurSuccess", "atLeast": "90%"}
    analysis = {"interval": "1s", "warmup": "0s", "slos": [slo]}
    return a_spec(steps=QUICK_STEPS, scaleDownDelay="2s", analysis=analysis) | changes


def stable_objects(suffix: str = "") -> list[dict[str, Any]]:
    """Return the Deployment, Service and Ingress of the stable version."""
    container = {
        "name": "processor",
        "image": "ai-face-blur:1.0",
        "env": [{"name": "LOG_LEVEL", "value": "info"}],
        "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}},
    }
    labels = LABELS | {"app": f"face-blur{suffix}"}
    service = {"name": f"face-blur-service{suffix}", "port": {"number": 80}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": service}}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": f"face-blur-stable{suffix}", "namespace": "demo"},
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"face-blur-service{suffix}", "namespace": "demo"},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 5000}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": f"face-blur-ingress{suffix}", "namespace": "demo"},
            "spec": {"ingressClassName": "nginx", "rules": [{"http": {"paths": [path]}}]},
        },
    ]


def a_gray_pod(world: "InMemory", **status: Any) -> dict[str, Any]:
    """Return a pod of the present template of the gray Deployment made from stable."""
    (replica_set,) = [
        item
        for (kind, _, name), item in world.api.objects.items()
        if kind == "ReplicaSet" and name.startswith(MADE_GRAY)
    ]
    labels = {"faceblur.dev/rollout": KEY.name}
    labels["pod-template-hash"] = replica_set["metadata"]["labels"]["pod-template-hash"]
    metadata = {"name": "gray-1", "namespace": "demo", "labels": labels}
    return {"kind": "Pod", "metadata": metadata, "status": {"phase": "Running", **status}}


@dataclass
class InMemory:
    """One operator process and its cluster; make another on the same `api` for a restart.

    Attributes:
        settles: Deployments become ready by themselves.
        is_asleep: changes are seen but wake no rollout: the test looks itself.
        prometheus_url: what the operator's settings say.
    """

    api: FakeKubeApi = field(default_factory=FakeKubeApi)
    fence: FakeFence = field(default_factory=FakeFence)
    events: FakeEvents = field(default_factory=FakeEvents)
    meter: FakeMeter = field(default_factory=FakeMeter)
    settles: bool = True
    is_asleep: bool = False
    prometheus_url: str = URL
    weights: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = clock = VirtualClock()
        self.counted = Counted(asyncio.get_running_loop().time)
        self.prometheus = FakePrometheus(clock, self._answer)
        self.outside = FakeOutside(clock)
        self.cache = ObjectCache(INDEX, asyncio.get_running_loop().time)
        self.reader = KubeReader(self.api, self.cache)
        self.writer = KubeWriter(self.api, self.cache, self.fence)
        doors = Doors(clock, self.reader, self.writer, self.events, self.meter)
        defaults = Defaults(self.prometheus_url, (), timedelta(seconds=2))
        self.reconciler = Reconciler(core_brain(defaults), doors)
        self.scheduler = Scheduler(
            self.reconciler, self.prometheus, self.meter, self.outside, chance=lambda: 1.0
        )
        self.api.watchers = [self._observe]

    def install(self, spec: dict[str, Any] | None = None) -> None:
        """Create the stable version and a rollout."""
        for item in stable_objects():
            self.api.add(item)
        self.settle()
        resource = a_resource(spec or quick_spec())
        resource["metadata"]["namespace"] = "demo"
        self.api.add(resource)

    def settle(self) -> None:
        """Let every Deployment become what it should be."""
        for kind, _, name in list(self.api.objects):
            if kind == "Deployment":
                self.api.settle(name)

    def start(self) -> None:
        """Wake the rollouts that exist, as the first list of a watch does."""
        for (kind, space, name), _ in list(self.api.objects.items()):
            if kind == "FaceBlurRollout":
                self.scheduler.wake(Key(space, name))

    async def until(self, phase: str, *, within: float = 120) -> None:
        """Let time pass until the rollout has this phase."""
        async with asyncio.timeout(within):
            while self.status.get("phase") != phase:
                await asyncio.sleep(0.05)

    async def until_weight(self, weight: int, *, within: float = 120) -> float:
        """Let time pass until this weight is set; return how long it took."""
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(within):
            while self.weight != weight:
                await asyncio.sleep(0.01)
        return asyncio.get_running_loop().time() - begun

    async def blind_at_30(self) -> None:
        """Release up to 30 %, for an hour; from there on Prometheus hangs."""
        self.install(quick_spec(steps=[{"weight": 30, "hold": "1h"}, {"weight": 100}]))
        self.start()
        await self.until_weight(30)
        self.prometheus.latency = self.prometheus.latency.resolution * 10**9

    def command(self, text: str) -> None:
        """Put a command on the rollout, as a person does."""
        annotations = {"metadata": {"annotations": {"faceblur.dev/command": text}}}
        self.api.change("FaceBlurRollout", KEY.name, annotations)

    @property
    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.api.objects["FaceBlurRollout", "demo", KEY.name].get(
            "status", {}
        )
        return status

    @property
    def weight(self) -> int:
        """The weight the Ingress controller sees."""
        ingress = self.api.objects.get(("Ingress", "demo", "face-blur-ingress-gray"))
        return int(ingress["metadata"]["annotations"][WEIGHT]) if ingress else 0

    def _observe(self, kind: str, item: dict[str, Any], is_gone: bool) -> None:
        if not self.weights or self.weights[-1] != self.weight:
            self.weights.append(self.weight)
        if kind == "Deployment" and self.settles and not is_gone:
            asyncio.get_running_loop().call_later(0.2, self._settle_one, item["metadata"]["name"])
        for key in self.reader.observe(kind, item, is_gone=is_gone):
            if not self.is_asleep:
                self.scheduler.wake(key)

    def _settle_one(self, name: str) -> None:
        if ("Deployment", "demo", name) in self.api.objects:
            self.api.settle(name)

    def _answer(self, queries: Mapping[str, str]) -> Mapping[str, Vector]:
        series = {}
        for key in queries:
            _, side, what = key.split(":")
            series[key] = Vector(((("pod", f"{side}-1"),),), (self.counted(side, what),))
        return series
