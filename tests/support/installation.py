"""Installs the product in a cluster as its users do: with real Helm, from the charts of this tree.

Used by the demo and the e2e tests; what runs beside it (Traefik, Prometheus, Redis) comes from
`Cluster.install_platform`.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.cluster import ClusterError, tools

REPO = Path(__file__).resolve().parents[2]
CHARTS = REPO / "charts"
NAMESPACE = "faceblur"
OPERATOR_NAMESPACE = "faceblur-system"
OPERATOR = "faceblur-operator"
SERVICE = "face-blur"
STABLE = "face-blur-stable"
GRAY = "face-blur-gray"
INGRESS = "face-blur-ingress"
GRAY_INGRESS = f"{INGRESS}-gray"
REDIS_URL = f"redis://redis.{NAMESPACE}:6379/0"
PROMETHEUS_URL = "http://prometheus.monitoring:9090"

VERSION_STABLE = "ai-face-blur:1.0"
VERSION_GRAY = "ai-face-blur:1.1-gray"
VERSION_BAD = "ai-face-blur:1.2-bad"
IMAGES = (VERSION_STABLE, VERSION_GRAY, VERSION_BAD, "faceblur-operator:0.1.0")

_HELM_S = 240
_WAIT = "150s"


class Reachable(Protocol):
    """The part of a cluster that installing needs."""

    @property
    def kubeconfig(self) -> Path:
        """Reaches the API from this machine."""

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl against the cluster."""

    def forward(self, host: str, port: int) -> int:
        """Return a port of 127.0.0.1 that leads to host:port inside the cluster."""


def install_operator(cluster: Reachable, values: Mapping[str, object] | None = None) -> None:
    """Install the operator, or upgrade it, and wait until both replicas are ready."""
    wanted: dict[str, object] = {"prometheus.url": PROMETHEUS_URL, **(values or {})}
    _install(cluster, OPERATOR, OPERATOR, OPERATOR_NAMESPACE, wanted)


def install_service(cluster: Reachable, values: Mapping[str, object] | None = None) -> None:
    """Install the face blur service, or upgrade it, and wait until it is ready."""
    wanted: dict[str, object] = {"redis.url": REDIS_URL, **(values or {})}
    _install(cluster, SERVICE, "faceblur", NAMESPACE, wanted)


def uninstall(cluster: Reachable) -> None:
    """Take both charts away again, for a cluster that goes on living."""
    for release, namespace in ((SERVICE, NAMESPACE), (OPERATOR, OPERATOR_NAMESPACE)):
        helm(cluster, "uninstall", release, f"--namespace={namespace}", "--ignore-not-found")


def helm(cluster: Reachable, *arguments: str) -> str:
    """Run Helm against the cluster and return what it printed.

    Raises:
        ClusterError: with Helm's own words when it fails.
    """
    done = subprocess.run(
        [str(tools.helm()), f"--kubeconfig={cluster.kubeconfig}", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_HELM_S,
        check=False,
    )
    if done.returncode != 0:
        raise ClusterError(f"helm {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def web_url(cluster: Reachable) -> str:
    """Return the address of the Ingress controller, as this machine reaches it."""
    read = ("get", "service", "traefik", "-n=traefik", "-o=jsonpath={.spec.clusterIP}")
    port = cluster.forward(cluster.kubectl(*read).strip(), 80)
    return f"http://127.0.0.1:{port}"


def _install(
    cluster: Reachable, release: str, chart: str, namespace: str, values: Mapping[str, object]
) -> None:
    helm(
        cluster,
        *("upgrade", "--install", release, str(CHARTS / chart)),
        *(f"--namespace={namespace}", "--create-namespace", "--wait", f"--timeout={_WAIT}"),
        *(f"--set={name}={value}" for name, value in values.items()),
    )
