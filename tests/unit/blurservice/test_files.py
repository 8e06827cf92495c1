"""What went wrong with a file, as an answer."""

from pathlib import Path

import pytest

from faceblur_service.errors import BrokenPicture
from faceblur_service.filejob import FileAnswer, FileJob, failure, writes
from faceblur_service.options import Options


@pytest.mark.parametrize(
    ("err", "want"),
    [
        (BrokenPicture("No."), FileAnswer(code="broken-picture", error="No.")),
        (
            MemoryError(),
            FileAnswer(code="out-of-memory", error="The picture does not fit into memory."),
        ),
        (
            PermissionError(13, "Permission denied", "a.jpg"),
            FileAnswer(code="file-error", error="Permission denied: a.jpg."),
        ),
        (KeyError("x"), FileAnswer(code="internal-error", error="KeyError: 'x'")),
    ],
)
def test_every_error_becomes_a_code_and_a_sentence(err: Exception, want: FileAnswer) -> None:
    assert failure(err) == want


@pytest.mark.parametrize(
    ("target", "preview", "want"),
    [
        (None, None, None),
        (Path("out.jpg"), None, Path("out.jpg")),
        (None, Path("look.jpg"), Path("look.jpg")),
    ],
)
def test_a_job_says_what_it_writes(
    target: Path | None, preview: Path | None, want: Path | None
) -> None:
    job = FileJob(source=Path("in.jpg"), options=Options(), target=target, preview=preview)

    assert writes(job) == want
