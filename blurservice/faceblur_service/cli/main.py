"""The entry of the command line: one verb, one exit status.

Status: 0 all went well, 1 something failed, 2 it was asked for wrongly, 130 interrupted.
"""

import argparse
import contextlib
import importlib.metadata
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from faceblur_service.cli import blur, detect, model_files, probing, serving
from faceblur_service.cli.words import UsageError, say
from faceblur_service.errors import FaceBlurError
from faceblur_service.filejob import in_words

FAILED, USAGE, INTERRUPTED = 1, 2, 130

_DESCRIPTION = """\
Find every face in pictures and make it unrecognisable, on this machine: nothing leaves it.

  faceblur blur photo.jpg            writes photo.blurred.jpg beside it
  faceblur blur holiday -o safe -r   a folder with all its subfolders, over all cores
  faceblur detect photo.jpg          where the faces are, as JSON
  faceblur serve                     the page and the HTTP API on this machine
"""

_EPILOG = """\
`faceblur VERB --help` explains each with examples.
Exit status: 0 all went well, 1 something failed, 2 wrong usage, 130 interrupted.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    made = argparse.ArgumentParser(
        prog="faceblur",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = importlib.metadata.version("faceblur")
    made.add_argument("--version", action="version", version=f"faceblur {version}")
    verbs = made.add_subparsers(dest="verb", metavar="VERB", required=True)
    for module in (blur, detect, model_files, serving, probing):
        module.add_to(verbs)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    _fill_closed()
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        parser().print_help(sys.stderr)
        return USAGE
    options = parser().parse_args(given)
    # A service manager's stop is the same wish as a person's Ctrl-C: end, and leave no half file.
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(options.run(options))
    except UsageError as err:
        say(f"faceblur {options.verb}: {err}")
        return USAGE
    except FaceBlurError as err:
        say(f"faceblur: {err}")
        return FAILED
    except KeyboardInterrupt:
        say("")
        say("faceblur: interrupted; what was finished stays, nothing is half done")
        return INTERRUPTED
    except OSError as err:
        # Whoever read our output may have gone, as `head` does: that is no news.
        if not isinstance(err, BrokenPipeError):
            say(f"faceblur: {in_words(err)}")
        _forget_output()
        return FAILED
    finally:
        signal.signal(signal.SIGTERM, before)


def _fill_closed() -> None:
    """Keep the numbers of closed standard streams from files, into which libraries would complain.

    Standard output that is closed stays an error of whoever writes a result there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, so this very one; worker processes have it too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - to the end


def _forget_output() -> None:
    # Python writes at exit what is left, and would complain again.
    if sys.stdout is not None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
