"""Python environments beside ours, for programs that we run but never import.

What they need must not decide which versions the product is tested with.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path


def environment(locked: Path) -> Path:
    """Return the folder of an environment with what a file of hashes names, made once.

    In the cache folder, named by the hash of what is installed.

    Raises:
        RuntimeError: It could not be installed.
    """
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(os.environ.get("FACEBLUR_CACHE") or Path(base) / "faceblur") / "peers"
    cache.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(locked.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache / f"{locked.stem}-{name}"
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").is_file():
            _install(folder, locked)
    return folder


def _install(folder: Path, locked: Path) -> None:
    sys.stderr.write(f"installing {locked.stem} into its own environment, once\n")
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q"]
    command = [*pip, "install", "--no-deps", "--require-hashes", "-r", str(locked)]
    if subprocess.run(command, check=False).returncode != 0:
        raise RuntimeError(f"{locked.stem} could not be installed: is the package index reachable?")
    (folder / "ready").touch()
