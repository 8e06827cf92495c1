"""Nothing of a cluster stays on the machine, however the process that started it ended."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cluster import Cluster, paths
from tests.cluster.layout import Layout
from tests.cluster.lifecycle import read_facts
from tests.support.eventually import Patience, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

START = Patience("the cluster's start", 120)
# Usually a second; a disk that discards gigabytes of image layers takes its time.
CLEAN_UP = Patience("taking the cluster away", 180)

# A run in the background of a script is born deaf to Ctrl-C; the starter must not be.
STARTER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from tests.cluster import Cluster
with Cluster.start(sys.argv[1]) as cluster:
    cluster.kubectl("create", "deployment", "web", "--image=faceblur-test-web:1")
    print("started", flush=True)
    time.sleep(600)
"""


@dataclass(frozen=True)
class Traces:
    """What shows that a cluster is, or was, on this machine."""

    folder: Path
    cgroup: str
    namespaces: frozenset[str]
    supervisor: int

    @classmethod
    def of(cls, name: str) -> "Traces":
        """Read them while the cluster runs."""
        folder = paths.state_dir(name)
        facts = read_facts(folder)
        kinds = ("net", "mnt", "pid", "uts", "ipc")
        links = {os.readlink(f"/proc/{facts['init']}/ns/{kind}") for kind in kinds}
        own = {os.readlink(f"/proc/self/ns/{kind}") for kind in kinds}
        assert not links & own, "the node must not share a namespace with the machine"
        return cls(folder, Layout.load(folder).cgroup, frozenset(links), facts["pid"])

    def left(self) -> dict[str, list[str]]:
        """Return what of it is still there, by kind."""
        found = {
            "processes": [str(pid) for pid in _processes() if self._belongs(pid)],
            "mounts": [line for line in _mounts() if self._mentions(line)],
            "cgroups": [str(each) for each in Path("/sys/fs/cgroup").glob(f"*/{self.cgroup}")],
            "interfaces": [each.name for each in Path("/sys/class/net").glob("cni0")],
            "state": [str(self.folder)] if self.folder.exists() else [],
        }
        return {kind: entries for kind, entries in found.items() if entries}

    def _belongs(self, pid: int) -> bool:
        # A namespace lives as long as a process is in it or a mount holds it.
        if pid == self.supervisor:
            return True
        with contextlib.suppress(OSError):
            links = {os.readlink(entry) for entry in Path(f"/proc/{pid}/ns").iterdir()}
            return bool(links & self.namespaces)
        return False

    def _mentions(self, mount: str) -> bool:
        return str(self.folder) in mount or any(each in mount for each in self.namespaces)


def _processes() -> Iterator[int]:
    yield from (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def _interrupt(starter: "subprocess.Popen[str]", _traces: Traces) -> None:
    starter.send_signal(signal.SIGINT)


def _kill(starter: "subprocess.Popen[str]", _traces: Traces) -> None:
    starter.kill()


def _kill_starter_and_supervisor(starter: "subprocess.Popen[str]", traces: Traces) -> None:
    os.kill(traces.supervisor, signal.SIGKILL)
    starter.kill()
    starter.wait()
    # With nobody left to clean up, the next command does, once the last process has ended.
    name = traces.folder.name
    eventually(
        Cluster.running, lambda alive: name not in alive, within=CLEAN_UP, what="it is swept up"
    )


@pytest.mark.parametrize(
    ("name", "end"),
    [
        pytest.param("it-int", _interrupt, id="the starter is interrupted"),
        pytest.param("it-kill", _kill, id="the starter is killed"),
        pytest.param("it-kill-both", _kill_starter_and_supervisor, id="its supervisor too"),
    ],
)
def test_nothing_is_left_however_the_starter_ends(
    name: str, end: Callable[["subprocess.Popen[str]", Traces], None]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, name],
        cwd=paths.REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as starter:
        try:
            assert starter.stdout is not None
            assert starter.stdout.readline() == "started\n"
            traces = Traces.of(name)
            assert set(traces.left()) == {"processes", "cgroups", "state"}

            end(starter, traces)
            starter.communicate(timeout=CLEAN_UP.seconds)
        finally:
            starter.kill()

    eventually(traces.left, lambda left: left == {}, within=CLEAN_UP, what="nothing is left")


def test_a_detached_cluster_outlives_its_starter_and_goes_at_down() -> None:
    command = [sys.executable, "-m", "tests.cluster"]

    up = subprocess.run(
        [*command, "up", "it-down"],
        cwd=paths.REPO,
        capture_output=True,
        text=True,
        timeout=START.seconds,
        check=True,
    )
    traces = Traces.of("it-down")
    attached = Cluster.attach("it-down")
    nodes = attached.kubectl("get", "nodes", "-o=name").split()
    down = subprocess.run(
        [*command, "down", "it-down"], cwd=paths.REPO, capture_output=True, text=True, check=False
    )

    assert up.stdout == f"{traces.folder / 'kubeconfig'}\n"
    assert nodes == ["node/node1"]
    assert (down.returncode, down.stderr) == (0, "")
    # Its parent is gone, so a moment passes until the supervisor's entry is collected.
    eventually(traces.left, lambda left: left == {}, within=CLEAN_UP, what="nothing is left")
