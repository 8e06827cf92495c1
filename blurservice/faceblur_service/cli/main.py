"""The entry of the command line: one verb, one exit status.

Status: 0 all went well, 1 something failed, 2 it was asked for wrongly, 130 interrupted.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from faceblur_service.cli import blur, detect, model_files, probing, serving
from faceblur_service.cli.words import UsageError
from faceblur_service.errors import FaceBlurError

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
    verbs = made.add_subparsers(dest="verb", metavar="VERB", required=True)
    for module in (blur, detect, model_files, serving, probing):
        module.add_to(verbs)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = parser().parse_args(arguments)
    # A service manager's stop is the same wish as a person's Ctrl-C: end, and leave no half file.
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(options.run(options))
    except UsageError as err:
        sys.stderr.write(f"faceblur {options.verb}: {err}\n")
        return USAGE
    except FaceBlurError as err:
        sys.stderr.write(f"faceblur: {err}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("\nfaceblur: interrupted; what was finished stays, nothing is half done\n")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; Python would complain at exit again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
