"""The cluster of the user's kubeconfig (kind, k3d, a cloud), with the methods of `Cluster`."""

import contextlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cluster import platform, tools
from tests.cluster.errors import ClusterError
from tests.cluster.kubectl import kubectl


@dataclass
class CurrentCluster:
    """A cluster that is not ours: used as it is, never stopped."""

    name: str
    kubeconfig: Path
    nodes: bool = True
    _forwards: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def from_kubeconfig(cls) -> Self:
        """Find the user's kubeconfig and check that its cluster answers."""
        named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        path = Path(named) if named else Path.home() / ".kube" / "config"
        if not path.exists():
            raise ClusterError(f"CLUSTER=current needs a kubeconfig, and {path} does not exist")
        cluster = cls(name="current", kubeconfig=path)
        cluster.kubectl("version", "--request-timeout=10s")
        return cluster

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl against the cluster and return what it printed."""
        return kubectl(self.kubeconfig, arguments, stdin=stdin, timeout=timeout)

    def exec(
        self, command: Sequence[str], *, timeout: float = 120, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command here, with the cluster's kubeconfig; the network is this machine's."""
        return subprocess.run(
            list(command),
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def load_image(self, archive: Path) -> None:
        """Refuse: how images reach a foreign cluster depends on its kind."""
        raise ClusterError(
            f"the cluster is yours, so load {archive} yourself: `kind load image-archive {archive}`"
            f", `k3d image import {archive}`, or push it to a registry that the cluster reads"
        )

    def forward(self, host: str, port: int) -> int:
        """Return a port of 127.0.0.1 that leads to a Service, named or by its cluster address."""
        namespace, service = self._service(host)
        process = subprocess.Popen(
            [
                *(str(tools.kubectl()), f"--kubeconfig={self.kubeconfig}", "port-forward"),
                *(f"--namespace={namespace}", f"service/{service}", f":{port}"),
            ],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self._forwards.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()  # Forwarding from 127.0.0.1:40123 -> 8000
        if "127.0.0.1:" not in line:
            raise ClusterError(f"kubectl port-forward to {host}:{port} did not start: {line!r}")
        return int(line.partition("127.0.0.1:")[2].split()[0])

    def _service(self, host: str) -> tuple[str, str]:
        lines = self.kubectl(
            *("get", "services", "-A", "--no-headers", "-o"),
            "custom-columns=N:.metadata.namespace,S:.metadata.name,IP:.spec.clusterIP",
        ).splitlines()
        for namespace, service, address in (line.split() for line in lines):
            if host == address or host.split(".")[:2] == [service, namespace]:
                return namespace, service
        raise ClusterError(f"no Service has the address or the name {host} (name.namespace)")

    def install_platform(self, *parts: str) -> None:
        """Start the platform, or the named parts; the images must be in the cluster already."""
        platform.install_platform(self, *parts, load=False)

    def stop(self) -> None:
        """End the forwards; the cluster itself is left alone."""
        while self._forwards:
            process = self._forwards.pop()
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            if process.stdout is not None:
                process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
