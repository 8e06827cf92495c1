"""The place of the rollback benchmark: a cluster with the service, and one operator process.

The operator runs on this machine, against the cluster's API server, so that it can be given a
scripted Prometheus on the loopback; Traefik, the pods and the real Prometheus are in the cluster.
"""

import contextlib
import functools
import itertools
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kubernetes import client, config
from tests.benchmarks.rollback.witness import WITHIN, Witness
from tests.cluster import Cluster
from tests.support import installation
from tests.support.counted import Counted
from tests.support.eventually import eventually
from tests.support.fakes.http_prometheus import Reply, http_prometheus, keys_of, vector
from tests.support.in_memory import WEIGHT
from tests.support.installation import GRAY, INGRESS, NAMESPACE, STABLE
from tests.support.load import Question

GROUP = ("faceblur.dev", "v1alpha1", NAMESPACE, "faceblurrollouts")
NAME = "face-blur"
FIRST_WEIGHT = 30


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
        self._marks = itertools.count(1)
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
                label_selector="faceblur.dev/track=gray",
            ),
            _signal_of,
        )

    def close(self) -> None:
        """Stop looking."""
        for one in (self.weights, self.phases, self.pods):
            one.close()
        self._client.close()

    @contextlib.contextmanager
    def operator(self, prometheus: str) -> Iterator[None]:
        """Run the operator with a Prometheus until the block ends."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "FACEBLUR_OPERATOR_PROMETHEUS_URL": prometheus,
            "FACEBLUR_OPERATOR_NAMESPACES": NAMESPACE,
            "FACEBLUR_OPERATOR_PORT": str(port),
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

    def release(self, *, image: str, slo: Mapping[str, Any], **spec: Any) -> float:
        """Ask for a release that stays at 30 %; return when that was asked."""
        env = [{"name": "RELEASE_MARK", "value": f"{time.time_ns()}-{next(self._marks)}"}]
        spec = {
            "image": image,
            "container": "processor",
            "stable": {"deployment": STABLE, "service": "face-blur-service"},
            "gray": {
                "deployment": GRAY,
                "service": "face-blur-gray-service",
                "env": [*spec.pop("env", []), *env],
                "replicas": {"min": 1, "max": 1},
            },
            "traffic": {"ingresses": [INGRESS]},
            "steps": [{"weight": FIRST_WEIGHT, "hold": "1h"}, {"weight": 100}],
            "analysis": {"interval": "1s", "warmup": "0s", "slos": [dict(slo)]},
            "scaleDownDelay": "0s",
            **spec,
        }
        body = {
            "apiVersion": "faceblur.dev/v1alpha1",
            "kind": "FaceBlurRollout",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": spec,
        }
        begun = time.monotonic()
        self.custom.create_namespaced_custom_object(*GROUP, body)
        return begun

    def clear(self) -> None:
        """Delete the rollout and wait until nothing of it is left."""
        with contextlib.suppress(client.ApiException):
            self.custom.delete_namespaced_custom_object(*GROUP, NAME)
        left = ("get", f"deployment/{GRAY}", f"ingress/{INGRESS}-gray", "--ignore-not-found")
        pods = ("get", "pods", "-l=faceblur.dev/track=gray", "-o=name")
        eventually(
            lambda: self.kubectl(*left, "-o=name") + self.kubectl(*pods),
            lambda said: not said.strip(),
            within=WITHIN,
            what="nothing of the release is left",
            every_s=0.3,
        )

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the namespace."""
        return self.cluster.kubectl(f"--namespace={NAMESPACE}", *arguments)


@contextlib.contextmanager
def a_scene(folder: Path) -> Iterator[Scene]:
    """Start a cluster with the service in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with Cluster.start(f"bench-{os.getpid()}", images=installation.IMAGES) as cluster:
        cluster.install_platform()
        cluster.kubectl("apply", "--server-side", "-f", str(installation.REPO / "crds"))
        installation.install_service(cluster)
        scene = Scene(cluster, folder)
        try:
            yield scene
        finally:
            scene.close()


@contextlib.contextmanager
def scripted(scene: Scene) -> Iterator[None]:
    """Run the operator with the scripted Prometheus."""
    with (
        http_prometheus(lambda query: scene.script.reply(query)) as server,
        scene.operator(server.url),
    ):
        yield


def real_prometheus(scene: Scene) -> str:
    """Return the address of the cluster's Prometheus, as this machine reaches it."""
    read = ("get", "service", "prometheus", "-n=monitoring", "-o=jsonpath={.spec.clusterIP}")
    return f"http://127.0.0.1:{scene.cluster.forward(scene.cluster.kubectl(*read).strip(), 9090)}"


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
