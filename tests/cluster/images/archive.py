"""Docker's archive format with one layer, written by hand, the same bytes for the same input."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_archive(name: str, settings: Mapping[str, object], layer: Path, archive: Path) -> None:
    """Write an archive of the image `name` that consists of the tar file `layer`."""
    with layer.open("rb") as file:
        diff = hashlib.file_digest(file, "sha256").hexdigest()
    epoch = "1970-01-01T00:00:00Z"
    config = json.dumps(
        {
            "created": epoch,
            "architecture": "amd64",
            "os": "linux",
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]},
            "history": [{"created": epoch, "created_by": "tests.cluster.images"}],
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": [f"{diff}.tar"]}]
    with tarfile.open(archive, "w") as tar:
        add_file(tar, config_name, config, 0o644)
        tar.add(layer, f"{diff}.tar")
        add_file(tar, "manifest.json", json.dumps(manifest).encode(), 0o644)


def add_file(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    """Add one file with fixed owner and time."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def read_settings(archive: Path) -> dict[str, Any]:
    """Return the settings (environment, labels, user ...) of the image in an archive."""
    with tarfile.open(archive) as tar:
        manifest = json.loads(_read(tar, "manifest.json"))
        settings: dict[str, Any] = json.loads(_read(tar, manifest[0]["Config"]))["config"]
    return settings


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    assert member is not None
    return member.read()
