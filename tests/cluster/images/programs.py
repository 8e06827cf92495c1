"""Image archives of one static program, written by hand: no builder, no base image."""

import tarfile
from pathlib import Path

from tests.cluster import tools
from tests.cluster.images.archive import DEFAULT_PATH, add_file, write_archive
from tests.cluster.images.catalogue import ProgramImage


def write_program_image(image: ProgramImage, archive: Path) -> None:
    """Write `image` in docker's archive format, the same bytes for the same program."""
    program = tools.binary(image.program)
    layer = archive.with_suffix(".layer")
    try:
        with tarfile.open(layer, "w") as tar:
            _add_folders(tar)
            passwd = f"root:x:0:0::/:/none\nnonroot:x:{65532}:{65532}::/:/none\n"
            add_file(tar, "etc/passwd", passwd.encode(), 0o644)
            add_file(tar, f"usr/bin/{image.program}", program.read_bytes(), 0o755)
        settings = {
            "Entrypoint": [f"/usr/bin/{image.program}"],
            "Env": [DEFAULT_PATH],
            "User": str(image.user),
            "WorkingDir": "/",
        }
        write_archive(image.name, settings, layer, archive)
    finally:
        layer.unlink(missing_ok=True)


def _add_folders(tar: tarfile.TarFile) -> None:
    for name, mode in (("etc", 0o755), ("usr", 0o755), ("usr/bin", 0o755), ("tmp", 0o1777)):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        tar.addfile(entry)
