"""Operator processes on a real API server, hands for kubelets, and a scripted Prometheus.

Pods are never run: a thread marks them ready as a kubelet would, or unready on request.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from kubernetes import client, config
from tests.cluster import Cluster, ClusterError
from tests.support.counted import Counted
from tests.support.eventually import Patience, eventually
from tests.support.fakes.http_prometheus import Reply, http_prometheus, keys_of, vector
from tests.support.in_memory import WEIGHT, stable_objects
from tests.support.specs import a_resource

CRD = Path(__file__).resolve().parents[2] / "crds" / "faceblur.dev_faceblurrollouts.yaml"
GROUP, VERSION, PLURAL = "faceblur.dev", "v1alpha1", "faceblurrollouts"
MINUTE = Patience("a minute", 60)
READY = {"type": "Ready", "status": "True"}


@dataclass
class Counters:
    """What Prometheus says: requests that were counted since the start, on both sides.

    Attributes:
        counted: the counters.
        is_down: it answers 503.
    """

    counted: Counted = field(default_factory=lambda: Counted(monotonic))
    is_down: bool = False

    def reply(self, query: str) -> Reply:
        """Answer a batched query."""
        if self.is_down:
            return Reply(status=503)
        series = []
        for key in keys_of(query):
            _, side, what = key.split(":")
            value = str(self.counted(side, what))
            series.append(({"pod": f"{side}-1", "faceblur_query": key}, value))
        return vector(*series)


@dataclass
class Operator:
    """One operator process."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str) -> str:
        """Return what it serves, empty when it does not answer."""
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{self.port}{path}"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return str(answer.read().decode())
        return ""

    def metric(self, name: str) -> float:
        """Return the sum of the samples of one of its metrics, 0 without any."""
        lines = self.get("/metrics").splitlines()
        return sum(float(one.split()[-1]) for one in lines if one.startswith(name))

    @property
    def is_leading(self) -> bool:
        return self.metric("faceblur_operator_leader") == 1

    def kill(self) -> None:
        """End it without a chance to say good-bye."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """Ask it to end; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)


class Operation:
    """One namespace of a real API server, and the operators that serve it."""

    def __init__(self, kubeconfig: Path, namespace: str, folder: Path, prometheus: str) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = namespace
        self.folder = folder
        self.prometheus = prometheus
        self.counters = Counters()
        self.unready: set[str] = set()
        # Any: its models have every field optional, and it takes plain dictionaries too.
        connect: Any = config.new_client_from_config
        self._client = connect(str(kubeconfig))
        self.core: Any = client.CoreV1Api(self._client)
        self.apps: Any = client.AppsV1Api(self._client)
        self.net: Any = client.NetworkingV1Api(self._client)
        self.custom: Any = client.CustomObjectsApi(self._client)
        self._operators: list[Operator] = []
        self._stop = threading.Event()
        self._hands = threading.Thread(target=self._work, daemon=True)

    def open(self) -> None:
        """Create the namespace with the stable version in it, and begin to work."""
        self.core.create_namespace({"metadata": {"name": self.namespace}})
        deployment, service, ingress = stable_objects()
        for item in (deployment, service, ingress):
            item["metadata"]["namespace"] = self.namespace
        self.apps.create_namespaced_deployment(self.namespace, deployment)
        self.core.create_namespaced_service(self.namespace, service)
        self.net.create_namespaced_ingress(self.namespace, ingress)
        self._hands.start()
        eventually(
            lambda: self.apps.read_namespaced_deployment("face-blur-stable", self.namespace),
            lambda found: found.status.available_replicas == 3,
            within=MINUTE,
            what="stable is ready",
        )

    def close(self) -> None:
        """End everything that was started here."""
        for one in self._operators:
            if one.process.poll() is None:
                one.kill()
        self._stop.set()
        self._hands.join()
        self._client.close()

    def start_operator(self, name: str = "a", *, api_port: int | None = None) -> Operator:
        """Start a process and return when it is ready; it may reach the API by another port."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = self.folder / f"operator-{name}-{len(self._operators)}.log"
        environment = {
            **os.environ,
            "KUBECONFIG": str(self._kubeconfig_by(api_port)),
            "FACEBLUR_OPERATOR_PROMETHEUS_URL": self.prometheus,
            "FACEBLUR_OPERATOR_NAMESPACES": self.namespace,
            "FACEBLUR_OPERATOR_PORT": str(port),
            "FACEBLUR_OPERATOR_DRAIN": "1",
            "POD_NAME": name,
            "POD_NAMESPACE": self.namespace,
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "faceblur_operator"], env=environment, stderr=output
            )
        operator = Operator(process, port, log)
        self._operators.append(operator)
        eventually(
            lambda: operator.get("/readyz"),
            lambda text: text == "ready",
            within=MINUTE,
            what=f"operator {name} is ready",
        )
        return operator

    def _kubeconfig_by(self, port: int | None) -> Path:
        if port is None:
            return self.kubeconfig
        path = self.folder / f"kubeconfig-{port}"
        text = self.kubeconfig.read_text()
        path.write_text(text.replace(f"127.0.0.1:{self.api_port}", f"127.0.0.1:{port}"))
        return path

    @property
    def api_port(self) -> int:
        """The port of the API server on this machine."""
        return int(self._client.configuration.host.rpartition(":")[2])

    def release(self, spec: Mapping[str, Any]) -> None:
        """Create the rollout."""
        body = a_resource(dict(spec))
        self.custom.create_namespaced_custom_object(GROUP, VERSION, self.namespace, PLURAL, body)

    @property
    def status(self) -> dict[str, Any]:
        found = self.custom.get_namespaced_custom_object(
            GROUP, VERSION, self.namespace, PLURAL, "face-blur"
        )
        status: dict[str, Any] = found.get("status") or {}
        return status

    @property
    def weight(self) -> int:
        """The weight that an Ingress controller sees, 0 without a gray Ingress."""
        try:
            found = self.net.read_namespaced_ingress("face-blur-ingress-gray", self.namespace)
        except client.ApiException as err:
            if err.status == 404:
                return 0
            raise
        return int(found.metadata.annotations[WEIGHT])

    @property
    def stable_image(self) -> str:
        found = self.apps.read_namespaced_deployment("face-blur-stable", self.namespace)
        return str(found.spec.template.spec.containers[0].image)

    def told(self, reason: str) -> list[str]:
        """Return the messages of the events with this reason, oldest first."""
        events = self.core.list_namespaced_event(self.namespace).items
        return [one.message for one in events if one.reason == reason]

    def until_phase(self, phase: str, *, within: Patience = MINUTE) -> dict[str, Any]:
        """Wait for a phase and return the status."""
        return eventually(
            lambda: self.status,
            lambda status: status.get("phase") == phase,
            within=within,
            what=f"the rollout is {phase}",
        )

    def until_weight(self, weight: int, *, within: Patience = MINUTE) -> float:
        """Wait for a weight and return how many seconds that took."""
        begun = monotonic()
        eventually(
            lambda: self.weight,
            lambda found: found == weight,
            within=within,
            what=f"the weight is {weight}",
            every_s=0.02,
        )
        return monotonic() - begun

    def _work(self) -> None:
        """Do what kubelets do: make pods ready, or not."""
        while not self._stop.wait(0.1):
            with contextlib.suppress(client.ApiException):
                for pod in self.core.list_namespaced_pod(self.namespace).items:
                    self._attend(pod)

    def _attend(self, pod: Any) -> None:
        is_wanted = (pod.metadata.labels or {}).get("faceblur.dev/track") not in self.unready
        conditions = pod.status.conditions or []
        is_ready = any(one.type == "Ready" and one.status == "True" for one in conditions)
        if is_wanted == is_ready:
            return
        ready = READY if is_wanted else {**READY, "status": "False"}
        self.core.patch_namespaced_pod_status(
            pod.metadata.name,
            self.namespace,
            {"status": {"phase": "Running", "conditions": [ready]}},
        )


def install_crd(cluster: Cluster) -> None:
    """Make an API server know our resource, and wait until it serves it: "established" is early."""
    cluster.kubectl("apply", "--server-side", "-f", str(CRD))

    def served() -> str:
        try:
            return cluster.kubectl("get", "--raw", f"/apis/{GROUP}/{VERSION}/{PLURAL}")
        except ClusterError as err:
            return str(err)

    eventually(served, lambda said: said.startswith("{"), within=MINUTE, what="rollouts are served")


@contextlib.contextmanager
def an_operation(kubeconfig: Path, namespace: str, folder: Path) -> Iterator[Operation]:
    """Open a namespace with a scripted Prometheus beside it."""
    operations: list[Operation] = []
    with http_prometheus(lambda query: operations[0].counters.reply(query)) as server:
        operations.append(Operation(kubeconfig, namespace, folder, server.url))
        try:
            operations[0].open()
            yield operations[0]
        finally:
            operations[0].close()
