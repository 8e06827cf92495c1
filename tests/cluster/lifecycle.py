"""How a supervisor is started, waited for and ended, and how what a killed one left is removed."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypedDict

from tests.cluster import debs, paths, tools
from tests.cluster.errors import ClusterError
from tests.cluster.images import archives
from tests.cluster.layout import Layout
from tests.cluster.supervisor import take_away

_START_SECONDS = 150
# Gigabytes of unpacked images are removed, which a busy disk takes its time for.
_STOP_SECONDS = 180
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?")
_NODE_IMAGES = ("pause:1", "coredns:1.13")


class Facts(TypedDict):
    """What the supervisor tells about a cluster that is ready."""

    pid: int
    init: int
    port: int


def new_layout(name: str, *, nodes: bool, port: int) -> Layout:
    """Build what the cluster needs and return its settings."""
    if not _NAME.fullmatch(name):
        raise ClusterError(f"{name!r} is no cluster name: use up to 24 of a-z, 0-9 and -")
    state = paths.state_dir(name)
    mark = hashlib.sha256(str(state).encode()).hexdigest()[:8]
    return Layout(
        name=name,
        state=str(state),
        kubenode=str(tools.binary("kubenode")),
        debs=str(debs.node_root()) if nodes else "",
        images=tuple(map(str, archives(_NODE_IMAGES))) if nodes else (),
        cgroup=f"faceblur-{name}-{mark}",
        nodes=nodes,
        port=port,
    )


@contextlib.contextmanager
def lock(name: str, seconds: float = 0) -> Iterator[IO[str]]:
    """Hold the lock that a running cluster's supervisor holds for all its life.

    Raises:
        ClusterError: when it is still held after `seconds`.
    """
    folder = paths.cache() / "locks"
    folder.mkdir(exist_ok=True)
    end = time.monotonic() + seconds
    with (folder / f"cluster-{name}.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise ClusterError(
                        f"cluster {name} is running already: stop it with "
                        f"`python -m tests.cluster down {name}` or take another name"
                    ) from None
                time.sleep(0.05)
        yield file  # closing it gives the lock back, unless a supervisor inherited it


def supervise(layout: Layout, held: IO[str], *, detached: bool) -> tuple["Process", int | None]:
    """Start the supervisor; return it and, unless detached, our end of the lifeline."""
    ours: int | None = None
    theirs = -1
    passed = [held.fileno()]
    if not detached:
        theirs, ours = os.pipe()
        passed.append(theirs)
    with (layout.folder / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.supervisor", layout.state, str(theirs)],
            cwd=paths.REPO,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=passed,
            start_new_session=True,
        )
    if theirs >= 0:
        os.close(theirs)
    return process, ours


def wait_ready(layout: Layout, process: "Process") -> Facts:
    """Wait until the supervisor says that the cluster is ready."""
    end = time.monotonic() + _START_SECONDS
    ready = layout.folder / "ready"
    logs = paths.cache() / "log" / "clusters" / layout.name
    while not ready.exists():
        if process.poll() is not None:
            failed = logs / "failed"
            reason = failed.read_text() if failed.exists() else "its supervisor ended"
            raise ClusterError(f"cluster {layout.name} did not start: {reason} (logs: {logs})")
        if time.monotonic() > end:
            raise ClusterError(
                f"cluster {layout.name} was not ready within {_START_SECONDS} s (logs: {logs}); "
                "is the machine busy with something else?"
            )
        time.sleep(0.05)
    return read_facts(layout.folder)


def read_facts(folder: Path) -> Facts:
    """Read what the supervisor of the cluster in `folder` told."""
    facts: Facts = json.loads((folder / "ready").read_text())
    return facts


def end(process: "Process", lifeline: int | None) -> None:
    """End the supervisor of this process's own cluster and wait until all is taken away."""
    if lifeline is not None:
        os.close(lifeline)
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired as err:
        raise ClusterError(f"the supervisor {process.pid} did not end") from err


def terminate(folder: Path, seconds: float) -> None:
    """Ask the supervisor of the cluster in `folder` to end, and wait until it did."""
    try:
        pid = read_facts(folder)["pid"]
        process = os.pidfd_open(pid)
    except (FileNotFoundError, ProcessLookupError):
        return
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        select.select([process], [], [], seconds)
    finally:
        os.close(process)


def sweep(name: str) -> None:
    """Remove what a killed supervisor left; the caller holds the cluster's lock."""
    folder = paths.state_dir(name)
    if (folder / "layout.json").exists():
        take_away(Layout.load(folder))
    shutil.rmtree(folder, ignore_errors=True)


Process = subprocess.Popen[bytes]
