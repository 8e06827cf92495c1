"""The first process inside a node's namespaces: sets them up, starts the parts, reaps orphans.

Started by the supervisor as `unshare ... python -m tests.cluster.node STATE`; when it ends, the
kernel ends everything in the node with it.
"""

import os
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.cluster import debs, node_files
from tests.cluster.controlplane import ControlPlane, Parts
from tests.cluster.errors import ClusterError
from tests.cluster.layout import (
    API_PORT,
    INSIDE,
    NODE,
    NODE_ADDRESS,
    PODS,
    SERVICES,
    Layout,
    replace_text,
)
from tests.cluster.pki import Pki

_START_SECONDS = 120
# Image layers kept in memory are loaded in half the time and gone at once with the node, where a
# disk that discards takes a minute; the platform and the product need 4 GiB of them.
_LAYERS_GIB = 8
_PLENTY_GIB = 14


def main(folder: Path) -> None:
    """Bring the node up, say so in its state directory, and stay until a part ends."""
    try:
        layout = Layout.load(folder)
        parts = _bring_up(layout)
    except Exception:  # noqa: BLE001 - the outermost place: the supervisor reports what it was
        replace_text(folder / "node-failed", traceback.format_exc(limit=-3))
        sys.exit(1)
    replace_text(folder / "node-ready", "")
    replace_text(folder / "node-failed", f"{_reap_until_a_part_ends(parts)} ended by itself")


def _bring_up(layout: Layout) -> Parts:
    env = debs.environment(Path(layout.debs))
    env["PATH"] = f"{INSIDE}/sbin:{env['PATH']}"
    env |= {
        "CONTAINERD_ADDRESS": node_files.CONTAINERD_SOCKET,
        "CONTAINERD_NAMESPACE": "k8s.io",
    }
    _mounts(layout, env)
    _network(env)
    _write_files(layout)
    parts = Parts(INSIDE / "log", env)
    parts.start("containerd", ["containerd", "-c", f"{INSIDE}/containerd.toml"])
    plane = ControlPlane(
        folder=INSIDE / "controlplane",
        kubenode=layout.kubenode,
        address=NODE_ADDRESS,
        advertise=NODE_ADDRESS,
        port=API_PORT,
        ports=(2379, 2380, 10257, 10259),
    )
    pki = Pki(plane.folder / "pki", env)
    plane.prepare(pki, NODE)
    replace_text(INSIDE / "admin.kubeconfig", pki.kubeconfig("admin", plane.url))
    plane.start(parts)
    _import_images(layout, parts)
    plane.wait_ready(parts)
    parts.start("kubelet", [layout.kubenode, "kubelet", *node_files.kubelet_flags()])
    proxy = ["kube-proxy", f"--config={INSIDE}/kube-proxy.yaml"]
    parts.start("kube-proxy", [layout.kubenode, *proxy])
    _wait_node_ready(plane, parts)
    return parts


def _mounts(layout: Layout, env: dict[str, str]) -> None:
    def mount(*arguments: str) -> None:
        subprocess.run(["mount", *arguments], env=env, check=True)

    mount("--make-rshared", "/")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for sub in ("netns", "containerd", "faceblur", "sys", "faceblur-var"):
        Path("/run", sub).mkdir()
    mount("--bind", layout.state, str(INSIDE))
    (INSIDE / "containerd").mkdir(exist_ok=True)
    if _available_gib() >= _PLENTY_GIB:
        options = f"mode=711,size={_LAYERS_GIB}g"
        mount("-t", "tmpfs", "-o", options, "tmpfs", str(INSIDE / "containerd"))
    # The kubelet and CNI write below /var whatever their flags say: an overlay catches it.
    for sub in ("upper", "work"):
        (INSIDE / "var" / sub).mkdir(parents=True)
    lower = f"lowerdir=/var,upperdir={INSIDE}/var/upper,workdir={INSIDE}/var/work"
    mount("-t", "overlay", "-o", lower, "overlay", "/var")
    for name, value in node_files.KERNEL_SETTINGS.items():
        target = Path("/proc/sys", name)
        if target.exists():
            shown = Path("/run/sys", name.replace("/", "_"))
            shown.write_text(f"{value}\n")
            mount("--bind", str(shown), str(target))


def _available_gib() -> float:
    """Return the memory that can be had without swapping."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    return kib / 2**20


def _network(env: dict[str, str]) -> None:
    def ip(arguments: str) -> None:
        subprocess.run(["ip", *arguments.split()], env=env, check=True)

    socket.sethostname(NODE)
    gateway = PODS.replace(".0/", ".1/")
    ip("link set lo up")
    ip(f"addr add {NODE_ADDRESS}/32 dev lo")
    ip("link add cni0 type bridge")
    ip(f"addr add {gateway} dev cni0")
    ip("link set cni0 up")
    # Over cni0, not lo: over lo a service without endpoints hangs instead of being refused.
    ip(f"route add {SERVICES} dev cni0 src {NODE_ADDRESS}")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")


def _write_files(layout: Layout) -> None:
    for sub in ("sbin", "cni", "log", "controlplane"):
        (INSIDE / sub).mkdir(exist_ok=True)
    for tool in ("iptables", "ip6tables"):
        for suffix in ("", "-save", "-restore"):
            link = INSIDE / "sbin" / f"{tool}{suffix}"
            link.symlink_to(f"{layout.debs}/usr/sbin/xtables-nft-multi")
    texts = {
        "cni/10-faceblur.conflist": node_files.cni(),
        "containerd.toml": node_files.containerd(layout.debs),
        "kubelet.yaml": node_files.kubelet(layout.cgroup),
        "kube-proxy.yaml": node_files.kube_proxy(),
        "resolv.conf": "",
    }
    for name, text in texts.items():
        (INSIDE / name).write_text(text)


def _import_images(layout: Layout, parts: Parts) -> None:
    env = dict(parts.env)
    _until(parts, "containerd to answer", lambda: _quiet(["ctr", "version"], env))
    for image in layout.images:
        done = subprocess.run(
            ["ctr", "images", "import", image], env=env, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ClusterError(f"containerd did not take {image}: {done.stderr.strip()}")


def _quiet(command: list[str], env: dict[str, str]) -> bool:
    return subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0


def _wait_node_ready(plane: ControlPlane, parts: Parts) -> None:
    def ready() -> bool:
        node = plane.get(f"/api/v1/nodes/{NODE}") or {}
        conditions = node.get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    _until(parts, "the node to become Ready", ready)


def _until(parts: Parts, what: str, is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + _START_SECONDS
    while not is_true():
        parts.require_running()
        if time.monotonic() > end:
            raise ClusterError(f"waited {_START_SECONDS} s in vain for {what}")
        time.sleep(0.1)


def _reap_until_a_part_ends(parts: Parts) -> str:
    # As the first process of its namespace it inherits every orphan, such as containerd's shims.
    names = {process.pid: name for name, process in parts.running.items()}
    while True:
        pid, _ = os.waitpid(-1, 0)
        if pid in names:
            return names[pid]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
