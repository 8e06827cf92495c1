"""What several verbs say alike: their options, their errors, their JSON."""

import argparse
import sys
from typing import Any, NamedTuple

from faceblur_service.faces import Face
from faceblur_service.filejob import FileAnswer
from faceblur_service.options import Mode, Sensitivity, Strength

HIDING = {
    Mode.BLUR: "mean colours of a 4 x 4 grid",
    Mode.MOSAIC: "the same as squares",
    Mode.SOLID: "one colour: the only mode that is irreversible",
    Mode.EMOJI: "a drawn face",
}


class UsageError(Exception):
    """The command line asks for something that cannot be meant."""


class Verb(NamedTuple):
    """How a verb introduces itself."""

    name: str
    summary: str
    examples: str


def add_verb(verbs: Any, verb: Verb) -> argparse.ArgumentParser:
    """Return a new parser for a verb among the others."""
    made = verbs.add_parser(
        verb.name,
        help=verb.summary,
        description=f"{verb.summary[0].upper()}{verb.summary[1:]}.",
        epilog=verb.examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    assert isinstance(made, argparse.ArgumentParser)  # noqa: S101 - narrows argparse's own Any
    return made


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add what names the pictures."""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="FILE|DIR|GLOB|-",
        help="pictures, folders of pictures, patterns in quotes; - reads one from standard input",
    )
    parser.add_argument(
        "-r", "--recursive", action="store_true", help="also the folders inside of a DIR"
    )


def add_sensitivity(parser: argparse.ArgumentParser) -> None:
    """Add how hard to look."""
    parser.add_argument(
        "--sensitivity",
        choices=[one.value for one in Sensitivity],
        default=Sensitivity.HIGH.value,
        help="how hard to look for faces: fast misses small ones, max also hides what may be one "
        "(default: high)",
    )


def add_hiding(parser: argparse.ArgumentParser) -> None:
    """Add how to hide."""
    modes = "; ".join(f"{mode.value} = {text}" for mode, text in HIDING.items())
    parser.add_argument(
        "--mode",
        choices=[one.value for one in Mode],
        default=Mode.BLUR.value,
        help=f"how to hide a face: {modes} (default: blur)",
    )
    parser.add_argument(
        "--strength",
        choices=[one.value for one in Strength],
        default=Strength.NORMAL.value,
        help="strong leaves still less of a face in the modes blur and mosaic (default: normal)",
    )


def add_effort(parser: argparse.ArgumentParser) -> None:
    """Add how many processes and how much to say."""
    parser.add_argument(
        "-j", "--jobs", type=_jobs, metavar="N", help="pictures at once (default: one per core)"
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no progress bar and no summary, errors only"
    )


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 256, found {text!r}")
    return int(text)


def answer_json(file: str, answer: FileAnswer) -> dict[str, Any]:
    """Return what is reported of one picture."""
    said: dict[str, Any] = {"file": file}
    if answer.width is not None:
        said |= {"width": answer.width, "height": answer.height}
    if answer.code is not None:
        return {**said, "code": answer.code, "error": answer.error}
    return {**said, "faces": faces_json(answer.faces)}


def faces_json(faces: tuple[Face, ...]) -> list[dict[str, Any]]:
    """Return faces as JSON."""
    return [dict(face.as_json()) for face in faces]


def plural(count: int, noun: str) -> str:
    """Return "1 face" or "2 faces"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def say(text: str) -> None:
    """Write a line to a person: standard output is for results."""
    sys.stderr.write(f"{text}\n")
