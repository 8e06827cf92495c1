"""What a person sees while things are built, and a lock so that only one run builds."""

import contextlib
import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.cluster import paths
from tests.cluster.errors import ClusterError


def say(line: str) -> None:
    """Write one line for the person who waits."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Say what begins and, when it is done, how long it took."""
    say(f"{what} ...")
    began = time.monotonic()
    yield
    say(f"{what}: done in {time.monotonic() - began:.0f} s")


@contextlib.contextmanager
def only_one(name: str) -> Iterator[None]:
    """Let one process at a time build `name`; the others wait and then find it built."""
    folder = paths.cache() / "locks"
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is making {name}; waiting for it ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run_logged(
    command: Sequence[str],
    log: Path,
    advice: str,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a long command with its output in `log`.

    Raises:
        ClusterError: with the last lines of the log and `advice`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"$ {' '.join(command)}\n".encode())
        out.flush()
        try:
            done = subprocess.run(
                list(command),
                cwd=cwd,
                env=dict(env) if env is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except FileNotFoundError as err:
            raise ClusterError(f"{command[0]} is not on this machine. {advice}") from err
    if done.returncode != 0:
        tail = "\n  ".join(log.read_text(errors="replace").splitlines()[-12:])
        raise ClusterError(
            f"{command[0]} failed with status {done.returncode}. {advice}\n"
            f"Last lines of {log}:\n  {tail}"
        )
