"""The base image python:3.11-slim, made by debootstrap where no registry can be reached.

It is a stand-in: Debian bookworm with Debian's own Python 3.11, not the official image.  What the
Dockerfiles use of it (python, pip, venv, apt-get, useradd) behaves the same.
"""

import os
import shutil
import subprocess
from pathlib import Path

from tests.cluster import debs, paths
from tests.cluster.errors import ClusterError
from tests.cluster.images.archive import DEFAULT_PATH, write_archive
from tests.cluster.progress import only_one, run_logged, step

BASE = "localhost/python:3.11-slim"
# Raise it when the way the tree is made changes: every image is then built anew.
_RECIPE = "1"
_SUITE = "bookworm"
_PACKAGES = ("python3", "python3-pip", "python3-venv", "ca-certificates")
_DROPPED = (
    *("var/cache/apt/archives", "var/lib/apt/lists", "var/log"),
    *("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info"),
)
_PARTIAL = ("-security", "-updates", "-backports")
_ADVICE = "Check the machine's Debian package source and run the same command again."


def base_key() -> str:
    """Return a key of how the base is made."""
    return paths.content_key([], _RECIPE, _SUITE, *_PACKAGES, *_DROPPED)


def base_archive(root: Path) -> Path:
    """Return the base image's archive, made first when missing; `root` has debootstrap."""
    archive = paths.cache() / "images" / f"python_3.11-slim-{base_key()}.tar"
    if not archive.exists():
        with only_one("image-base"):
            if not archive.exists():
                archive.parent.mkdir(exist_ok=True)
                with step("making the base image python:3.11-slim (about 1 minute)"):
                    _make(root, archive)
    return archive


def _make(root: Path, archive: Path) -> None:
    tree, layer = archive.with_suffix(".root"), archive.with_suffix(".layer")
    _remove(tree, layer)
    try:
        _debootstrap(root, tree)
        _slim(tree)
        command = ["tar", "--numeric-owner", "--xattrs", "-C", str(tree), "-cf", str(layer), "."]
        subprocess.run(command, check=True)
        unfinished = archive.with_suffix(".part")
        settings = {"Cmd": ["python3"], "Env": [DEFAULT_PATH], "WorkingDir": "/"}
        write_archive(BASE, settings, layer, unfinished)
        unfinished.rename(archive)
    finally:
        _remove(tree, layer)


def _debootstrap(root: Path, tree: Path) -> None:
    env = debs.environment(root) | {"DEBOOTSTRAP_DIR": str(root / "usr/share/debootstrap")}
    # In namespaces of its own: what it mounts and starts ends with it.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command += ["--propagation", "private", "debootstrap", "--variant=minbase"]
    command += [f"--include={','.join(_PACKAGES)}", _SUITE, str(tree), _mirror()]
    log = paths.cache() / "log" / "image-base.log"
    log.unlink(missing_ok=True)
    run_logged(command, log, _ADVICE, env=env)


def _mirror() -> str:
    """Return the package source that this machine's apt uses for Debian itself."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(SUITE) $(CODENAME) $(LABEL)"]
    done = subprocess.run(
        [*command, "Created-By: Packages"], capture_output=True, text=True, check=False
    )
    for line in done.stdout.splitlines():
        uri, *words = line.split()
        if "Debian" in words and not any(
            word.endswith(("-security", "-updates")) for word in words
        ):
            return uri
    raise ClusterError(f"apt knows no Debian package source: run apt-get update ({done.stderr})")


def _slim(tree: Path) -> None:
    for name in _DROPPED:
        for entry in (tree / name).glob("*"):
            _remove(entry)
    for folder in list(tree.rglob("__pycache__")):
        _remove(folder)
    # pip is meant to work as in the official image, without --break-system-packages.
    for marker in tree.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    python = tree / "usr/bin/python"
    if not os.path.lexists(python):
        python.symlink_to("python3")
    for name in ("etc/resolv.conf", "etc/hostname"):
        _remove(tree / name)


def _remove(*entries: Path) -> None:
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
