"""What became of every picture, for people's spreadsheets and for programs."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from faceblur_service.cli.words import faces_json, json_text, plural
from faceblur_service.filejob import FileAnswer


class Status(StrEnum):
    """What became of a picture."""

    BLURRED = "blurred"
    SKIPPED = "skipped"
    """Done already, and nothing changed since."""

    FAILED = "failed"
    PLANNED = "planned"
    """Would be worked on: a dry run."""


@dataclass(frozen=True, slots=True)
class Row:
    """One picture."""

    file: str
    output: str | None
    status: Status
    answer: FileAnswer = FileAnswer()  # noqa: RUF009 - frozen: sharing it is harmless


COLUMNS = ("file", "output", "status", "faces", "hiddenAgain", "code", "error")


def as_json(rows: Sequence[Row], options: dict[str, str]) -> str:
    """Return a report as JSON: options, pictures with their boxes, and how many of each status."""
    counted = Counter(row.status.value for row in rows)
    whole = {
        "options": options,
        "pictures": [_picture(row) for row in rows],
        "summary": {status.value: counted[status.value] for status in Status},
    }
    return json_text(whole)


def as_csv(rows: Iterable[Row]) -> str:
    """Return a report as CSV with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        is_done = row.status is Status.BLURRED
        writer.writerow(
            (
                row.file,
                row.output or "",
                row.status.value,
                len(row.answer.faces) if is_done else "",
                row.answer.hidden_again if is_done else "",
                row.answer.code or "",
                row.answer.error or "",
            )
        )
    return out.getvalue()


def in_words(rows: Sequence[Row]) -> str:
    """Return one line for a person."""
    counted = Counter(row.status for row in rows)
    faces = sum(len(row.answer.faces) for row in rows if row.status is Status.BLURRED)
    again = sum(row.answer.hidden_again for row in rows)
    parts = [f"{plural(counted[Status.BLURRED], 'picture')} blurred ({plural(faces, 'face')}"]
    parts[0] += f", {again} hidden harder)" if again else ")"
    if counted[Status.SKIPPED]:
        parts.append(f"{counted[Status.SKIPPED]} done before")
    if counted[Status.FAILED]:
        parts.append(f"{counted[Status.FAILED]} failed")
    return ", ".join(parts)


def _picture(row: Row) -> dict[str, Any]:
    said: dict[str, Any] = {"file": row.file, "output": row.output, "status": row.status.value}
    if row.status is Status.BLURRED:
        said |= {"faces": faces_json(row.answer.faces), "hiddenAgain": row.answer.hidden_again}
    if row.answer.code is not None:
        said |= {"code": row.answer.code, "error": row.answer.error}
    return said
