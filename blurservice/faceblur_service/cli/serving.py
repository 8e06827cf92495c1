"""`faceblur serve`: the page and the HTTP API on this machine."""

import argparse
import errno
import os
import socket
import sys
from typing import Any, NoReturn

from faceblur_service import models, settings
from faceblur_service.cli.words import UsageError, Verb, add_sensitivity, add_verb, port, say

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

Exit status: that of the server, 0 after Ctrl-C; 1 without models, 2 when it cannot listen there.
""",
)


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, _VERB)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument("--port", type=port, default=5000, help="(default: 5000)")
    add_sensitivity(parser)
    parser.set_defaults(run=run, sensitivity=None)


def run(asked: argparse.Namespace) -> NoReturn:
    """Become the server; does not return."""
    _check(asked.host, asked.port)
    if asked.sensitivity is not None:
        os.environ["FACEBLUR_SENSITIVITY"] = asked.sensitivity
    # The server would refuse them too, but in words for a log, and after the address was told.
    settings.read()
    # No load balancer has to learn that this one is going: it may end at once.
    os.environ.setdefault("FACEBLUR_DRAIN_SECONDS", "0")
    say(f"open http://{_written(asked.host)}:{asked.port} in a browser; Ctrl-C ends it")
    command = server_command(asked.host, asked.port)
    # In place of this process: signals and the exit status are the server's own.
    os.execv(command[0], command)  # noqa: S606 - no shell is meant


def _check(host: str, port: int) -> None:
    """Refuse at once what the server would try five times, or would die of.

    Raises:
        ModelError: The first model is missing, or one is broken.
        UsageError: Nobody can listen there.
    """
    models.find(models.FACE_FULL_RANGE)
    models.find_optional(models.YUNET)
    try:
        (family, kind, _, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind) as tried:
            # As the server does: what it left behind a minute ago is not in the way.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            tried.listen()
    except OSError as err:
        hint = "; --port takes another one" if err.errno == errno.EADDRINUSE else ""
        raise UsageError(
            f"cannot listen on {_written(host)}:{port}: {err.strerror}{hint}."
        ) from err


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def server_command(host: str, port: int) -> list[str]:
    """Return the command line of the server."""
    return [
        *(sys.executable, "-m", "gunicorn"),
        *("--config", "python:faceblur_service.web.gunicorn_conf"),
        *("--bind", f"{_written(host)}:{port}", "faceblur_service.web:create_app()"),
    ]
