"""deface, the peer that figures are compared with: in an environment of its own, never in ours."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
from tests.benchmarks.blur.recall import Find

from faceblur_service.blurring import Picture
from faceblur_service.geometry import Box

LOCKED = Path(__file__).with_name("deface.txt")
WORKER = Path(__file__).with_name("deface_worker.py")
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


@contextmanager
def finder(threshold: float) -> Iterator[Find]:
    """Give a function that finds faces in an array as deface does."""
    asked = json.dumps({"want": "boxes", "threshold": threshold})
    process = subprocess.Popen(
        [str(python()), str(WORKER), asked],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    ask, answers = process.stdin, process.stdout
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "picture.bmp"

        def find(picture: Picture) -> list[Box]:
            cv2.imwrite(str(place), picture)
            ask.write(f"{place}\n")
            ask.flush()
            return [Box(*box[:5]) for box in json.loads(answers.readline())]

        try:
            yield find
        finally:
            ask.close()
            answers.close()
            process.wait(60)


def _install(folder: Path) -> None:
    sys.stderr.write(f"installing {NAME} into its own environment, once\n")
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q"]
    command = [*pip, "install", "--no-deps", "--require-hashes", "-r", str(LOCKED)]
    if subprocess.run(command, check=False).returncode != 0:
        raise RuntimeError(f"{NAME} could not be installed: is the package index reachable?")
    (folder / "ready").touch()
