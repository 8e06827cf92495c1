"""Pictures of the sizes that are measured, with many faces in each.

Of the labelled crowds where they are there (FACEBLUR_TEST_FACES, or `shared/faces` beside the
project), else of the two photos that the tests use.
"""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from tests.benchmarks.figures import ROOT
from tests.support.pictures import pair

SIZES = ((640, 480), (1280, 720), (1920, 1080), (4000, 3000))
FACES = Path(os.environ.get("FACEBLUR_TEST_FACES") or ROOT.parent / "shared" / "faces")
EACH = 3

Pixels = npt.NDArray[np.uint8]


def name_of(size: tuple[int, int]) -> str:
    """Return "640x480"."""
    return f"{size[0]}x{size[1]}"


def labelled(kind: str) -> list[Path]:
    """Return the labelled pictures of one set; none where there are no labels."""
    path = FACES / "labels.json"
    if not path.is_file():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))
    # Some faces, but no crowd of dots: what a person would send.
    return sorted(FACES / row["file"] for row in rows if row["set"] == kind and row["boxes"])


def make(folder: Path, size: tuple[int, int]) -> list[str]:
    """Write three JPEG pictures of a size into a folder and return their paths."""
    paths = []
    for number in range(EACH):
        path = folder / f"{name_of(size)}-{number}.jpg"
        if not path.exists():
            data = cv2.imencode(".jpg", _scene(size, number), [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
            path.write_bytes(bytes(data))
        paths.append(str(path))
    return paths


def source() -> str:
    """Return where the pictures are from, for people."""
    return "group photos" if labelled("dlib") else "two photos, repeated"


def _scene(size: tuple[int, int], number: int) -> Pixels:
    """Return four group photos side by side, scaled to fill the size: about 20 faces."""
    width, height = size
    photos = [_read(path) for path in labelled("dlib")] or [pair()]
    chosen = [photos[(4 * number + i) % len(photos)] for i in range(4)]
    cells = [_fill(photo, width // 2, height // 2) for photo in chosen]
    return np.vstack([np.hstack(cells[:2]), np.hstack(cells[2:])])


def _fill(photo: Pixels, width: int, height: int) -> Pixels:
    scale = max(width / photo.shape[1], height / photo.shape[0])
    wide, high = round(photo.shape[1] * scale), round(photo.shape[0] * scale)
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, (wide, high), interpolation=kind)[:height, :width])


def _read(path: Path) -> Pixels:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert picture is not None, path
    return np.asarray(picture, np.uint8)
