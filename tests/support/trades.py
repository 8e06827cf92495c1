"""Trades for worker processes that need no model: they must be importable in a new process."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from faceblur_service import atomic
from faceblur_service.batch import Trade
from faceblur_service.errors import ModelError


def _start() -> Callable[[str], str]:
    return _do


def _do(job: str) -> str:
    """Do what the job says; `word rest of the line`."""
    verb, _, rest = job.partition(" ")
    match verb:
        case "exit":
            os._exit(int(rest))
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            scratch = atomic.scratch_of(Path(rest), os.getpid())
            scratch.write_bytes(b"half")
            Path(rest + ".begun").touch()
            threading.Event().wait()
        case "masked":
            return str(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        case "pid":
            return str(os.getpid())
        case _:
            pass
    return job.upper()


def _writes(job: str) -> Path | None:
    verb, _, rest = job.partition(" ")
    return Path(rest) if verb == "hang" else None


def _refuse() -> Callable[[str], str]:
    raise ModelError("No model.")


def _vanish() -> Callable[[str], str]:
    os._exit(7)


SHOUTING: Trade[str, str] = Trade(_start, _writes)
REFUSING: Trade[str, str] = Trade(_refuse, _writes)
VANISHING: Trade[str, str] = Trade(_vanish, _writes)
