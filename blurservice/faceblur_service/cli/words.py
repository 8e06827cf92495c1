"""What several verbs say alike: their options, their errors, their JSON."""

import argparse
import errno
import json
import math
import os
import re
import sys
import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple

from faceblur_service.errors import NoPicture
from faceblur_service.faces import Face
from faceblur_service.filejob import FileAnswer
from faceblur_service.options import Mode, Sensitivity, Strength

HIDING = {
    Mode.BLUR: "mean colours of a 4 x 4 grid",
    Mode.MOSAIC: "the same as squares",
    Mode.SOLID: "one colour: the only mode that is irreversible",
    Mode.EMOJI: "a drawn face",
}


_LAST_PORT = 65535


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
        # A shortened option would mean something else as soon as there is another one like it.
        allow_abbrev=False,
    )
    assert isinstance(made, argparse.ArgumentParser)  # noqa: S101 - narrows argparse's own Any
    return made


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add what names the pictures."""
    parser.add_argument(
        "inputs",
        nargs="+",
        type=path_name,
        metavar="FILE|DIR|GLOB|-",
        help="pictures, folders of pictures, patterns in quotes; - reads one from standard input; "
        "a name that begins with a dash is ./-so.jpg",
    )
    parser.add_argument(
        "-r",
        "--recursive",
        action="store_true",
        help="also the folders inside of a DIR, except hidden and linked ones",
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


def path_name(text: str) -> str:
    """Return a name of the command line; an empty one is a variable that was not set."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def number(least: float, most: float = math.inf) -> Callable[[str], float]:
    """Return what reads a number of a range from the command line."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:  # false for NaN too
            limit = f"from {least:g} to {most:g}" if most < math.inf else f"of {least:g} or more"
            raise argparse.ArgumentTypeError(f"must be a number {limit}, found {text!r}")
        return value

    return read


def port(text: str) -> int:
    """Return a TCP port of the command line; 0 is any that is free."""
    if not text.isascii() or not text.isdigit() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to 65535, found {text!r}")
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
    if sys.stderr is not None:
        sys.stderr.write(f"{shown(text)}\n")


def shown(text: str) -> str:
    """Return a text as one line that no terminal takes for a command, whatever files are called."""
    return "".join(
        _escaped(letter) if unicodedata.category(letter) in _UNSEEN else letter for letter in text
    )


def _escaped(letter: str) -> str:
    # The latter are bytes of a name that is not in UTF-8.
    is_byte = "\udc80" <= letter <= "\udcff"
    return f"\\x{ord(letter) - 0xDC00:02x}" if is_byte else repr(letter)[1:-1]


_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def json_text(value: Any) -> str:
    """Return JSON for people and programs: in UTF-8, also when a file name is not."""
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    # Such a name reads as the same bytes again in Python (os.fsencode) and is JSON for the others.
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def write_out(data: bytes | str) -> None:
    """Write a result to standard output, now.

    Args:
        data: Bytes, or a text, which goes out as UTF-8 in every locale; names keep their bytes.

    Raises:
        OSError: There is no standard output, or it takes no more.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")
    try:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
    except OSError as err:
        raise OSError(err.errno, err.strerror, "standard output") from err


def read_in(limit: int) -> bytes:
    """Return what standard input holds, one byte more than the limit at most.

    Raises:
        NoPicture: Nothing came.
    """
    data = b"" if sys.stdin is None else sys.stdin.buffer.read(limit + 1)
    if not data:
        raise NoPicture("Standard input is empty: a picture was wanted.")
    return data
