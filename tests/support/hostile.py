"""What hostile clients send: bytes that were requests once, and the answer to raw bytes."""

import random
import socket
from urllib.parse import urlsplit

from tests.support.pictures import photos

HEAD = b"POST /api/v1/blur HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"


def connect(url: str) -> socket.socket:
    """Return a connection to a service."""
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=30)


def ask(url: str, sent: bytes) -> bytes:
    """Return the begin of the answer to raw bytes; nothing when there was none."""
    with connect(url) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(4096)
        except OSError:
            return b""


def status_of(answer: bytes) -> int:
    """Return the status of an answer; 0 for none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def is_dishonest(answer: bytes) -> bool:
    """Whether the answer blames the service for what a client did.

    The only honest 5xx is 503 that says when to come back.
    """
    status, head = status_of(answer), answer.partition(b"\r\n\r\n")[0].lower()
    return status >= 500 and not (status == 503 and b"\r\nretry-after:" in head)


def requests() -> list[bytes]:
    """Return good requests to be damaged."""
    picture = photos()[4]
    return [
        HEAD + b"Content-Length: %d\r\n\r\n" % len(picture) + picture,
        b"POST /api/enable-gray HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b'Content-Length: 17\r\n\r\n{"enabled": true}',
        b"GET /api/enable-gray HTTP/1.1\r\nHost: x\r\n"
        b"Cookie: faceblur_id=abc.def; gray=always\r\n\r\n",
    ]


def damaged(rng: random.Random, request: bytes) -> bytes:
    """Return the request with up to five bytes or runs of bytes changed, lost, added or cut."""
    data = bytearray(request)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(data) or 1)
        match rng.randrange(4):
            case 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[at : at + rng.randint(1, 20)]
            case 2:
                data[at:at] = rng.randbytes(rng.randint(1, 20))
            case _:
                del data[max(at, 1) :]
    return bytes(data)
