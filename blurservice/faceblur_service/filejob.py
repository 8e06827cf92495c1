"""One file on the disk as a job of a worker process, so everything here can be sent to one.

Nothing is raised: what went wrong is part of the answer, because one bad file must not stop the
others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faceblur_service.errors import FaceBlurError
from faceblur_service.faces import Face
from faceblur_service.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class FileJob:
    """A picture to work on."""

    source: Path
    options: Options
    target: Path | None = None
    """Where the picture with hidden faces goes; None: only look for faces."""

    before_naming: Callable[[Path], None] | None = None
    """Called in the worker with the finished result before it gets its name: see `atomic.write`."""

    preview: Path | None = None
    """Where a JPEG with the found boxes drawn goes; None: nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer:
    """What became of it."""

    faces: tuple[Face, ...] = ()
    hidden_again: int = 0
    width: int | None = None
    """Pixels, upright; known when only faces were looked for."""

    height: int | None = None
    code: str | None = None
    """A stable word for what went wrong; None when nothing did."""

    error: str | None = None
    """The same as a sentence."""


def writes(job: FileJob) -> Path | None:
    """Return the file that a job writes."""
    return job.target or job.preview


def failure(err: Exception) -> FileAnswer:
    """Return an error as an answer."""
    if isinstance(err, FaceBlurError):
        return FileAnswer(code=err.code, error=str(err))
    if isinstance(err, MemoryError):
        return FileAnswer(code="out-of-memory", error="The picture does not fit into memory.")
    if isinstance(err, OSError):
        return FileAnswer(code="file-error", error=in_words(err))
    return FileAnswer(code="internal-error", error=f"{type(err).__name__}: {err}")


def in_words(err: OSError) -> str:
    """Return what the system refused as a sentence."""
    reason = err.strerror or str(err)
    return f"{reason}: {err.filename}." if err.filename is not None else f"{reason}."
