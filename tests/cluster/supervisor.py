"""The process that keeps one cluster: starts it, serves its relays, and takes everything away.

Started by `Cluster.start` as `python -m tests.cluster.supervisor STATE LIFELINE`.  It lives in a
session of its own and ends when the starter's end of the lifeline closes, however the starter
died; LIFELINE -1 means that the cluster outlives its starter.  If this process itself is killed,
the kernel ends the node (parent-death signals), and the next command sweeps up what it left.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import cgroups, paths
from tests.cluster.controlplane import ControlPlane, Parts, own_environment
from tests.cluster.errors import ClusterError
from tests.cluster.layout import API_PORT, NODE, NODE_ADDRESS, Layout, replace_text
from tests.cluster.pki import Pki
from tests.cluster.relay import Relays

_NAMESPACES = ("--net", "--mount", "--uts", "--ipc", "--pid")


@dataclass
class Supervisor:
    """One cluster from its start to its removal."""

    layout: Layout
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    unshare: subprocess.Popen[bytes] | None = None
    parts: Parts | None = None
    relays: Relays | None = None

    async def run(self, lifeline: int) -> None:
        """Keep the cluster until something asks for its end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopping.set)
        if lifeline >= 0:
            loop.add_reader(lifeline, self._lifeline_moved, lifeline)
        try:
            starting = asyncio.create_task(self._start())
            stopped = asyncio.create_task(self.stopping.wait())
            await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await self._until_end()
            starting.cancel()
        except (ClusterError, OSError, subprocess.SubprocessError) as err:
            replace_text(self.layout.folder / "failed", str(err))
        finally:
            self._take_away()

    def _lifeline_moved(self, lifeline: int) -> None:
        if not os.read(lifeline, 64):
            asyncio.get_running_loop().remove_reader(lifeline)
            self.stopping.set()

    async def _start(self) -> None:
        port, init = await (self._start_node() if self.layout.nodes else self._start_plane())
        source = (self.layout.folder / "admin.kubeconfig").read_text()
        inner = f"https://{NODE_ADDRESS}:{API_PORT}"
        text = source.replace(inner, f"https://127.0.0.1:{port}")
        replace_text(self.layout.folder / "kubeconfig", text)
        await asyncio.start_unix_server(self._asked, self._control_path())
        facts = {"pid": os.getpid(), "init": init, "port": port}
        replace_text(self.layout.folder / "ready", json.dumps(facts))

    async def _start_node(self) -> tuple[int, int]:
        cgroups.create(self.layout.cgroup)
        with (self.layout.folder / "node.log").open("wb") as log:
            # setpriv and --kill-child: when this process dies, the whole node dies with it.
            self.unshare = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL", "unshare", *_NAMESPACES),
                    *("--fork", "--kill-child", "--mount-proc", "--propagation", "private"),
                    *(sys.executable, "-m", "tests.cluster.node", self.layout.state),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        failed = self.layout.folder / "node-failed"
        while not (self.layout.folder / "node-ready").exists():
            if failed.exists() or self.unshare.poll() is not None:
                log_text = (self.layout.folder / "node.log").read_text(errors="replace")
                reason = failed.read_text() if failed.exists() else log_text
                raise ClusterError(f"the node did not come up:\n{reason.strip()}")
            await asyncio.sleep(0.05)
        init = _children(self.unshare.pid)[0]
        self.relays = Relays(init)
        return await self.relays.open(NODE_ADDRESS, API_PORT, self.layout.port), init

    async def _start_plane(self) -> tuple[int, int]:
        plane, parts = _plane_alone(self.layout)
        self.parts, self.relays = parts, Relays(None)
        # From this thread: the parent-death signal is about the thread that started a process.
        plane.start(parts)
        await asyncio.to_thread(plane.wait_ready, parts)
        return plane.port, os.getpid()

    async def _until_end(self) -> None:
        while not self.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), 0.5)
            if self.unshare is not None and self.unshare.poll() is not None:
                return
            if self.parts is not None and self.parts.ended():
                return

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = json.loads(await reader.readline())
        assert self.relays is not None
        answer = await self.relays.open(host, port)
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    def _control_path(self) -> str:
        # Through a descriptor: a socket's path may have 107 characters only.
        folder = os.open(self.layout.folder, os.O_PATH)
        return f"/proc/self/fd/{folder}/control"

    def _take_away(self) -> None:
        if self.parts is not None:
            self.parts.kill()
        if self.unshare is not None:
            for init in _children(self.unshare.pid):
                os.kill(init, signal.SIGKILL)
            self.unshare.kill()
            self.unshare.wait()
        take_away(self.layout)


def take_away(layout: Layout) -> None:
    """Remove what the cluster leaves on the machine; its logs go to the cache's log folder."""
    left = cgroups.remove(layout.cgroup) if layout.nodes else []
    logs = paths.cache() / "log" / "clusters" / layout.name
    shutil.rmtree(logs, ignore_errors=True)
    for source in (layout.folder / "log", layout.folder / "node.log", layout.folder / "failed"):
        if source.exists():
            logs.mkdir(parents=True, exist_ok=True)
            shutil.move(source, logs / source.name)
    shutil.rmtree(layout.folder, ignore_errors=True)
    if left:
        raise ClusterError(f"these cgroups are still in use: {' '.join(map(str, left))}")


def _plane_alone(layout: Layout) -> tuple[ControlPlane, Parts]:
    ports = _free_ports(5)
    plane = ControlPlane(
        folder=layout.folder / "controlplane",
        kubenode=layout.kubenode,
        address="127.0.0.1",
        advertise=NODE_ADDRESS,
        port=layout.port or ports[4],
        ports=(ports[0], ports[1], ports[2], ports[3]),
    )
    plane.folder.mkdir()
    pki = Pki(plane.folder / "pki", own_environment())
    plane.prepare(pki, NODE)
    text = pki.kubeconfig("admin", plane.url)
    replace_text(layout.folder / "admin.kubeconfig", text)
    return plane, Parts(layout.folder / "log", own_environment())


def _free_ports(count: int) -> list[int]:
    import socket

    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == pid:
                    found.append(int(entry.name))
    return found


if __name__ == "__main__":
    asyncio.run(Supervisor(Layout.load(Path(sys.argv[1]))).run(int(sys.argv[2])))
