"""The blur service as its image runs it: gunicorn in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.eventually import Patience, eventually

from faceblur_service import models

STARTING = Patience("the service starts", 30)
STOPPING = Patience("the service stops", 30)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Running:
    """A running service."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str) -> Answer:
        """Return the answer to GET; status 0 when nobody answers."""
        return _ask(urllib.request.Request(self.url + path))

    def blur(self, picture: bytes, kind: str = "image/jpeg") -> Answer:
        """Return the answer to a picture; status 0 when nobody answers."""
        headers = {"Content-Type": kind}
        return _ask(urllib.request.Request(self.url + "/api/v1/blur", picture, headers))


def command(port: int) -> list[str]:
    """Return the command line that the image runs, on a loopback port."""
    return [
        *(sys.executable, "-m", "gunicorn"),
        *("--config", "python:faceblur_service.web.gunicorn_conf"),
        *("--bind", f"127.0.0.1:{port}", "faceblur_service.web:create_app()"),
    ]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment for it that keeps its files in a folder."""
    return {
        **os.environ,
        "FACEBLUR_VERSION": "1.1",
        "FACEBLUR_TRACK": "gray",
        "FACEBLUR_SECRET_KEY": "test",
        "FACEBLUR_MODELS_DIR": str(models.ensure()),
        "FACEBLUR_GRAY_DB": str(folder / "gray.sqlite"),
        "FACEBLUR_DRAIN_SECONDS": "2",
        # As in the image.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        **more,
    }


@contextmanager
def running(folder: Path, *, before: Sequence[str] = (), **more: str) -> Iterator[Running]:
    """Run the service until the block ends.

    Args:
        folder: Where its log and its gray channel's file go.
        before: A command that runs it, such as a tracer.
        **more: Environment variables.
    """
    port, log = free_port(), folder / "service.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*before, *command(port)],
            env=environment(folder, **more),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = Running(f"http://127.0.0.1:{port}", process, log)
    try:
        eventually(
            lambda: service.get("/readyz").status if process.poll() is None else log.read_text(),
            lambda status: status == 200,
            within=STARTING,
            what="it is ready",
        )
        yield service
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT)
        try:
            process.wait(STOPPING.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ask(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as err:
        with err:
            return Answer(err.code, dict(err.headers), err.read())
    except OSError:
        return Answer(0, {}, b"")


def run(argv: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in the service's environment to its end."""
    return subprocess.run(
        argv, env=environment(folder), capture_output=True, text=True, timeout=120, check=False
    )
