"""A receiver of gates' questions and of messages, over HTTP on loopback; also a nasty one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answering:
    """One answer.

    Attributes:
        hang: say nothing until the receiver ends.
        cut: close the connection instead.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    cut: bool = False


@dataclass
class Receiver:
    """Answers by a function of what came, and keeps what came."""

    answer: Callable[[Received], Answering]
    url: str = ""
    received: list[Received] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiver(answer: Callable[[Received], Answering]) -> Iterator[Receiver]:
    """Run a receiver; its `url` has the loopback address."""
    it = Receiver(answer)

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            came = Received(self.command, self.path, dict(self.headers.items()), body)
            it.received.append(came)
            said = it.answer(came)
            if said.hang:
                it.ended.wait()
            if said.cut or said.hang:
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        do_POST = do_DELETE = do_GET = _take  # noqa: N815 - the names the base class calls

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    it.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield it
    finally:
        it.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
