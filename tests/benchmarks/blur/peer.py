"""deface, the peer that figures are compared with: in an environment of its own, never in ours."""

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

LOCKED = Path(__file__).with_name("deface.txt")
NAME = "deface 1.5.0"


def python() -> Path:
    """Return the Python of an environment that has deface, made at the first call.

    In the cache folder, named by the hash of what is installed.

    Raises:
        RuntimeError: It could not be installed.
    """
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(os.environ.get("FACEBLUR_CACHE") or Path(base) / "faceblur") / "peers"
    cache.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(LOCKED.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache / f"deface-{name}"
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").is_file():
            _install(folder)
    return folder / "bin" / "python"


def _install(folder: Path) -> None:
    sys.stderr.write(f"installing {NAME} into its own environment, once\n")
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q"]
    command = [*pip, "install", "--no-deps", "--require-hashes", "-r", str(LOCKED)]
    if subprocess.run(command, check=False).returncode != 0:
        raise RuntimeError(f"{NAME} could not be installed: is the package index reachable?")
    (folder / "ready").touch()
