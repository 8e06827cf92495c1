"""`faceblur detect`: where the faces are."""

import argparse
import os
from pathlib import Path
from typing import Any

from faceblur_service import batch, files
from faceblur_service.cli import sources
from faceblur_service.cli.ledger import Ledger, state
from faceblur_service.cli.progress import Progress
from faceblur_service.cli.sources import Source
from faceblur_service.cli.words import (
    UsageError,
    Verb,
    add_effort,
    add_inputs,
    add_sensitivity,
    add_verb,
    answer_json,
    json_text,
    path_name,
    read_in,
    say,
    write_out,
)
from faceblur_service.filejob import FileAnswer, FileJob
from faceblur_service.options import Options, Sensitivity

# A folder of such a name would be a surprise to whoever meant the drawing.
_DRAWINGS = {".jpg", ".jpeg", ".png", ".webp"}
# In the ledger, in place of the options of a result.
_DRAWN = "drawn"

_VERB = Verb(
    "detect",
    "say where the faces in pictures are, as JSON; nothing is hidden",
    """\
The answer:
  {"pictures": [{"file": "photo.jpg", "width": 640, "height": 480,
                 "faces": [{"id": "1", "x": 10, "y": 20, "width": 30, "height": 40,
                            "score": 0.91}]}]}
  in pixels of the picture turned upright, the surest face first. A picture that failed has
  "error" instead of "faces". `faceblur blur --boxes` takes it back, corrected.

Examples:
  faceblur detect photo.jpg
  faceblur detect holiday -r --sensitivity max > boxes.json
  faceblur detect photo.jpg --draw looked-at      also looked-at/photo.jpg with the boxes drawn
  faceblur detect - < photo.jpg

Exit status: 0 all looked at, 1 some failed, 2 wrong usage, 130 interrupted.
""",
)


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, _VERB)
    add_inputs(parser)
    parser.add_argument(
        "--draw",
        type=_folder,
        metavar="DIR",
        help="also write there a JPEG of each picture with numbered boxes, nothing hidden",
    )
    parser.add_argument(
        "--force", action="store_true", help="let --draw replace what it did not make"
    )
    add_sensitivity(parser)
    add_effort(parser)
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Look for faces and return the exit status."""
    if "-" in asked.inputs:
        return _stream(asked)
    found = sources.find(asked.inputs, recursive=asked.recursive, output=asked.draw)
    for text in () if asked.quiet else found.notes:
        say(text)
    answers: dict[str, FileAnswer] = {}
    for lost, text in found.missing.items():
        say(f"{lost}: {text}")
        answers[lost] = FileAnswer(code="file-error", error=text)
    jobs = _jobs(found.sources, asked)
    answers |= {str(job.source): FileAnswer() for job in jobs}
    with Progress(len(jobs), quiet=asked.quiet) as progress:
        for job, answer in files.run(jobs, workers=asked.jobs or batch.cores()) if jobs else ():
            answers[str(job.source)] = answer
            if answer.code is not None:
                progress.say(f"{job.source}: {answer.error}")
            progress.step()
    _print(answers)
    return 1 if any(answer.code is not None for answer in answers.values()) else 0


def _folder(text: str) -> Path:
    path = Path(path_name(text))
    if path.suffix.lower() in _DRAWINGS and not path.is_dir():
        raise argparse.ArgumentTypeError(
            f"must be a folder, where a drawing is called as its picture, found {text!r}"
        )
    return path


def _jobs(found: list[Source], asked: argparse.Namespace) -> list[FileJob]:
    options = Options(sensitivity=Sensitivity(asked.sensitivity))
    if asked.draw is None:
        return [FileJob(source=source.path, options=options) for source in found]
    targets = {source.path: _preview_of(source, asked.draw) for source in found}
    bad = sources.clashes(targets.items(), "choose another folder")
    if bad:
        raise UsageError("; ".join(bad.values()))
    ledger, jobs = Ledger(asked.draw), []
    for path, target in targets.items():
        if os.path.lexists(target) and not (asked.force or ledger.made(target, _DRAWN)):
            # A result of `blur` is none of ours either: a clear picture must not take its place.
            raise UsageError(f"{target} exists and was not drawn by this: --force replaces it.")
        before = state(path)
        note = None if before is None else ledger.note(before, target, _DRAWN)
        jobs.append(FileJob(source=path, options=options, preview=target, before_naming=note))
    return jobs


def _preview_of(source: Source, folder: Path) -> Path:
    place = sources.target_of(source, folder)
    is_jpeg = place.suffix.lower() in {".jpg", ".jpeg"}
    return place if is_jpeg else place.with_name(f"{place.name}.jpg")


def _stream(asked: argparse.Namespace) -> int:
    from faceblur_service import python_api
    from faceblur_service.codec import MAX_BYTES

    if len(asked.inputs) != 1 or asked.draw:
        raise UsageError("- stands for one picture, alone, and cannot be drawn.")
    data = read_in(MAX_BYTES)
    found = python_api.detect_bytes(data, sensitivity=asked.sensitivity)
    answer = FileAnswer(faces=tuple(found.faces), width=found.width, height=found.height)
    _print({"-": answer})
    return 0


def _print(answers: dict[str, FileAnswer]) -> None:
    pictures = [answer_json(file, answer) for file, answer in answers.items()]
    write_out(json_text({"pictures": pictures}))
