"""From nothing to a page that answers: cluster, images, what runs beside, the product."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.cluster import Cluster, ClusterError
from tests.cluster.images import archives
from tests.demo.terminal import Terminal
from tests.support import installation
from tests.support.answers import summary
from tests.support.eventually import Patience, eventually
from tests.support.load import Question, burst

NAME = "demo"
PAGE_ANSWERS = Patience("the page answers through the Ingress", 60)


class Home(installation.Reachable, Protocol):
    """A cluster that the demo can live in."""

    def install_platform(self) -> None:
        """Start Traefik, Prometheus and Redis."""

    def stop(self) -> None:
        """Give the cluster back."""


def is_foreign() -> bool:
    """Whether the demo runs in the cluster of the user's kubeconfig."""
    return os.environ.get("CLUSTER") == "current"


def is_kept() -> bool:
    """Whether everything stays up at the end."""
    return os.environ.get("KEEP", "") not in ("", "0")


def start(terminal: Terminal) -> Home:
    """Return a cluster that has the images."""
    if is_foreign():
        with terminal.stage("Your cluster"):
            return Cluster.current()
    if NAME in Cluster.running():
        raise ClusterError(
            f"a cluster {NAME} is still up, from KEEP=1 or another run: "
            f"`python -m tests.cluster down {NAME}` ends it"
        )
    with terminal.stage("Images, built from their Dockerfiles where something changed"):
        archives(installation.IMAGES)
    with terminal.stage("Kubernetes: etcd, API server, scheduler, kubelet, containerd, DNS"):
        return Cluster.start(NAME, images=installation.IMAGES, detached=is_kept())


def furnish(cluster: Home, terminal: Terminal) -> str:
    """Install everything and return the address of the page."""
    with terminal.stage("Traefik as ingress controller, Prometheus, Redis"):
        cluster.install_platform()
    with terminal.stage("helm upgrade --install faceblur-operator charts/faceblur-operator"):
        installation.install_operator(cluster)
    with terminal.stage("helm upgrade --install face-blur charts/faceblur (three pods of 1.0)"):
        installation.install_service(cluster)
    url = installation.web_url(cluster)
    with terminal.stage(f"The page at {url}"):
        eventually(
            _page(url), lambda said: said == "200", within=PAGE_ANSWERS, what="the page answers"
        )
    return url


def leave(cluster: Home, terminal: Terminal) -> None:
    """End the cluster, or take our things out of one that is not ours."""
    with terminal.stage("Cleaning up"):
        if is_foreign():
            cluster.kubectl(
                *("delete", "faceblurrollouts", "--all", f"-n={installation.NAMESPACE}"),
                "--ignore-not-found",
            )
            installation.uninstall(cluster)
        cluster.stop()


def farewell(cluster: Home, url: str | None) -> str:
    """Return what a person needs who goes on with the cluster."""
    lines = [
        "It is all still up (KEEP=1):",
        f"  page     {url or 'not reached yet'}",
        f"  kubectl  kubectl --kubeconfig={_short(cluster.kubeconfig)} "
        f"-n {installation.NAMESPACE} get rollout,pods,ingress",
    ]
    if not is_foreign():
        lines.append(f"  end it   .venv/bin/python -m tests.cluster down {NAME}")
    return "\n".join(lines)


def _page(url: str) -> Callable[[], str]:
    def read() -> str:
        answers = burst(Question(f"{url}/"), count=1)
        return "200" if answers[0].status == 200 else summary(answers)

    return read


def _short(path: Path) -> str:
    home = str(Path.home())
    return str(path).replace(home, "~", 1) if str(path).startswith(home + os.sep) else str(path)
