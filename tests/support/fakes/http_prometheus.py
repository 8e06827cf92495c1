"""A Prometheus over HTTP that says what a test scripted, also nonsense."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

JSON = "application/json"
MARK = re.compile(r'"faceblur_query", "([^"]+)"')


@dataclass
class Reply:
    """One answer.

    Attributes:
        stall_s: silence before the answer.
        drip_s: pause between the bytes of the body.
        cut: close the connection in the middle of the body.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    stall_s: float = 0
    drip_s: float = 0
    cut: bool = False


def vector(*series: tuple[dict[str, str], str], at: float = 1767225600.0, **more: Any) -> Reply:
    """Return a good answer, about a moment."""
    result = [{"metric": labels, "value": [at, value]} for labels, value in series]
    return said({"status": "success", "data": {"resultType": "vector", "result": result}, **more})


def said(answer: object, status: int = 200) -> Reply:
    """Return an answer with this JSON."""
    return Reply(json.dumps(answer).encode(), status)


def keys_of(query: str) -> list[str]:
    """Return the keys that a batched query asks for."""
    return MARK.findall(query)


@dataclass
class HttpPrometheus:
    """Answers each query with what `reply` says; remembers the queries, and about when they were.

    Attributes:
        times: the moment that each query asks about, as it says it; None: now.
    """

    reply: Callable[[str], Reply]
    url: str = ""
    queries: list[str] = field(default_factory=list)
    times: list[str | None] = field(default_factory=list)


@contextmanager
def http_prometheus(reply: Callable[[str], Reply] | Reply) -> Iterator[HttpPrometheus]:
    """Serve on a free port of the loopback until the block ends."""
    fake = HttpPrometheus(reply if callable(reply) else lambda _: reply)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            form = parse_qs(self.rfile.read(length).decode())
            query = form.get("query", [""])[0]
            fake.queries.append(query)
            fake.times.append(form["time"][0] if "time" in form else None)
            _send(self, fake.reply(query))

        do_GET = do_POST  # noqa: N815 - named by the base class

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    try:
        time.sleep(reply.stall_s)
        handler.send_response(reply.status)
        handler.send_header("Content-Type", JSON)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        body = reply.body[: len(reply.body) // 2] if reply.cut else reply.body
        if not reply.drip_s:
            handler.wfile.write(body)
        else:
            for byte in body:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(reply.drip_s)
        if reply.cut:
            handler.close_connection = True
    except OSError:
        # The client gave up, as it should.
        handler.close_connection = True
