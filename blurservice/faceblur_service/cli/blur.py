"""`faceblur blur`: hide every face in pictures."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from faceblur_service import atomic, batch, files
from faceblur_service.cli import box_file, plan, sources
from faceblur_service.cli.plan import Plan, Wish
from faceblur_service.cli.progress import Progress
from faceblur_service.cli.report import Row, Status, as_csv, as_json, in_words
from faceblur_service.cli.words import (
    UsageError,
    Verb,
    add_effort,
    add_hiding,
    add_inputs,
    add_sensitivity,
    add_verb,
    path_name,
    read_in,
    say,
    shown,
    write_out,
)
from faceblur_service.filejob import FileAnswer
from faceblur_service.fingerprint import fingerprint
from faceblur_service.options import Mode, Options, Sensitivity, Strength

_VERB = Verb(
    "blur",
    "hide every face in pictures, and write them without any metadata",
    """\
Where results go:
  without -o, photo.jpg becomes photo.blurred.jpg beside it; with -o DIR the pictures keep their
  names and folders below DIR; for a single picture -o may be a file, or - for standard output.
  An original is never touched, except with --in-place; a file that this command did not make is
  never replaced, except with --force. With -o inside of DIR the results are not taken again.

Going on after a stop:
  the same command again skips what is done and unchanged (noted in .faceblur.jsonl beside the
  results). Other options, another version or a changed picture are done again.
  A folder without pictures is no failure and is told; a pattern that matches nothing is one.

Examples:
  faceblur blur photo.jpg
  faceblur blur photo.jpg -o safe.jpg --mode solid
  faceblur blur holiday -r -o safe --report csv > report.csv
  faceblur blur 'scans/*.png' -o safe --sensitivity max --jobs 2
  faceblur blur holiday --dry-run
  faceblur blur - < photo.jpg > safe.jpg
  faceblur detect photo.jpg > boxes.json; edit it; faceblur blur photo.jpg --boxes boxes.json

Exit status: 0 all blurred or done before, 1 some failed, 2 wrong usage, 130 interrupted.
""",
)


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, _VERB)
    add_inputs(parser)
    parser.add_argument(
        "-o", "--output", type=path_name, metavar="PATH", help="a folder, a file, or -"
    )
    parser.add_argument("--in-place", action="store_true", help="replace the originals")
    parser.add_argument(
        "--force", action="store_true", help="do again what is done, replace what is there"
    )
    add_hiding(parser)
    add_sensitivity(parser)
    parser.add_argument(
        "--boxes",
        type=Path,
        metavar="FILE",
        help="hide exactly these: JSON of detect or of a report, corrected; "
        '"hide": false keeps a face clear',
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would be done, one line each"
    )
    parser.add_argument(
        "--report", choices=["json", "csv"], help="write what became of each picture to stdout"
    )
    add_effort(parser)
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Hide what was asked for and return the exit status."""
    if asked.in_place and asked.output:
        raise UsageError("--in-place and -o exclude each other.")
    if "-" in asked.inputs or asked.output == "-":
        return _stream(asked)
    output = Path(asked.output) if asked.output else None
    found = sources.find(asked.inputs, recursive=asked.recursive, output=output)
    paths = [source.path for source in found.sources]
    planned = plan.make(
        found.sources,
        Wish(
            output=output,
            is_folder=bool(asked.output) and asked.output.endswith(os.sep),
            in_place=asked.in_place,
            force=asked.force,
        ),
        _options(asked),
        fingerprint(),
        box_file.read(asked.boxes, paths) if asked.boxes else {},
    )
    rows = [*plan.missing(found.missing), *planned.rows]
    for row in rows:
        if row.status is Status.FAILED:
            say(f"{row.file}: {row.answer.error}")
    for text in () if asked.quiet else found.notes:
        say(text)
    rows += _planned(planned) if asked.dry_run else _work(planned, asked)
    return _tell(rows, asked, {str(path): place for place, path in enumerate(paths)})


def _work(planned: Plan, asked: argparse.Namespace) -> list[Row]:
    jobs, rows = planned.jobs, []
    atomic.remove_left(job.target for job in jobs if job.target is not None)
    workers = asked.jobs or batch.cores()
    with Progress(len(jobs), quiet=asked.quiet) as progress:
        for job, answer in files.run(jobs, workers=workers) if jobs else ():
            status = Status.BLURRED if answer.code is None else Status.FAILED
            rows.append(Row(str(job.source), str(job.target), status, answer))
            if status is Status.FAILED:
                progress.say(f"{job.source}: {answer.error}")
            progress.step()
    return rows


def _planned(planned: Plan) -> list[Row]:
    return [Row(str(job.source), str(job.target), Status.PLANNED) for job in planned.jobs]


def _tell(rows: list[Row], asked: argparse.Namespace, order: dict[str, int]) -> int:
    # As they were named, not as they finished: the same command gives the same report.
    rows.sort(key=lambda row: order.get(row.file, -1))
    if asked.report == "json":
        chosen = {one: getattr(asked, one) for one in ("mode", "strength", "sensitivity")}
        write_out(as_json(rows, chosen))
    elif asked.report == "csv":
        write_out(as_csv(rows))
    elif asked.dry_run:
        lines = (
            shown(f"{row.status.value}: {row.file} -> {row.output}")
            for row in rows
            if row.status is not Status.FAILED
        )
        write_out("".join(f"{line}\n" for line in lines))
    if not asked.quiet and not asked.dry_run and rows:
        say(in_words(rows))
    return 1 if any(row.status is Status.FAILED for row in rows) else 0


def _stream(asked: argparse.Namespace) -> int:
    """Hide one picture from standard input, or to standard output."""
    from faceblur_service import python_api
    from faceblur_service.codec import MAX_BYTES

    if len(asked.inputs) != 1 or asked.dry_run or asked.in_place:
        raise UsageError("- stands for one picture, alone, and is neither dry nor in place.")
    to_stdout = asked.output in {None, "-"}
    is_shown = sys.stdout is not None and sys.stdout.isatty()
    if to_stdout and (is_shown or asked.report):
        raise UsageError("a picture would go to standard output: name a file with -o.")
    target = None if to_stdout else Path(asked.output)
    if target is not None:
        _check_target(target, asked)
    (said,) = asked.inputs
    path = Path(said)
    if said == "-":
        data = read_in(MAX_BYTES)
    elif path.is_dir():
        raise UsageError(f"{said} is a folder: - stands for one picture.")
    elif not path.exists():
        raise UsageError(f"{said}: there is no such file.")
    else:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    boxes = box_file.read(asked.boxes, [path]).get(path) if asked.boxes else None
    options = _options(asked)
    result = python_api.blur_bytes(
        data,
        mode=options.mode,
        strength=options.strength,
        sensitivity=options.sensitivity,
        boxes=boxes,
    )
    if target is None:
        write_out(result.data)
        return 0
    atomic.write(target, result.data)
    answer = FileAnswer(faces=tuple(result.faces), hidden_again=result.hidden_again)
    return _tell([Row(said, str(target), Status.BLURRED, answer)], asked, {})


def _check_target(target: Path, asked: argparse.Namespace) -> None:
    # Before the work and not after it.
    if os.path.isdir(target) or asked.output.endswith(os.sep):
        raise UsageError(f"-o {asked.output} is a folder: a picture without a name needs a file.")
    if os.path.lexists(target) and not target.is_file():
        raise UsageError(f"{target} is no file that could be replaced.")
    if target.is_file() and not asked.force:
        raise UsageError(f"{target} exists: --force replaces it.")


def _options(asked: argparse.Namespace) -> Options:
    return Options(
        mode=Mode(asked.mode),
        strength=Strength(asked.strength),
        sensitivity=Sensitivity(asked.sensitivity),
    )
