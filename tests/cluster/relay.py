"""A loopback port of this machine that leads to an address inside a node's network.

A socket stays in the network namespace that it was made in, so one thread moves into the other
namespace and makes the sockets; the event loop does the rest.
"""

import asyncio
import concurrent.futures
import contextlib
import ctypes
import os
import socket
from dataclasses import dataclass, field

_CLONE_NEWNET = 0x40000000
_CONNECT_SECONDS = 5


@dataclass
class Relays:
    """All relays into one network namespace, or into the machine's own when `pid` is None."""

    pid: int | None
    _servers: list[asyncio.Server] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._inside = concurrent.futures.ThreadPoolExecutor(1, initializer=self._enter)

    async def open(self, host: str, port: int, local: int = 0) -> int:
        """Listen on 127.0.0.1 (port `local`, or a free one) and return the port."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._connected(host, port, reader, writer)

        server = await asyncio.start_server(connected, "127.0.0.1", local)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _connected(
        self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        target = await loop.run_in_executor(self._inside, socket.socket)
        target.setblocking(False)
        try:
            await asyncio.wait_for(loop.sock_connect(target, (host, port)), _CONNECT_SECONDS)
        except OSError:
            target.close()
            # A reset, not an orderly end: the client sees a refused connection as an error.
            writer.transport.abort()
            return
        back, forth = await asyncio.open_connection(sock=target)
        await asyncio.gather(_pump(reader, forth), _pump(back, writer))
        for each in (writer, forth):
            each.close()

    def _enter(self) -> None:
        if self.pid is None:
            return
        namespace = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "cannot enter the node's network")
        finally:
            os.close(namespace)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except (OSError, RuntimeError):
        with contextlib.suppress(OSError, RuntimeError):
            writer.transport.abort()
