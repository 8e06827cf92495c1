"""Builds by buildah where no Docker engine and no registry is reachable.

buildah comes unpacked from Debian's package and keeps its layers in the cache, so a change of
Python sources rebuilds only the last layers.
"""

import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import debs, paths
from tests.cluster.images import base
from tests.cluster.images.catalogue import DockerfileImage
from tests.cluster.progress import only_one, run_logged, step

_PACKAGES = ("buildah", "debootstrap", "runc", "libseccomp2")
# How this machine reaches its package sources; the build sees these files, the image does not.
_MACHINE_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pip.conf",
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d",
    "/etc/apt/apt.conf.d",
)
_ADVICE = "When a download failed, run the same command again: finished layers are kept."


@dataclass(frozen=True)
class Buildah:
    """Buildah with storage and settings of its own in the cache."""

    def key(self) -> str:
        """Return a key of the base image."""
        return f"buildah-{base.base_key()}"

    def build(self, image: DockerfileImage, archive: Path) -> None:
        """Build the image and write its archive."""
        log = paths.cache() / "log" / f"image-{image.name.replace(':', '_')}.log"
        log.unlink(missing_ok=True)
        self._provide_base()
        pip_cache = paths.cache() / "pip"
        pip_cache.mkdir(exist_ok=True)
        mounts = [f"--volume={pip_cache}:/root/.cache/pip:rw"]
        mounts += [f"--volume={file}:{file}:ro" for file in _MACHINE_FILES if Path(file).exists()]
        arguments = [f"--build-arg={name}={value}" for name, value in image.arguments.items()]
        with (
            only_one("buildah"),
            step(f"building {image.name}"),
            _context(image) as context,
        ):
            self._run(
                log,
                *("bud", "--pull-never", "--layers", "--isolation=chroot", "--network=host"),
                *("--format=docker", f"--file={context / image.dockerfile}"),
                *(*mounts, *arguments, f"--tag=localhost/{image.name}", str(context)),
            )
            source = f"localhost/{image.name}"
            self._run(log, "push", source, f"docker-archive:{archive}:{image.name}")

    def _provide_base(self) -> None:
        archive = base.base_archive(_root())
        mark = paths.cache() / "buildah" / f"has-{base.base_key()}"
        log = paths.cache() / "log" / "image-base.log"
        with only_one("buildah"):
            if not mark.exists():
                self._run(log, "pull", f"docker-archive:{archive}")
                mark.touch()

    def _run(self, log: Path, command: str, *arguments: str) -> None:
        policy = f"--signature-policy={_settings() / 'policy.json'}"
        # In namespaces of its own: a killed build leaves no mount and no process.
        enter = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        run_logged(
            [*enter, "--propagation", "private", "buildah", command, policy, *arguments],
            log,
            _ADVICE,
            env=_environment(),
        )


@functools.cache
def _root() -> Path:
    # buildah runs itself again with an empty environment, so this library must be installed.
    debs.installed(["libgpgme11"])
    return debs.unpacked("images", _PACKAGES)


@functools.cache
def _settings() -> Path:
    folder = paths.cache() / "buildah"
    (folder / "network").mkdir(parents=True, exist_ok=True)
    texts = {
        "storage.conf": (
            '[storage]\ndriver = "overlay"\n'
            f'runroot = "{folder}/run"\ngraphroot = "{folder}/root"\n'
        ),
        "containers.conf": (
            f'[network]\nnetwork_config_dir = "{folder}/network"\n'
            '[engine]\nruntime = "runc"\n'
            f'[engine.runtimes]\nrunc = ["{_root()}/usr/sbin/runc"]\n'
        ),
        "registries.conf": 'short-name-mode = "permissive"\nunqualified-search-registries = []\n',
        "policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def _environment() -> dict[str, str]:
    settings = _settings()
    return debs.environment(_root()) | {
        "CONTAINERS_CONF": str(settings / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(settings / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(settings / "registries.conf"),
    }


@contextmanager
def _context(image: DockerfileImage) -> Iterator[Path]:
    """Copy exactly the files that the image's key covers, so nothing else can slip in."""
    with tempfile.TemporaryDirectory(prefix="context-", dir=paths.cache()) as name:
        folder = Path(name)
        for file in image.files():
            target = folder / file.relative_to(paths.REPO)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
            # A fixed time: a fresh clone finds the layers of the one before.
            os.utime(target, (0, 0))
        yield folder
