"""The place of the rollback benchmark: a cluster with the service, and one operator process.

The operator runs on this machine, against the cluster's API server, so that it can be given a
scripted Prometheus on the loopback; Traefik, the pods and the real Prometheus are in the cluster.
"""

import contextlib
import copy
import functools
import itertools
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kubernetes import client, config
from tests.benchmarks.rollback.witness import WITHIN, Witness
from tests.cluster import Cluster, ClusterError
from tests.support import installation
from tests.support.counted import Counted
from tests.support.eventually import eventually
from tests.support.fakes.http_prometheus import Reply, http_prometheus, keys_of, vector
from tests.support.in_memory import WEIGHT
from tests.support.installation import (
    GRAY,
    INGRESS,
    NAMESPACE,
    STABLE,
    VERSION_GRAY,
    VERSION_STABLE,
)
from tests.support.load import Question

from faceblur_operator.core.commands import ANNOTATION

Json = Mapping[str, Any]
GROUP = ("faceblur.dev", "v1alpha1", NAMESPACE, "faceblurrollouts")
NAME = "face-blur"
FIRST_WEIGHT = 30
GOLDEN = 0.6180339887
GRAY_PODS = "-l=faceblur.dev/track=gray"


class Script:
    """A Prometheus that counts 200 requests a second on each side."""

    def __init__(self) -> None:
        self.counted = Counted(time.monotonic)

    def reply(self, query: str) -> Reply:
        """Answer a batched query."""
        series = []
        for key in keys_of(query):
            _, side, what = key.split(":")
            labels = {"pod": f"{side}-1", "faceblur_query": key}
            series.append((labels, str(self.counted(side, what))))
        return vector(*series)


class Scene:
    """What a run does and sees."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        """Look at a cluster in which the service is installed; logs go to `folder`."""
        self.cluster = cluster
        self.web = installation.web_url(cluster)
        self.page = Question(f"{self.web}/healthz")
        self.script = Script()
        self._folder = folder
        self._standing: tuple[Any, ...] | None = None
        self._marks = itertools.count(1)
        self._phases = itertools.count()
        # Any: the client's models take plain dictionaries too, which its types do not say.
        connect: Any = config.new_client_from_config
        self._client: Any = connect(str(cluster.kubeconfig))
        self.custom: Any = client.CustomObjectsApi(self._client)
        self.core: Any = client.CoreV1Api(self._client)
        ingresses = ("networking.k8s.io", "v1", NAMESPACE, "ingresses")
        self.weights = Witness(
            functools.partial(self.custom.list_namespaced_custom_object, *ingresses), _weight_of
        )
        self.phases = Witness(
            functools.partial(self.custom.list_namespaced_custom_object, *GROUP), _phase_of
        )
        self.pods = Witness(
            functools.partial(
                self.core.list_namespaced_pod,
                NAMESPACE,
                label_selector=GRAY_PODS.removeprefix("-l="),
            ),
            _signal_of,
        )

    def close(self) -> None:
        """Stop looking."""
        for one in (self.weights, self.phases, self.pods):
            one.close()
        self._client.close()

    @contextlib.contextmanager
    def judged_every(self, scrape_s: int | None) -> Iterator[None]:
        """Run the operator: asking the scripted Prometheus, or the real one, scraping so often."""
        if scrape_s is None:
            with (
                http_prometheus(lambda query: self.script.reply(query)) as server,
                self._operator(server.url),
            ):
                yield
            return
        self._scrape_every(scrape_s)
        with self._operator(_real_prometheus(self.cluster)):
            yield

    @contextlib.contextmanager
    def _operator(self, prometheus: str) -> Iterator[None]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "FACEBLUR_OPERATOR_PROMETHEUS_URL": prometheus,
            "FACEBLUR_OPERATOR_NAMESPACES": NAMESPACE,
            "FACEBLUR_OPERATOR_PORT": str(port),
            # After weight 0, so no figure depends on it; the next run need not wait.
            "FACEBLUR_OPERATOR_DRAIN": "1",
            "POD_NAME": "bench",
            "POD_NAMESPACE": NAMESPACE,
        }
        with (self._folder / "operator.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "faceblur_operator"], env=environment, stderr=log
            )
        try:
            url = f"http://127.0.0.1:{port}/readyz"
            eventually(lambda: _read(url), bool, within=WITHIN, what="the operator is ready")
            yield
        finally:
            process.terminate()
            process.wait(20)

    def release(
        self, *, image: str, slo: Mapping[str, Any], env: Sequence[Json] = (), **spec: Any
    ) -> float:
        """Ask for a release that stays at 30 %; return when that was asked.

        The same one as before, where that was rolled back and left standing, is tried again.
        """
        asked = (image, dict(slo), list(env), spec)
        if asked == self._standing:
            self.reaches("RolledBack")
            return self._annotate("retry")
        self._standing = asked
        body = {
            "apiVersion": "faceblur.dev/v1alpha1",
            "kind": "FaceBlurRollout",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": _spec(image, slo, [*env, self._mark()]) | spec,
        }
        begun = time.monotonic()
        self.custom.create_namespaced_custom_object(*GROUP, body)
        return begun

    def next_phase(self) -> float:
        """Return a part of a second, evenly spread over the runs: by chance alone, few are not."""
        return next(self._phases) * GOLDEN % 1

    def reaches(self, phase: str) -> None:
        """Wait until the rollout is in a phase."""
        eventually(
            lambda: self.custom.get_namespaced_custom_object(*GROUP, NAME),
            lambda found: (found.get("status") or {}).get("phase") == phase,
            within=WITHIN,
            what=f"phase {phase}",
        )

    def stop_serving(self) -> None:
        """Ask gray's pods to end: they serve on for a while, and say that they are not ready."""
        pods = self.kubectl("get", "pods", GRAY_PODS, "-o=name").split()
        for pod in pods:
            self.kubectl("exec", pod, "--", "python", "-c", "import os; os.kill(1, 15)")

    def add_gray_that_is_never_ready(self) -> None:
        """Let there be a gray Deployment of the user's own whose readiness is asked in vain."""
        stable = json.loads(self.kubectl("get", f"deployment/{STABLE}", "-o=json"))
        template = copy.deepcopy(stable["spec"]["template"])
        labels = {"app": "never-ready", "faceblur.dev/track": "gray"}
        template["metadata"]["labels"] = labels
        for container in template["spec"]["containers"]:
            # No start-up probe: it would end the container before it could be called unready.
            container.pop("startupProbe", None)
            container["readinessProbe"] = {"httpGet": {"path": "/none", "port": "http"}}
        manifest = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": GRAY},
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
        }
        self.cluster.kubectl(f"-n={NAMESPACE}", "apply", "-f", "-", stdin=json.dumps(manifest))

    def clear(self) -> None:
        """Delete the rollout and wait until nothing of it is left."""
        self._standing = None
        with contextlib.suppress(client.ApiException):
            self.custom.delete_namespaced_custom_object(*GROUP, NAME)
        # At once: how pods end is not what is measured.
        at_once = ("--force", "--grace-period=0", "--ignore-not-found")

        def left() -> str:
            self.kubectl("delete", f"deployment/{GRAY}", "--ignore-not-found", "--wait=false")
            self.kubectl("delete", "pods", GRAY_PODS, *at_once)
            objects = ("get", f"deployment/{GRAY}", f"ingress/{INGRESS}-gray", "--ignore-not-found")
            pods = ("get", "pods", GRAY_PODS, "-o=name")
            return self.kubectl(*objects, "-o=name") + self.kubectl(*pods)

        eventually(
            left,
            lambda said: not said.strip(),
            within=WITHIN,
            what="nothing of the release is left",
            every_s=0.3,
        )

    def _annotate(self, command: str) -> float:
        text = f'{{"verb": "{command}", "id": "{next(self._marks)}"}}'
        body = {"metadata": {"annotations": {ANNOTATION: text}}}
        begun = time.monotonic()
        self.custom.patch_namespaced_custom_object(*GROUP, NAME, body)
        return begun

    def _mark(self) -> Json:
        # Another revision than any before, so that each release is one.
        return {"name": "RELEASE_MARK", "value": f"{time.time_ns()}-{next(self._marks)}"}

    def _scrape_every(self, seconds: int) -> None:
        """Let Prometheus scrape the pods so often, with an empty memory."""
        name = ("configmap/prometheus", "-n=monitoring")
        found = json.loads(self.cluster.kubectl("get", *name, "-o=json"))
        head, _, rest = found["data"]["prometheus.yml"].partition("\n")
        if not head.startswith("global: {scrape_interval: "):
            raise ClusterError(f"prometheus.yml begins with {head!r}, wanted the scrape interval")
        wanted = f"global: {{scrape_interval: {seconds}s, scrape_timeout: 1s}}"
        if head == wanted:
            return
        patch = {"data": {"prometheus.yml": f"{wanted}\n{rest}"}}
        self.cluster.kubectl("patch", *name, "--type=merge", f"--patch={json.dumps(patch)}")
        deployment = ("deployment/prometheus", "-n=monitoring")
        self.cluster.kubectl("rollout", "restart", *deployment)
        self.cluster.kubectl("rollout", "status", *deployment, "--timeout=90s")

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the namespace."""
        return self.cluster.kubectl(f"--namespace={NAMESPACE}", *arguments)


@contextlib.contextmanager
def a_scene(folder: Path) -> Iterator[Scene]:
    """Start a cluster with the service in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with Cluster.start(f"bench-{os.getpid()}", images=(VERSION_STABLE, VERSION_GRAY)) as cluster:
        cluster.install_platform()
        cluster.kubectl("apply", "--server-side", "-f", str(installation.REPO / "crds"))
        installation.install_service(cluster)
        scene = Scene(cluster, folder)
        try:
            yield scene
        finally:
            scene.close()


def _real_prometheus(cluster: Cluster) -> str:
    """Return the address of the cluster's Prometheus, as this machine reaches it."""
    read = ("get", "service", "prometheus", "-n=monitoring", "-o=jsonpath={.spec.clusterIP}")
    return f"http://127.0.0.1:{cluster.forward(cluster.kubectl(*read).strip(), 9090)}"


def _spec(image: str, slo: Mapping[str, Any], env: Sequence[Json]) -> dict[str, Any]:
    return {
        "image": image,
        "container": "processor",
        "stable": {"deployment": STABLE, "service": "face-blur-service"},
        "gray": {
            "deployment": GRAY,
            "service": "face-blur-gray-service",
            "env": list(env),
            "replicas": {"min": 1, "max": 1},
        },
        "traffic": {"ingresses": [INGRESS]},
        "steps": [{"weight": FIRST_WEIGHT, "hold": "1h"}, {"weight": 100}],
        "analysis": {"interval": "1s", "warmup": "0s", "slos": [dict(slo)]},
        "scaleDownDelay": "0s",
    }


def _weight_of(item: Mapping[str, Any]) -> str | None:
    return (item["metadata"].get("annotations") or {}).get(WEIGHT)


def _phase_of(item: Mapping[str, Any]) -> str | None:
    return (item.get("status") or {}).get("phase")


def _signal_of(item: Mapping[str, Any]) -> str | None:
    """Return the trouble a pod shows, or whether it is ready."""
    status = item.get("status") or {}
    for one in status.get("containerStatuses") or []:
        waiting = ((one.get("state") or {}).get("waiting") or {}).get("reason")
        if waiting in ("ErrImagePull", "ImagePullBackOff"):
            # The first of them is the signal; a fast rollback leaves no time for the second.
            return "not pullable"
        if waiting and waiting != "ContainerCreating":
            return str(waiting)
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or []}
    return "ready" if conditions.get("Ready") == "True" else "unready"


def _read(url: str) -> str:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return str(answer.read().decode())
    return ""
