"""Which images there are and what goes into each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import paths, tools

PRODUCT_USER = 10001


@dataclass(frozen=True)
class ProgramImage:
    """An image of one static program and nothing else."""

    name: str
    program: str
    user: int = 65532

    def key(self, _builder: str) -> str:
        """Return a key of everything that goes into the image."""
        source = tools.binary(self.program)
        builder = Path(__file__).with_name("programs.py")
        return paths.content_key([builder], source.parent.name, self.name, str(self.user))


@dataclass(frozen=True)
class DockerfileImage:
    """An image built from an ordinary Dockerfile with the repository as its context."""

    name: str
    dockerfile: str
    sources: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> list[Path]:
        """Return the files that the build may see: patterns and folders of `sources`."""
        found = [paths.REPO / self.dockerfile]
        for pattern in self.sources:
            for place in sorted(paths.REPO.glob(pattern)):
                found += [place] if place.is_file() else _below(place)
        return found

    def key(self, builder: str) -> str:
        """Return a key of everything that goes into the image."""
        arguments = [f"{name}={value}" for name, value in sorted(self.arguments.items())]
        return paths.content_key(self.files(), builder, self.name, *arguments)


def _below(folder: Path) -> list[Path]:
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    ]


_PROJECT = ("pyproject.toml", "README.md", "LICENSE*", "requirements/build.txt")


def _blur(version: str, **arguments: str) -> DockerfileImage:
    return DockerfileImage(
        name=f"ai-face-blur:{version}",
        dockerfile="blurservice/Dockerfile",
        sources=(*_PROJECT, "requirements/blurservice.txt", "blurservice/faceblur_service"),
        arguments={"VERSION": version, **arguments},
    )


IMAGES: dict[str, ProgramImage | DockerfileImage] = {
    image.name: image
    for image in (
        _blur("1.0"),
        _blur("1.1-gray", ENABLE_GRAY_FEATURE="true"),
        _blur(
            "1.2-bad",
            ENABLE_GRAY_FEATURE="true",
            FACEBLUR_FAULT='{"latencyMs": 600, "errorRate": 0.3}',
        ),
        DockerfileImage(
            name="faceblur-operator:0.1.0",
            dockerfile="operator/Dockerfile",
            sources=(*_PROJECT, "requirements/operator.txt", "operator/faceblur_operator"),
            arguments={"VERSION": "0.1.0"},
        ),
        DockerfileImage(name="redis:7", dockerfile="tests/cluster/images/redis.Dockerfile"),
        ProgramImage("traefik:3.7", "traefik"),
        ProgramImage("prometheus:3", "prometheus"),
        # As root because its port is below 1024; the manifest leaves it that capability only.
        ProgramImage("coredns:1.13", "coredns", user=0),
        ProgramImage("pause:1", "pause"),
        ProgramImage("faceblur-test-web:1", "web"),
    )
}
