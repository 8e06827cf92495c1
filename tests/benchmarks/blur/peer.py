"""deface, the peer that figures are compared with: in an environment of its own, never in ours."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
from tests.benchmarks.blur.recall import Find
from tests.support.separate import environment

from faceblur_service.blurring import Picture
from faceblur_service.geometry import Box

LOCKED = Path(__file__).with_name("deface.txt")
WORKER = Path(__file__).with_name("deface_worker.py")
NAME = "deface 1.5.0"


def python() -> Path:
    """Return the Python of an environment that has deface, made at the first call.

    Raises:
        RuntimeError: It could not be installed.
    """
    return environment(LOCKED) / "bin" / "python"


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
