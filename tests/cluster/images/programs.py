"""Image archives of one static program, written by hand: no builder, no base image."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from tests.cluster import tools
from tests.cluster.images.catalogue import ProgramImage

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_program_image(image: ProgramImage, archive: Path) -> None:
    """Write `image` in docker's archive format, the same bytes for the same program."""
    program = tools.binary(image.program)
    layer = archive.with_suffix(".layer")
    try:
        with tarfile.open(layer, "w") as tar:
            _add_folders(tar)
            passwd = f"root:x:0:0::/:/none\nnonroot:x:{65532}:{65532}::/:/none\n"
            _add(tar, "etc/passwd", passwd.encode(), 0o644)
            _add(tar, f"usr/bin/{image.program}", program.read_bytes(), 0o755)
        _write_archive(image, layer, archive)
    finally:
        layer.unlink(missing_ok=True)


def _write_archive(image: ProgramImage, layer: Path, archive: Path) -> None:
    with layer.open("rb") as file:
        diff = hashlib.file_digest(file, "sha256").hexdigest()
    config = json.dumps(
        {
            "created": "1970-01-01T00:00:00Z",
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Entrypoint": [f"/usr/bin/{image.program}"],
                "Env": [_PATH],
                "User": str(image.user),
                "WorkingDir": "/",
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": image.program}],
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [image.name], "Layers": [f"{diff}.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, config_name, config, 0o644)
        tar.add(layer, f"{diff}.tar")
        _add(tar, "manifest.json", json.dumps(manifest).encode(), 0o644)


def _add_folders(tar: tarfile.TarFile) -> None:
    for name, mode in (("etc", 0o755), ("usr", 0o755), ("usr/bin", 0o755), ("tmp", 0o1777)):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        tar.addfile(entry)


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))
