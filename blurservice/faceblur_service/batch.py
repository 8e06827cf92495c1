"""Many files over all cores: one process per core, each with its own detector.

Processes and not threads: MediaPipe serialises all calls of a process. One picture at a time per
process and not tensors of several: the networks take one picture. See docs/design/batching.md.

A picture that kills its process, or takes too long, costs that process and nothing else: the next
picture gets a new one. Used by the command line and by `blur_files`.
"""

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Generic, TypeVar

from faceblur_service import atomic
from faceblur_service.errors import ModelError, StartError

TIMEOUT_S = 120.0
"""A picture takes seconds at most, on the slowest machine."""

_START_S = 120.0

Job = TypeVar("Job")
Answer = TypeVar("Answer")


class Lost(Exception):  # noqa: N818 - what happened to a job, handed out and never raised
    """A job whose process ended or was ended."""


@dataclass(frozen=True, slots=True)
class Trade(Generic[Job, Answer]):
    """What the processes do; all three are called there, so they are module-level functions."""

    start: Callable[[], Callable[[Job], Answer]]
    """Called once in each process; returns the function that does one job.

    It may raise StartError. The function it returns must not raise.
    """

    writes: Callable[[Job], Path | None]
    """Called in this process: the file that a job writes, to clean up behind a lost process."""


def cores() -> int:
    """Return how many processes can work at once: allowed cores, or a container's share."""
    # Linux only; elsewhere no container limits either.
    affinity = getattr(os, "sched_getaffinity", None)
    allowed = len(affinity(0)) if affinity else os.cpu_count() or 1
    for quota, period in (
        ("/sys/fs/cgroup/cpu.max", None),
        ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
    ):
        with contextlib.suppress(OSError, ValueError):
            words = Path(quota).read_text(encoding="ascii").split()
            if period is not None:
                words += Path(period).read_text(encoding="ascii").split()
            share = int(words[0]) / int(words[1])
            if share > 0:
                return max(1, min(allowed, round(share)))
    return allowed


def run(
    jobs: Iterable[Job],
    trade: Trade[Job, Answer],
    *,
    workers: int,
    timeout_s: float = TIMEOUT_S,
) -> Iterator[tuple[Job, Answer | Lost]]:
    """Do the jobs and yield each with its answer as it finishes.

    Closing the iterator, or an exception in the caller's loop such as Ctrl-C, ends the processes
    and removes what they had half written.

    Args:
        jobs: What to do.
        trade: How.
        workers: Processes at once; at most one per job is started.
        timeout_s: Seconds after which the process of a job is ended.

    Raises:
        StartError: A process cannot work at all, for instance for lack of a model.
    """
    waiting = deque(jobs)
    crew = [_Worker(trade) for _ in range(min(workers, len(waiting)))]
    try:
        while waiting or any(worker.is_busy for worker in crew):
            for worker in crew:
                if waiting and not worker.is_busy:
                    worker.take(waiting.popleft(), timeout_s)
            yield from _finished([worker for worker in crew if worker.is_busy])
    finally:
        for worker in crew:
            worker.end()
        for worker in crew:
            worker.bury()


def _finished(
    busy: list["_Worker[Job, Answer]"],
) -> Iterator[tuple[Job, Answer | Lost]]:
    soonest = min(worker.deadline for worker in busy) - time.monotonic()
    ready = wait([worker.line for worker in busy], max(0.0, soonest))
    for worker in busy:
        if worker.line in ready:
            found = worker.answer()
            if found is not None:
                yield found
        elif worker.deadline <= time.monotonic():
            yield worker.give_up()


class _Worker(Generic[Job, Answer]):
    """One process, made again when it is lost."""

    def __init__(self, trade: Trade[Job, Answer]) -> None:
        self._trade = trade
        self._job: Job | None = None
        self._is_ready = False
        self.deadline = 0.0
        self._process, self.line = _start(trade)

    @property
    def is_busy(self) -> bool:
        return self._job is not None

    def take(self, job: Job, timeout_s: float) -> None:
        """Give it a job; a process that is still starting reads it later."""
        self._job, self._timeout_s = job, timeout_s
        if not self._process.is_alive():
            self.line.close()
            self._process, self.line = _start(self._trade)
            self._is_ready = False
        self.deadline = time.monotonic() + timeout_s + (0 if self._is_ready else _START_S)
        # A process that died just now is noticed when its answer is read.
        with contextlib.suppress(OSError):
            self.line.send(job)

    def answer(self) -> tuple[Job, Answer | Lost] | None:
        """Return what the process said; None when it only said that it is ready."""
        try:
            said = self.line.recv()
        except (EOFError, OSError):
            return self._lost()
        if isinstance(said, StartError):
            raise said
        if not self._is_ready:
            self._is_ready = True
            self.deadline = time.monotonic() + self._timeout_s
            return None
        return self._done(), said

    def give_up(self) -> tuple[Job, Answer | Lost]:
        """End the process and return its job as lost."""
        self._process.kill()
        self.bury()
        return self._done(), Lost(f"It took more than {self._timeout_s:g} seconds.")

    def end(self) -> None:
        """Ask the process to stop, at once when it is in the middle of a job."""
        if self.is_busy:
            self._process.kill()
        self.line.close()

    def bury(self) -> None:
        """Wait for the end of the process and remove what it left."""
        self._process.join(10)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        target = None if self._job is None else self._trade.writes(self._job)
        if target is not None and self._process.pid is not None:
            atomic.scratch_of(target, self._process.pid).unlink(missing_ok=True)

    def _lost(self) -> tuple[Job, Answer | Lost]:
        self.bury()
        code = self._process.exitcode or 0
        if not self._is_ready:
            raise ModelError(f"A worker process ended while it started, with {_reason(code)}.")
        return self._done(), Lost(f"Its process ended with {_reason(code)}.")

    def _done(self) -> Job:
        job, self._job = self._job, None
        assert job is not None  # noqa: S101 - only a busy worker is asked; narrows the type
        return job


def _reason(code: int) -> str:
    if code == -signal.SIGKILL:
        return "SIGKILL, probably for lack of memory"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _start(trade: Trade[Job, Answer]) -> tuple[SpawnProcess, Connection]:
    # Spawned, not forked: native threads of this process would be missing in a forked one.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, trade.start), daemon=True)
    # Ctrl-C reaches every process of the terminal; only this one decides what ends when. The new
    # process inherits the mask, so there is no moment in which it could be interrupted.
    # Starting the first one also starts a tracker, which would take the mask away again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    # Then the only other end is the process's own: reading here ends when the process does.
    theirs.close()
    return process, ours


def _work(line: Connection, start: Callable[[], Callable[[Job], Answer]]) -> None:
    """Do jobs until the other end is closed; what a process runs."""
    try:
        do = start()
    except StartError as err:
        line.send(err)
        return
    line.send(None)
    with contextlib.suppress(EOFError, OSError):
        while True:
            line.send(do(line.recv()))
