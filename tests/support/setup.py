"""Makes the Python environment and installs the system libraries; run by `make`, prints progress.

Runs with the system's own Python before anything is installed, so it uses nothing else.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from ctypes.util import find_library
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PIP = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "-q"]
# The list is complete: --no-deps keeps out a second copy of OpenCV that mediapipe asks for.
LOCKED = ROOT / "requirements" / "test.txt"
EDITABLE = ["install", "--no-deps", "--no-build-isolation", "-e", str(ROOT)]
# What the face detector and the browser tests need beside Python; name of the package, and how to
# see that it is there.
LIBRARIES = {"libegl1": "EGL", "libgles2": "GLESv2", "libgl1": "GL", "libglib2.0-0": "glib-2.0"}
PROGRAMS = {
    "chromium": "chromium",
    "strace": "strace",
    "redis-server": "redis-server",
    "iproute2": "ip",
    "procps": "pkill",
}


def main() -> int:
    """Install what is missing; return the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - run by whatever python3 the machine has
        return _fail(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    _system_packages()
    say("making the Python environment in .venv (a minute or two the first time)")
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    if not (_install_with_uv() or _install_with_pip()):
        return _fail("pip could not install the packages; is the package index reachable?")
    say("ready")
    return 0


def _install_with_uv() -> bool:
    """Install with uv, in parallel; False when it cannot, as where only pip knows the index."""
    pinned = re.search(r"^uv==[^\n]*(\n +--hash[^\n]*)*", LOCKED.read_text(), re.MULTILINE)
    if pinned is None:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        only_uv = Path(scratch) / "uv.txt"
        only_uv.write_text(pinned.group())
        if not _run([*PIP, "install", "--no-deps", "--require-hashes", "-r", str(only_uv)]):
            return False
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "-q", "--python", str(PYTHON), "--no-deps"]
    return _run([*uv, "--require-hashes", "-r", str(LOCKED)]) and _run([*PIP, *EDITABLE])


def _install_with_pip() -> bool:
    say("installing with pip instead")
    return _run([*PIP, "install", "--no-deps", "--require-hashes", "-r", str(LOCKED)]) and _run(
        [*PIP, *EDITABLE]
    )


def _run(command: list[str]) -> bool:
    return subprocess.run(command, check=False).returncode == 0


def _system_packages() -> None:
    missing = [name for name, library in LIBRARIES.items() if find_library(library) is None]
    missing += [name for name, program in PROGRAMS.items() if shutil.which(program) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        say(
            f"these system packages are missing: {' '.join(missing)}; tests that need them will "
            "say so. On Debian: apt-get install " + " ".join(missing)
        )
        return
    say(f"installing {' '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Installed packages must not start servers of their own on the machine.
    no_start = ["-o", "Dpkg::Options::=--force-confold"]
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=quiet)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *no_start, *missing]
    if subprocess.run(command, check=False, env=quiet, stdout=subprocess.DEVNULL).returncode != 0:
        say(f"apt-get could not install {' '.join(missing)}; tests that need them will fail")


def say(text: str) -> None:
    """Print one line of progress."""
    sys.stderr.write(f"setup: {text}\n")


def _fail(text: str) -> int:
    say(text)
    return 1


if __name__ == "__main__":
    sys.exit(main())
