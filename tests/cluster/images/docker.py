"""Builds by the Docker engine."""

from dataclasses import dataclass
from pathlib import Path

from tests.cluster import paths
from tests.cluster.images.catalogue import DockerfileImage
from tests.cluster.progress import run_logged, step

_ADVICE = "See the log; `docker build` by hand shows the same."


@dataclass(frozen=True)
class Docker:
    """The Docker engine that the docker client reaches."""

    def key(self) -> str:
        """Return the name: the base image is the registry's."""
        return "docker"

    def build(self, image: DockerfileImage, archive: Path) -> None:
        """Build the image and save it."""
        log = paths.cache() / "log" / f"image-{image.name.replace(':', '_')}.log"
        log.unlink(missing_ok=True)
        arguments = [f"--build-arg={name}={value}" for name, value in image.arguments.items()]
        command = ["docker", "build", "-f", image.dockerfile, *arguments, "-t", image.name, "."]
        with step(f"building {image.name} with Docker"):
            run_logged(command, log, _ADVICE, cwd=paths.REPO)
            save = ["docker", "save", "-o", str(archive), image.name]
            run_logged(save, log, _ADVICE)
