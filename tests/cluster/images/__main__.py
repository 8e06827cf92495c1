"""`python -m tests.cluster.images build [NAME...]`: build images and print their archives."""

import sys

from tests.cluster import images
from tests.cluster.errors import ClusterError
from tests.cluster.images.catalogue import IMAGES, DockerfileImage

_USAGE = "usage: python -m tests.cluster.images build [NAME...]"


def build(wanted: list[str]) -> None:
    """Build the named images, or all, and print where each archive lies."""
    for name in wanted or images.names():
        sys.stdout.write(f"{images.build(name, talk=True)}\n")


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    match arguments:
        case ["build", *wanted]:
            try:
                build(wanted)
            except ClusterError as err:
                sys.stderr.write(f"{err}\n")
                return 1
            return 0
        case ["list"]:
            for name, image in IMAGES.items():
                kind = image.dockerfile if isinstance(image, DockerfileImage) else image.program
                sys.stdout.write(f"{name}\t{kind}\n")
            return 0
        case _:
            sys.stderr.write(f"{_USAGE}\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
