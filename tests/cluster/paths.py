"""Where things lie: sources in the tree, everything that is built outside of it."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
MANIFESTS = HERE / "manifests"


def cache() -> Path:
    """Return the folder for everything built or fetched, made when missing."""
    named = os.environ.get("FACEBLUR_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(named) if named else Path(base) / "faceblur"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def state_dir(name: str) -> Path:
    """Return where the running cluster `name` keeps its state."""
    return cache() / "clusters" / name


def content_key(files: Iterable[Path], *facts: str) -> str:
    """Return a short key of the files' names and contents and of further facts."""
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(f"{len(fact)}:{fact}\0".encode())
    for file in sorted(files):
        name = str(file.relative_to(REPO)) if file.is_relative_to(REPO) else file.name
        data = file.read_bytes()
        digest.update(f"{name}\0{len(data)}\0{file.stat().st_mode & 0o111}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:16]
