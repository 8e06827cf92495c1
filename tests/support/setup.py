"""Makes the Python environment and installs the system libraries; run by `make`, prints progress.

Runs with the system's own Python before anything is installed, so it uses nothing else.
"""

import os
import shutil
import subprocess
import sys
import venv
from ctypes.util import find_library
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
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
    if not (VENV / "bin" / "python").exists():
        venv.create(VENV, with_pip=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q"]
    locked = str(ROOT / "requirements" / "test.txt")
    # The list is complete: --no-deps keeps out a second copy of OpenCV that mediapipe asks for.
    for arguments in (
        ["install", "--no-deps", "--require-hashes", "-r", locked],
        ["install", "--no-deps", "--no-build-isolation", "-e", str(ROOT)],
    ):
        if subprocess.run([*pip, *arguments], check=False).returncode != 0:
            return _fail("pip could not install the packages; is the package index reachable?")
    say("ready")
    return 0


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
