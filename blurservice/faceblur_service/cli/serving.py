"""`faceblur serve`: the page and the HTTP API on this machine."""

import argparse
import os
import sys
from typing import Any, NoReturn

from faceblur_service.cli.words import Verb, add_sensitivity, add_verb, say

_VERB = Verb(
    "serve",
    "run the page and the HTTP API on this machine",
    """\
It answers only this machine, unless --host says otherwise: there is no login.
All other settings come from the environment, see docs/reference/settings.md.

Examples:
  faceblur serve
  faceblur serve --port 8080 --sensitivity max
  faceblur serve --host 0.0.0.0          everybody who can reach this machine

Exit status: that of the server; 0 after Ctrl-C.
""",
)


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, _VERB)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument("--port", type=int, default=5000, help="(default: 5000)")
    add_sensitivity(parser)
    parser.set_defaults(run=run, sensitivity=None)


def run(asked: argparse.Namespace) -> NoReturn:
    """Become the server; does not return."""
    if asked.sensitivity is not None:
        os.environ["FACEBLUR_SENSITIVITY"] = asked.sensitivity
    say(f"open http://{asked.host}:{asked.port} in a browser; Ctrl-C ends it")
    command = server_command(asked.host, asked.port)
    # In place of this process: signals and the exit status are the server's own.
    os.execv(command[0], command)  # noqa: S606 - no shell is meant


def server_command(host: str, port: int) -> list[str]:
    """Return the command line of the server."""
    return [
        *(sys.executable, "-m", "gunicorn"),
        *("--config", "python:faceblur_service.web.gunicorn_conf"),
        *("--bind", f"{host}:{port}", "faceblur_service.web:create_app()"),
    ]
