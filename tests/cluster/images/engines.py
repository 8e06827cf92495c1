"""Chooses who builds a Dockerfile: the Docker engine when one answers, else buildah."""

import functools
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from tests.cluster.images.catalogue import DockerfileImage
from tests.cluster.progress import say

BASE = "python:3.11-slim"


class Engine(Protocol):
    """Builds images from Dockerfiles."""

    def key(self) -> str:
        """Return what of the engine itself decides the result."""

    def build(self, image: DockerfileImage, archive: Path) -> None:
        """Build the image and write its archive."""


@functools.cache
def engine() -> Engine:
    """Return the engine of this machine.

    A docker client without an engine counts as none, and so does an engine that neither has the
    base image nor reaches a registry: buildah makes its own base.
    """
    from tests.cluster.images.buildah import Buildah
    from tests.cluster.images.docker import Docker

    if shutil.which("docker") is None or not _answers("info", "--format", "{{.ServerVersion}}"):
        return Buildah()
    if _answers("image", "inspect", BASE) or _answers("pull", "--quiet", BASE):
        return Docker()
    say(f"the Docker engine reaches no registry for {BASE}; building with buildah instead")
    return Buildah()


def _answers(*arguments: str) -> bool:
    """Whether docker succeeds and has something to say."""
    try:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and bool(done.stdout.strip())
