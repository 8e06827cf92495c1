"""What runs in the cluster beside the product: DNS, ingress controller, Prometheus, Redis."""

from pathlib import Path
from typing import Protocol

from tests.cluster import paths
from tests.cluster.images import archives

_PLATFORM = (
    ("traefik", "traefik", "traefik:3.7"),
    ("prometheus", "monitoring", "prometheus:3"),
    ("redis", "faceblur", "redis:7"),
)
PARTS = tuple(name for name, _, _ in _PLATFORM)


class Installable(Protocol):
    """The part of a cluster that installing needs."""

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl against the cluster."""

    def load_image(self, archive: Path) -> None:
        """Import an image archive."""


def install_dns(cluster: Installable) -> None:
    """Start CoreDNS, whose image the node has already, and wait until it answers."""
    _apply(cluster, "coredns")
    _wait(cluster, "coredns", "kube-system")


def install_platform(cluster: Installable, *wanted: str, load: bool = True) -> None:
    """Start parts of the platform, all when none is named, and wait until they are ready.

    Args:
        cluster: Where to.
        wanted: Some of traefik, prometheus and redis.
        load: False when the cluster has the images already.
    """
    parts = [part for part in _PLATFORM if part[0] in (wanted or PARTS)]
    if load:
        for archive in archives([image for _, _, image in parts]):
            cluster.load_image(archive)
    for name, _, _ in parts:
        _apply(cluster, name)
    for name, namespace, _ in parts:
        _wait(cluster, name, namespace)


def _apply(cluster: Installable, name: str) -> None:
    cluster.kubectl("apply", "-f", str(paths.MANIFESTS / f"{name}.yaml"))


def _wait(cluster: Installable, name: str, namespace: str) -> None:
    cluster.kubectl("rollout", "status", f"deployment/{name}", f"-n={namespace}", "--timeout=90s")
