"""The Python API: hide or find the faces of arrays, bytes and files.

The detector is made at the first call and kept for the process; make that call after a fork.
Nothing is ever downloaded: `faceblur models fetch` has put the models into FACEBLUR_MODELS_DIR or
the cache before.

Everywhere a box is in pixels of the picture as a person sees it, turned upright, x to the right
and y down. Every error is one of `faceblur_service.errors`, with a `code` and a sentence, where its
docstring does not say otherwise.
"""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceblur_service import atomic, batch, files
from faceblur_service.blurring import Picture
from faceblur_service.codec import MAX_BYTES
from faceblur_service.detection.factory import make_detector
from faceblur_service.faces import Face, numbered
from faceblur_service.filejob import FileAnswer, FileJob
from faceblur_service.geometry import Box
from faceblur_service.options import Mode, Options, Sensitivity, Strength
from faceblur_service.pipeline import Found, Pipeline, Result

_lock = threading.Lock()
_pipelines: list[Pipeline] = []


def blur_image(
    picture: npt.NDArray[np.uint8],
    *,
    mode: str = Mode.BLUR,
    strength: str = Strength.NORMAL,
    sensitivity: str = Sensitivity.HIGH,
    boxes: Iterable[Box] | None = None,
) -> Picture:
    """Return a copy of a picture in which every face is unrecognisable.

    Args:
        picture: dtype uint8, shape (height, width, 3), colours in OpenCV's order blue, green, red;
            left unchanged.
        mode: `blur`, `mosaic`, `solid` or `emoji`; only `solid` is irreversible.
        strength: `normal` or `strong`; counts for `blur` and `mosaic`.
        sensitivity: `fast`, `normal`, `high` or `max`: how hard to look for faces.
        boxes: Hide exactly these instead of looking for faces.

    Returns:
        A new array of the same shape, dtype and colour order.

    Raises:
        TypeError: The picture is no array, or a box no `Box`.
        ValueError: The array, a box or an option is not as described.
        RequestError: A box lies outside of the picture.
        ModelError: A model file is missing or broken.
        DetectionFailed: The detector failed; there is no result then.
    """
    _check(picture)
    return _pipeline().hide(picture, _options(mode, strength, sensitivity, boxes)).picture


def detect_faces(
    picture: npt.NDArray[np.uint8], *, sensitivity: str = Sensitivity.HIGH
) -> list[Face]:
    """Return the faces of a picture, surest first.

    Args:
        picture: dtype uint8, shape (height, width, 3), colours in OpenCV's order blue, green, red;
            left unchanged.
        sensitivity: `fast`, `normal`, `high` or `max`: how hard to look.

    Returns:
        Faces with an `id`, "1" for the surest, and a `box`: corners `x1`, `y1`, `x2`, `y2` in
        pixels and a `score` from 0 to 1.

    Raises:
        ValueError: The array or the sensitivity is not as described.
        ModelError: A model file is missing or broken.
        DetectionFailed: The detector failed.
    """
    _check(picture)
    return numbered(_pipeline().detector.find_faces(picture, Sensitivity(sensitivity)))


def blur_bytes(
    data: bytes,
    *,
    mode: str = Mode.BLUR,
    strength: str = Strength.NORMAL,
    sensitivity: str = Sensitivity.HIGH,
    boxes: Iterable[Box] | None = None,
) -> Result:
    """Return a picture file's content with every face hidden and without any metadata.

    Args:
        data: The content of a picture file, at most 20 MiB and 25 megapixels.
        mode: See `blur_image`.
        strength: See `blur_image`.
        sensitivity: See `blur_image`.
        boxes: See `blur_image`.

    Returns:
        `data`: the new content, of the same format, HEIC as JPEG; `faces`: what was hidden;
        `hidden_again`: how many of them were hidden harder, because they still looked like a face.

    Raises:
        ValueError: An option is not as described.
        RequestError: The bytes are not a picture that can be read; its subclasses say why.
        ModelError: A model file is missing or broken.
        ServiceError: Detecting or encoding failed; there is no result then.
    """
    return _pipeline().run(_content(data), _options(mode, strength, sensitivity, boxes))


def detect_bytes(data: bytes, *, sensitivity: str = Sensitivity.HIGH) -> Found:
    """Return width, height and faces of a picture file's content.

    Args:
        data: The content of a picture file, at most 20 MiB and 25 megapixels.
        sensitivity: See `blur_image`.

    Returns:
        `width` and `height` in pixels, turned upright; `faces` as of `detect_faces`; of an
        animation those of all frames.

    Raises:
        ValueError: The sensitivity is not as described.
        RequestError: The bytes are not a picture that can be read; its subclasses say why.
        ModelError: A model file is missing or broken.
        DetectionFailed: The detector failed.
    """
    return _pipeline().detect(_content(data), Sensitivity(sensitivity))


def blur_file(
    source: str | Path,
    target: str | Path,
    *,
    mode: str = Mode.BLUR,
    strength: str = Strength.NORMAL,
    sensitivity: str = Sensitivity.HIGH,
    boxes: Iterable[Box] | None = None,
) -> list[Face]:
    """Write a copy of a picture file in which every face is hidden, and return those faces.

    The target is written whole or not at all; its folder is made.

    Args:
        source: The picture.
        target: Another file; an existing one is replaced.
        mode: See `blur_image`.
        strength: See `blur_image`.
        sensitivity: See `blur_image`.
        boxes: See `blur_image`.

    Raises:
        ValueError: An option is not as described, or source and target are the same file.
        OSError: A file cannot be read or written.
        RequestError: The source is not a picture that can be read; its subclasses say why.
        ModelError: A model file is missing or broken.
        ServiceError: Detecting or encoding failed; nothing was written then.
    """
    source, target = Path(source), Path(target)
    if target.exists() and target.samefile(source):
        raise ValueError(f"{target} is the original: an original is never overwritten.")
    options = _options(mode, strength, sensitivity, boxes)
    with source.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    result = _pipeline().run(data, options)
    atomic.write(target, result.data)
    return result.faces


def blur_files(
    jobs: Iterable[tuple[str | Path, str | Path]],
    *,
    mode: str = Mode.BLUR,
    strength: str = Strength.NORMAL,
    sensitivity: str = Sensitivity.HIGH,
    workers: int | None = None,
) -> Iterator[tuple[Path, FileAnswer]]:
    """Hide the faces of many files, over all cores, and yield what became of each as it finishes.

    One bad file never stops the rest: its answer has an `error`. A program that calls this needs
    `if __name__ == "__main__":` around its start, because new processes import it.

    Args:
        jobs: (source, target) of each picture.
        mode: See `blur_image`.
        strength: See `blur_image`.
        sensitivity: See `blur_image`.
        workers: Processes at once; by default one per core.

    Yields:
        (source, answer); the answer has `faces`, `hidden_again` and `error`.

    Raises:
        ValueError: An option is not as described, or a target is an original.
        ModelError: A model file is missing or broken.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be 1 or more, found {workers}.")
    options = _options(mode, strength, sensitivity, None)
    asked = [
        FileJob(source=Path(source), target=Path(target), options=options)
        for source, target in jobs
    ]
    originals = {job.source.resolve() for job in asked}
    for job in asked:
        if job.target is not None and job.target.resolve() in originals:
            raise ValueError(f"{job.target} is an original: an original is never overwritten.")
    for job, answer in files.run(asked, workers=batch.cores() if workers is None else workers):
        yield job.source, answer


def _options(mode: str, strength: str, sensitivity: str, boxes: Iterable[Box] | None) -> Options:
    return Options(
        mode=Mode(mode),
        strength=Strength(strength),
        sensitivity=Sensitivity(sensitivity),
        boxes=None if boxes is None else tuple(_good(box, n) for n, box in enumerate(boxes, 1)),
    )


def _good(box: object, number: int) -> Box:
    if not isinstance(box, Box):
        raise TypeError(f"Box {number} must be a Box, found {type(box).__name__}.")
    # Corners the wrong way round, or width and height in their place, would hide nothing.
    if not (box.x1 < box.x2 and box.y1 < box.y2):
        raise ValueError(f"Box {number} must have x1 below x2 and y1 below y2, found {box}.")
    return box


def _content(data: object) -> bytes:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"data must be the content of a file, found {type(data).__name__}.")
    return bytes(data)


def _check(picture: object) -> None:
    if not isinstance(picture, np.ndarray):
        # As None, which OpenCV gives for a file that it cannot read.
        raise TypeError(f"picture must be an array, found {type(picture).__name__}.")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(
            "picture must be uint8 with shape (height, width, 3), "
            f"found {picture.dtype} with shape {picture.shape}."
        )
    if 0 in picture.shape:
        raise ValueError(f"picture is empty: shape {picture.shape}.")


def _pipeline() -> Pipeline:
    with _lock:
        if not _pipelines:
            _pipelines.append(Pipeline(make_detector()))
        return _pipelines[0]
