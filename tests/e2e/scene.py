"""What an end-to-end test does and sees, in the words of a user: releases, clients, operator."""

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from tests.cluster import tools
from tests.demo.photos import small_photos
from tests.support import installation
from tests.support.answers import Answer, Share, share_of
from tests.support.eventually import Patience, consistently, eventually
from tests.support.load import Load, Question, burst
from tests.support.rollouts import Kube, Sighting, sighting

NAME = "face-blur"
FOR_EVER = "1h"
AT_ONCE = "1s"

# Gray pods load their models under half a core, beside everything else on two.
GRAY_IS_READY = Patience("gray pods are made and ready", 90)
OPERATOR_ACTS = Patience("the operator acts on a change", 15)
TAKEOVER = Patience("a lost leader is replaced", 30)
EVIDENCE_GATHERS = Patience("enough requests are counted", 60)
PROMOTION = Patience("stable's pods are replaced one by one", 120)
ROLLBACK = Patience("a bad version is noticed and taken back", 60)
TRAFFIC_FOLLOWS = Patience("the ingress controller follows the Ingress", 10)
POD_SAYS_SO = Patience("the kubelet has tried often enough to say what is wrong", 90)
GARBAGE_IS_GONE = Patience("owned objects vanish with their owner", 60)
SCALED = Patience("a Deployment has the pods it should have", 60)
A_WHILE = Patience("a while in which nothing may happen", 8)

# Judged by nobody: for tests that are not about evidence.
ALWAYS_GOOD: Mapping[str, Any] = {"name": "always-good", "value": "vector(0)", "max": 1}
# Few requests tell 60 % from nearly 100 %, so that a test need not wait long for evidence.
SUCCESS: Mapping[str, Any] = {
    "name": "success",
    "builtin": "blurSuccess",
    "atLeast": "98%",
    "unacceptable": "60%",
}
AT_INGRESS: Mapping[str, Any] = {
    "name": "answers",
    "builtin": "ingressErrors",
    "atLeast": "98%",
    "unacceptable": "60%",
}
LATENCY: Mapping[str, Any] = {
    "name": "latency",
    "builtin": "latency",
    "below": "500ms",
    "atLeast": "90%",
    "unacceptable": "50%",
}
OPT_IN = {"header": "X-Gray-Enable", "value": "true", "cookie": "gray"}


class Scene:
    """One test's view of the cluster."""

    def __init__(self, cluster: installation.Reachable, kube: Kube, web: str, *, mark: str) -> None:
        """Look at `cluster`; `mark` makes this test's release differ from all others."""
        self.cluster = cluster
        self.kube = kube
        self.page = Question(f"{web}/healthz")
        self._blur = Question(f"{web}/api/v1/blur")
        self._mark = hashlib.sha256(mark.encode()).hexdigest()[:8]
        self._weights: tuple[int, ...] = ()

    # Releases

    def release(
        self,
        *weights: int,
        hold: str = FOR_EVER,
        image: str = installation.VERSION_GRAY,
        slos: Sequence[Mapping[str, Any]] = (ALWAYS_GOOD,),
        pods: tuple[int, int] = (1, 10),
        env: Mapping[str, str] | None = None,
        **more: object,
    ) -> None:
        """Apply a rollout with these steps, each held for `hold`, and this many gray pods.

        `more` are further fields of the specification.
        """
        self._weights = weights
        manifest = {
            "apiVersion": "faceblur.dev/v1alpha1",
            "kind": "FaceBlurRollout",
            "metadata": {"name": NAME, "namespace": self.kube.namespace},
            "spec": {
                "image": image,
                "container": "processor",
                "stable": {"deployment": installation.STABLE, "service": "face-blur-service"},
                "gray": {
                    "deployment": installation.GRAY,
                    "service": "face-blur-gray-service",
                    "replicas": {"min": pods[0], "max": pods[1]},
                    # The mark makes it another revision than what earlier tests left on stable.
                    "env": [
                        {"name": "ENABLE_GRAY_FEATURE", "value": "true"},
                        {"name": "RELEASE_MARK", "value": self._mark},
                        *({"name": name, "value": value} for name, value in (env or {}).items()),
                    ],
                },
                "traffic": {"ingresses": [installation.INGRESS], "optIn": OPT_IN},
                "steps": self._steps([hold] * len(weights)),
                "analysis": {"interval": "1s", "warmup": "1s", "slos": [dict(one) for one in slos]},
                "scaleDownDelay": "2s",
                **more,
            },
        }
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest))

    def let_go_on(self, passed: int) -> None:
        """End the holds of the first `passed` steps, so that the next one begins."""
        left = len(self._weights) - passed
        steps = self._steps([AT_ONCE] * passed + [FOR_EVER] * left)
        self.kube.patch_rollout(NAME, {"spec": {"steps": steps}})

    def delete_rollout(self) -> None:
        """Delete the rollout as a user does."""
        self.kubectl("delete", "rollout", NAME, "--ignore-not-found")

    def command(self, *words: str) -> str:
        """Run `kubectl faceblur` with these words, as a person who has it installed."""
        here = Path(sys.executable).parent
        done = subprocess.run(
            [str(tools.kubectl()), "faceblur", f"--namespace={self.kube.namespace}", *words],
            env={
                **os.environ,
                "KUBECONFIG": str(self.cluster.kubeconfig),
                "PATH": f"{here}:{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def decisions(self) -> list[dict[str, Any]]:
        """Return what was decided so far, without the holds."""
        status = (self.kube.rollout(NAME) or {}).get("status") or {}
        return [one for one in status.get("decisions") or () if one["action"] != "hold"]

    def now(self) -> Sighting:
        """Return what the rollout says of itself."""
        found = self.kube.rollout(NAME)
        return sighting(found or {"metadata": {"generation": 0}}, 0.0)

    def waits_at(self, weight: int, *, within: Patience = GRAY_IS_READY) -> None:
        """Wait until the weight is set and clients are dealt out by it."""
        self.reaches_weight(weight, within=within)
        eventually(
            lambda: share_of(self.ask(100)).percent,
            lambda percent: abs(percent - weight) <= 2,
            within=TRAFFIC_FOLLOWS,
            what=f"clients see about {weight} %",
        )

    def reaches_weight(self, weight: int, *, within: Patience) -> Sighting:
        """Wait until the rollout says that it set the weight."""
        return eventually(
            self.now, lambda one: one.weight == weight, within=within, what=f"weight {weight}"
        )

    def reaches(self, phase: str, *, within: Patience) -> Sighting:
        """Wait until the rollout is in the phase."""
        return eventually(
            self.now, lambda one: one.phase == phase, within=within, what=f"phase {phase}"
        )

    def stays_at(self, weight: int, *, during: Patience = A_WHILE) -> None:
        """Require that a release of two steps stays at its first, with this weight, for a while."""
        consistently(
            self.now,
            lambda one: (one.phase, one.step, one.weight) == ("Progressing", "1/2", weight),
            during=during,
            what=f"the release stays at {weight} %",
        )

    def everybody_is_on_stable(self) -> None:
        """Wait until no client gets gray any more."""
        eventually(
            lambda: share_of(self.ask(100)),
            lambda share: share == Share(0, 100),
            within=TRAFFIC_FOLLOWS,
            what="all clients are on stable",
        )

    # Clients

    def ask(self, count: int, **headers: str) -> list[Answer]:
        """Ask for something light, `count` times."""
        return burst(self.page.with_headers(**headers), count=count, together=16)

    def clients(self, *, rate: float = 40) -> Load:
        """Return clients that ask for something light at a steady rate."""
        return Load(self.page, rate=rate)

    def photographers(self, *, rate: float = 6) -> Load:
        """Return clients that have photos blurred at a steady rate."""
        pictures = small_photos()
        return Load(Question(self._blur.url, bodies=pictures), rate=rate)

    # The cluster

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace of the product."""
        return self.cluster.kubectl(f"-n={self.kube.namespace}", *arguments, stdin=stdin)

    def gray_objects(self) -> list[str]:
        """Return what there is of gray, as kind/name."""
        words = ("get", "deployment,service,ingress", "-o=name")
        return self.kubectl(*words, f"-l=faceblur.dev/rollout={NAME}").split()

    def gray_weight(self) -> str | None:
        """Return the weight on the gray Ingress, None when there is no gray Ingress."""
        base = f"/apis/networking.k8s.io/v1/namespaces/{self.kube.namespace}/ingresses"
        found = self.kube.get(f"{base}/{installation.GRAY_INGRESS}")
        if found is None:
            return None
        weight = found["metadata"]["annotations"].get("nginx.ingress.kubernetes.io/canary-weight")
        return str(weight)

    def deployment(self, name: str, namespace: str = installation.NAMESPACE) -> dict[str, Any]:
        """Return a Deployment; an empty one when there is none."""
        found = self.kube.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
        return found or {"spec": {"replicas": 0}, "status": {}}

    def leader(self) -> str:
        """Return who holds the Lease of the operators: a pod, and which life of it."""
        namespace, name = installation.OPERATOR_NAMESPACE, installation.OPERATOR
        path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
        found = self.kube.get(path) or {"spec": {}}
        return str(found["spec"].get("holderIdentity") or "")

    def leading_pod(self) -> str:
        """Return the name of the operator pod that leads."""
        return self.leader().partition("_")[0]

    def operator_pods(self) -> list[str]:
        """Return the names of the operator's pods."""
        words = ("get", "pods", f"-n={installation.OPERATOR_NAMESPACE}", "-o=name")
        return self.cluster.kubectl(*words).split()

    def kill(self, *pods: str) -> None:
        """Kill operator pods without a chance to finish anything."""
        self.cluster.kubectl(
            *("delete", *pods, f"-n={installation.OPERATOR_NAMESPACE}"),
            *("--force", "--grace-period=0"),
        )

    def scale(self, name: str, namespace: str, replicas: int) -> None:
        """Scale a Deployment and wait until it is so."""
        self.cluster.kubectl(
            *("scale", f"deployment/{name}", f"-n={namespace}", f"--replicas={replicas}")
        )
        eventually(
            lambda: self.deployment(name, namespace)["status"].get("readyReplicas", 0),
            lambda ready: ready == replicas,
            within=SCALED,
            what=f"{name} has {replicas} ready pods",
        )

    @contextlib.contextmanager
    def without_prometheus(self) -> Iterator[None]:
        """Take Prometheus away for the length of the block."""
        self.scale("prometheus", "monitoring", 0)
        try:
            yield
        finally:
            self.scale("prometheus", "monitoring", 1)

    def clear(self) -> None:
        """Leave the cluster as the next test wants it: no release, the operator whole."""
        self.delete_rollout()
        eventually(
            self.gray_objects, lambda left: not left, within=GARBAGE_IS_GONE, what="gray is gone"
        )
        for name, namespace in (
            (installation.OPERATOR, installation.OPERATOR_NAMESPACE),
            (installation.STABLE, installation.NAMESPACE),
        ):
            eventually(
                lambda: self.deployment(name, namespace),  # noqa: B023 - read at once, in this turn
                lambda found: (
                    found["status"].get("readyReplicas") == found["spec"]["replicas"]
                    and found["status"].get("replicas") == found["spec"]["replicas"]
                ),
                within=SCALED,
                what=f"{name} is whole",
            )

    def _steps(self, holds: Sequence[str]) -> list[dict[str, object]]:
        return [
            {"weight": weight, "hold": hold}
            for weight, hold in zip(self._weights, holds, strict=True)
        ]
