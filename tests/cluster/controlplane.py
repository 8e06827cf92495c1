"""etcd, the API server, the controller manager and the scheduler: their flags and their start.

Used inside the node's namespaces and, for a control plane alone, on the machine's loopback.
The state is thrown away with the run, so nothing gets a graceful end: with etcd gone the API
server would take a minute over one.
"""

import http.client
import json
import os
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.errors import ClusterError
from tests.cluster.layout import SERVICES, replace_text
from tests.cluster.pki import USERS, Pki


@dataclass
class Parts:
    """The running programs of a cluster, each with a log of its own."""

    logs: Path
    env: Mapping[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start one program; it dies with the process that called this."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ended(self) -> str | None:
        """Return the name of a program that ended, or None."""
        for name, process in self.running.items():
            if process.poll() is not None:
                return name
        return None

    def require_running(self) -> None:
        """Raise when a program ended, with the end of its log."""
        if name := self.ended():
            tail = (self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-8:]
            raise ClusterError(f"{name} ended by itself:\n  " + "\n  ".join(tail))

    def kill(self) -> None:
        """End every program at once."""
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.wait()


@dataclass(frozen=True)
class ControlPlane:
    """Where one control plane listens and keeps its state."""

    folder: Path
    kubenode: str
    address: str
    advertise: str
    port: int
    ports: tuple[int, int, int, int]

    @property
    def url(self) -> str:
        """Return the API server's address."""
        return f"https://{self.address}:{self.port}"

    def prepare(self, pki: Pki, node: str) -> None:
        """Make the certificates and the kubeconfigs of the parts."""
        pki.create(self.address, node)
        for user in [*USERS, "kubelet"]:
            replace_text(self.folder / f"{user}.kubeconfig", pki.kubeconfig(user, self.url))

    def start(self, parts: Parts) -> None:
        """Start the four programs."""
        etcd, peer, manager, scheduler = self.ports
        parts.start("etcd", [self.kubenode, "etcd", *self._etcd(etcd, peer)])
        parts.start("kube-apiserver", [self.kubenode, "kube-apiserver", *self._api_server(etcd)])
        for name, flags in (
            ("kube-controller-manager", self._manager(manager)),
            ("kube-scheduler", self._scheduler(scheduler)),
        ):
            parts.start(name, [self.kubenode, name, *flags])

    def get(self, path: str) -> Any:  # the API's own JSON, looked into by the caller
        """Return the API's answer, or None while it does not answer with success."""
        pki = self.folder / "pki"
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        client = http.client.HTTPSConnection(self.address, self.port, timeout=2, context=context)
        try:
            client.request("GET", path)
            answer = client.getresponse()
            body = answer.read()
        except OSError:
            return None
        finally:
            client.close()
        if answer.status != http.client.OK:
            return None
        return json.loads(body) if body[:1] in (b"{", b"[") else body.decode()

    def wait_ready(self, parts: Parts, seconds: float = 90) -> None:
        """Wait until the API server says that it is ready."""
        end = time.monotonic() + seconds
        while self.get("/readyz") is None:
            parts.require_running()
            if time.monotonic() > end:
                raise ClusterError(f"the API server was not ready within {seconds:.0f} s")
            time.sleep(0.1)

    def _etcd(self, port: int, peer: int) -> list[str]:
        client, peers = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
        return [
            f"--data-dir={self.folder}/etcd",
            *("--name=default", "--unsafe-no-fsync", "--log-level=warn"),
            *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
            *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"),
            f"--initial-cluster=default={peers}",
        ]

    def _api_server(self, etcd: int) -> list[str]:
        pki = self.folder / "pki"
        alone = self.advertise != self.address
        return [
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            f"--bind-address={self.address}",
            f"--secure-port={self.port}",
            f"--advertise-address={self.advertise}",
            f"--endpoint-reconciler-type={'none' if alone else 'lease'}",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--client-ca-file={pki}/ca.crt",
            f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
            f"--kubelet-certificate-authority={pki}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
            f"--service-account-key-file={pki}/sa.pub",
            f"--service-account-signing-key-file={pki}/sa.key",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
            f"--proxy-client-key-file={pki}/front-proxy-client.key",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--service-cluster-ip-range={SERVICES}",
            "--profiling=false",
        ]

    def _manager(self, port: int) -> list[str]:
        pki = self.folder / "pki"
        return [
            *self._client("kube-controller-manager", port),
            "--use-service-account-credentials",
            f"--root-ca-file={pki}/ca.crt",
            f"--service-account-private-key-file={pki}/sa.key",
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key",
            f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
            "--allocate-node-cidrs=true",
            "--cluster-cidr=10.244.0.0/16",
            f"--service-cluster-ip-range={SERVICES}",
            "--cluster-name=faceblur",
            "--node-monitor-grace-period=40s",
        ]

    def _scheduler(self, port: int) -> list[str]:
        return self._client("kube-scheduler", port)

    def _client(self, user: str, port: int) -> list[str]:
        config = self.folder / f"{user}.kubeconfig"
        return [
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            "--leader-elect=false",
            "--profiling=false",
        ]


def own_environment() -> dict[str, str]:
    """Return the environment for programs that need nothing unpacked."""
    return dict(os.environ)
