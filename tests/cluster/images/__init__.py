"""The images that run in the cluster: what there is, and archives of them, built when needed.

An archive is a file that `docker load`, `kind load image-archive` and containerd all take.  It is
kept in the cache under a key of everything that went into it, so unchanged sources cost nothing.
"""

from collections.abc import Sequence
from pathlib import Path

from tests.cluster import paths
from tests.cluster.errors import ClusterError
from tests.cluster.images.archive import read_settings
from tests.cluster.images.catalogue import IMAGES, DockerfileImage, ProgramImage
from tests.cluster.images.engines import engine
from tests.cluster.images.programs import write_program_image
from tests.cluster.progress import only_one, say

__all__ = ["archives", "build", "names"]


def names() -> list[str]:
    """Return the names of all images that can be built here."""
    return list(IMAGES)


def archives(wanted: Sequence[str]) -> list[Path]:
    """Return an archive for each name, built first where its inputs changed."""
    return [build(name) for name in wanted]


def build(name: str, *, talk: bool = False) -> Path:
    """Return the archive of the image `name`, built first when its inputs changed.

    Args:
        name: One of `names()`; without a tag the only image of that name.
        talk: Say so also when there was nothing to do.

    Raises:
        ClusterError: when there is no such image or its build fails.
    """
    image = IMAGES.get(name) or _without_tag(name)
    builder = engine() if isinstance(image, DockerfileImage) else None
    key = image.key(builder.key() if builder else "")
    stem = image.name.replace("/", "_").replace(":", "_")
    archive = paths.cache() / "images" / f"{stem}-{key}.tar"
    if not archive.exists():
        with only_one(f"image-{stem}"):
            if not archive.exists():
                archive.parent.mkdir(exist_ok=True)
                unfinished = archive.with_suffix(".part")
                unfinished.unlink(missing_ok=True)
                match image:
                    case ProgramImage():
                        write_program_image(image, unfinished)
                    case DockerfileImage():
                        assert builder is not None
                        builder.build(image, unfinished)
                        _require_version(image, unfinished)
                _drop_older(archive.parent, stem)
                unfinished.rename(archive)
    elif talk:
        say(f"{image.name} is up to date")
    return archive


def _without_tag(name: str) -> DockerfileImage | ProgramImage:
    found = [image for full, image in IMAGES.items() if full.split(":")[0] == name]
    if len(found) != 1:
        raise ClusterError(f"there is no image {name}; there are: {' '.join(IMAGES)}")
    return found[0]


def _require_version(image: DockerfileImage, archive: Path) -> None:
    # A builder's layer cache once gave one version the settings of another.
    wanted = image.arguments.get("VERSION")
    labels = read_settings(archive).get("Labels") or {}
    found = labels.get("org.opencontainers.image.version")
    if found != wanted:
        raise ClusterError(f"the build of {image.name} says version {found}, not {wanted}")


def _drop_older(folder: Path, stem: str) -> None:
    # Two generations are enough to go back and forth between two branches.
    pattern = f"{stem}-{'[0-9a-f]' * 16}.tar"
    older = sorted(folder.glob(pattern), key=lambda file: file.stat().st_mtime)
    for file in older[:-1]:
        file.unlink()
