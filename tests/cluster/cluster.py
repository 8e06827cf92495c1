"""The cluster as its users see it: start or find one, reach it, load images, stop it."""

import json
import os
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cluster import debs, lifecycle, paths, platform
from tests.cluster.current import CurrentCluster
from tests.cluster.errors import ClusterError
from tests.cluster.images import archives
from tests.cluster.kubectl import kubectl
from tests.cluster.layout import Layout

_STOP_SECONDS = 180


@dataclass
class Cluster:
    """A running cluster; as a context manager it is stopped at the end of the block.

    Attributes:
        name: The name, unique in this cache.
        kubeconfig: Reaches the API from this machine, as administrator.
        nodes: Whether it has a node that runs pods.
    """

    name: str
    kubeconfig: Path
    nodes: bool
    _init: int
    _lifeline: int | None = None
    _supervisor: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        name: str = "faceblur",
        *,
        images: Sequence[str] = (),
        nodes: bool = True,
        detached: bool = False,
        port: int = 0,
    ) -> Self:
        """Start a cluster and return when it is ready for pods.

        Args:
            name: Lower-case letters, digits and dashes; clusters of other names run beside it.
            images: Names from `images.names()`, built when needed and loaded.
            nodes: False starts the control plane alone: no root needed, pods stay Pending.
            detached: True lets the cluster outlive this process.
            port: The API's port on 127.0.0.1; 0 takes a free one.

        Raises:
            ClusterError: when it does not come up; the message says why.
        """
        wanted = archives(images) if nodes else []
        layout = lifecycle.new_layout(name, nodes=nodes, port=port)
        with lifecycle.lock(name) as held:
            lifecycle.sweep(name)
            layout.folder.mkdir(parents=True)
            layout.save()
            process, lifeline = lifecycle.supervise(layout, held, detached=detached)
        try:
            facts = lifecycle.wait_ready(layout, process)
            cluster = cls(
                name=name,
                kubeconfig=layout.folder / "kubeconfig",
                nodes=nodes,
                _init=facts["init"],
                _lifeline=lifeline,
                _supervisor=process,
            )
            if nodes:
                platform.install_dns(cluster)
            for archive in wanted:
                cluster.load_image(archive)
        except BaseException:
            lifecycle.end(process, lifeline)
            raise
        return cluster

    @classmethod
    def attach(cls, name: str = "faceblur") -> Self:
        """Return the cluster `name` that another process started."""
        folder = paths.state_dir(name)
        if not (folder / "ready").exists():
            raise ClusterError(f"no cluster {name} is running: `make cluster-up` starts one")
        layout, facts = Layout.load(folder), lifecycle.read_facts(folder)
        return cls(
            name=name,
            kubeconfig=layout.folder / "kubeconfig",
            nodes=layout.nodes,
            _init=facts["init"],
        )

    @classmethod
    def named(cls, name: str) -> Self:
        """Return a handle to stop the cluster `name` with, whatever state it is in."""
        return cls(name=name, kubeconfig=paths.state_dir(name) / "kubeconfig", nodes=True, _init=0)

    @staticmethod
    def current() -> CurrentCluster:
        """Return the cluster that the user's kubeconfig points at, with the same methods."""
        return CurrentCluster.from_kubeconfig()

    @staticmethod
    def running() -> list[str]:
        """Return the names of the clusters that run now, and sweep up what dead ones left."""
        folder = paths.cache() / "clusters"
        names = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
        alive = []
        for name in names:
            try:
                with lifecycle.lock(name):
                    lifecycle.sweep(name)
            except ClusterError:
                alive.append(name)
        return alive

    def exec(
        self, command: Sequence[str], *, timeout: float = 120, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of this machine inside the cluster's network, with its kubeconfig.

        Pod, service and API addresses are reachable there; the files are the machine's.
        """
        folder = paths.state_dir(self.name)
        enter = ["nsenter", "--target", str(self._init), "--net"] if self.nodes else []
        return subprocess.run(
            [*enter, *command],
            env={**os.environ, "KUBECONFIG": str(folder / "admin.kubeconfig")},
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl against the cluster and return what it printed.

        Raises:
            ClusterError: with kubectl's own words when it fails.
        """
        return kubectl(self.kubeconfig, arguments, stdin=stdin, timeout=timeout)

    def load_image(self, archive: Path) -> None:
        """Import an image archive (docker or OCI format) into the node's containerd."""
        if not self.nodes:
            raise ClusterError(f"cluster {self.name} is a control plane alone: it runs no images")
        root = debs.node_root()
        enter = ["nsenter", "--target", str(self._init), "--mount", "--net", "--pid"]
        address = ["--address", "/run/containerd/containerd.sock", "--namespace", "k8s.io"]
        with archive.open("rb") as file:
            done = subprocess.run(
                [*enter, "ctr", *address, "images", "import", "-"],
                env=debs.environment(root),
                stdin=file,
                capture_output=True,
                check=False,
            )
        if done.returncode != 0:
            message = done.stderr.decode(errors="replace").strip()
            raise ClusterError(f"containerd did not take {archive}: {message}")

    def forward(self, host: str, port: int) -> int:
        """Return a port of 127.0.0.1 that leads to host:port inside the cluster.

        It stays open as long as the cluster runs, also after this process ended.
        """
        folder = os.open(paths.state_dir(self.name), os.O_PATH)
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(f"/proc/self/fd/{folder}/control")
                client.sendall(json.dumps([host, port]).encode() + b"\n")
                return int(client.makefile().readline())
        finally:
            os.close(folder)

    def install_platform(self, *parts: str) -> None:
        """Load and start Traefik, Prometheus and Redis, or only the named parts of these."""
        platform.install_platform(self, *parts)

    def stop(self) -> None:
        """End the cluster and everything that it left on the machine.  Twice does nothing."""
        if self._supervisor is not None:
            lifecycle.end(self._supervisor, self._lifeline)
            self._lifeline = None
            return
        lifecycle.terminate(paths.state_dir(self.name), _STOP_SECONDS)
        with lifecycle.lock(self.name, seconds=_STOP_SECONDS):
            lifecycle.sweep(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
