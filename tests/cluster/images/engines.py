"""Chooses who builds a Dockerfile: the Docker engine when one answers, else buildah."""

import functools
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from tests.cluster.images.catalogue import DockerfileImage


class Engine(Protocol):
    """Builds images from Dockerfiles."""

    def key(self) -> str:
        """Return what of the engine itself decides the result."""

    def build(self, image: DockerfileImage, archive: Path) -> None:
        """Build the image and write its archive."""


@functools.cache
def engine() -> Engine:
    """Return the engine of this machine; a docker client without an engine counts as none."""
    from tests.cluster.images.buildah import Buildah
    from tests.cluster.images.docker import Docker

    if shutil.which("docker") is not None:
        command = ["docker", "info", "--format", "{{.ServerVersion}}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return Docker()
    return Buildah()
