"""Debian packages that the node and the image builder need, unpacked beside each other.

Nothing is installed where unpacking is enough.  What the machine has on PATH is used from there.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import paths
from tests.cluster.errors import ClusterError
from tests.cluster.progress import only_one, run_logged, step

# The node takes exactly these, so that it does not depend on what else is installed.
_ALWAYS = ("containerd", "runc", "containernetworking-plugins", "iptables", "nftables")
_LIBRARIES = ("libnftnl11", "libnftables1", "libip4tc2", "libip6tc2", "libxtables12", "libseccomp2")
# These are taken only when the machine does not have the program.
_WHEN_MISSING = {"ip": "iproute2", "openssl": "openssl", "nsenter": "util-linux"}
# Unpacking these would put another C library or log-in tools in front of the machine's own.
_NEVER_UNPACK = ("login_", "passwd_", "uidmap_", "libc6_", "libcrypt1_", "libgcc-s1_")
_ADVICE = "Check the machine's package sources (apt-get update) and run the same command again."


def node_root() -> Path:
    """Return the folder with containerd, runc, the CNI plugins and nft unpacked."""
    missing = [deb for program, deb in _WHEN_MISSING.items() if shutil.which(program) is None]
    return unpacked("node", [*_ALWAYS, *_LIBRARIES, *missing])


def search_path(root: Path) -> str:
    """Return a PATH with the unpacked programs in front."""
    places = [str(root / sub) for sub in ("usr/sbin", "usr/bin", "sbin", "bin")]
    own = os.environ.get("PATH", "/usr/bin:/bin")
    return ":".join([*places, own, "/usr/sbin", "/sbin"])


def environment(root: Path) -> dict[str, str]:
    """Return the environment for programs out of `root`."""
    libraries = [root / sub / "x86_64-linux-gnu" for sub in ("usr/lib", "lib")]
    return {
        **os.environ,
        "PATH": search_path(root),
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "XTABLES_LIBDIR": str(root / "usr/lib/x86_64-linux-gnu/xtables"),
    }


def unpacked(label: str, packages: Sequence[str]) -> Path:
    """Return the folder with `packages` and what they need unpacked into it."""
    release = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    key = paths.content_key([], release, *sorted(packages))
    target = paths.cache() / "debs" / f"{label}-{key}"
    if target.exists():
        return target
    _require_apt(packages)
    with only_one(f"debs-{label}"):
        if not target.exists():
            with step(f"fetching Debian packages for the {label} (about 45 MB)"):
                _fetch(packages, target)
    return target


def installed(packages: Sequence[str]) -> None:
    """Install packages for the whole machine: only for what cannot work unpacked."""
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}\n", *packages]
    _require_apt(packages)
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    if found.stdout.split() == ["installed"] * len(packages):
        return
    log = paths.cache() / "log" / "apt.log"
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    with only_one("apt"), step(f"installing {' '.join(packages)}"):
        _apt(command, log)


def _require_apt(packages: Sequence[str]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ClusterError(
            f"this needs the Debian packages {' '.join(packages)} and root: run it as root on a "
            "Debian machine, or set CLUSTER=current to use the cluster of your kubeconfig"
        )


def _fetch(packages: Sequence[str], target: Path) -> None:
    archives = target.with_suffix(".archives")
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "install", "-y", "--reinstall", "--download-only"]
    command += ["--no-install-recommends", "-o", f"Dir::Cache::archives={archives}", *packages]
    with only_one("apt"):
        _apt(command, paths.cache() / "log" / "apt.log")
    unfinished = target.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    for deb in sorted(archives.glob("*.deb")):
        if not deb.name.startswith(_NEVER_UNPACK):
            subprocess.run(["dpkg", "-x", str(deb), str(unfinished)], check=True)
    shutil.rmtree(archives)
    unfinished.rename(target)


def _apt(command: list[str], log: Path) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = [command[0], "-o", "DPkg::Lock::Timeout=300", *command[1:]]
    try:
        run_logged(command, log, _ADVICE, env=env)
    except ClusterError:
        # A fresh machine has no package lists, an old one outdated ones: renew them once.
        run_logged(["apt-get", "update"], log, _ADVICE, env=env)
        run_logged(command, log, _ADVICE, env=env)
