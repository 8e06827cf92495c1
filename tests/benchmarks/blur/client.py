"""Clients that send JPEG pictures to a running service and time its answers.

They run beside the service on the same cores and keep their connections, as a proxy does. No two
requests carry equal bytes: see `unlike`.
"""

import http.client
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.blurservice import Running

_GIVE_UP_S = 120.0


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer: how long the client waited, and how long the stages of the pipeline took."""

    ms: float
    pipeline_ms: float


def ask(
    service: Running, pictures: Sequence[bytes], *, clients: int, requests: int
) -> tuple[list[Timed], float]:
    """Return every answer, and the seconds of all together."""
    answers: list[Timed] = []
    failed: list[Exception] = []

    def client(number: int) -> None:
        connection = connect(service)
        try:
            for turn in range(number, requests, clients):
                picture = unlike(pictures[turn % len(pictures)], turn)
                answers.append(timed(connection, picture))
        except (OSError, http.client.HTTPException, ValueError) as err:
            failed.append(err)
        finally:
            connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} of {clients} clients failed: {failed[0]!r}")
    return answers, time.perf_counter() - start


def unlike(picture: bytes, number: int) -> bytes:
    """Return the JPEG file with a comment in it.

    The service works only once on equal pictures that come at the same time, also without a cache.
    """
    return picture[:2] + b"\xff\xfe\x00\x0a" + number.to_bytes(8, "big") + picture[2:]


def p95_of(values: Sequence[float]) -> float:
    """Return the value that 95 % do not exceed (nearest rank)."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


def connect(service: Running) -> http.client.HTTPConnection:
    """Return a connection that is kept from one request to the next."""
    return http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=_GIVE_UP_S)


def timed(connection: http.client.HTTPConnection, picture: bytes) -> Timed:
    """Send one picture and return its times.

    Raises:
        ValueError: It was not answered with a picture.
    """
    start = time.perf_counter()
    connection.request("POST", "/api/v1/blur", picture, {"Content-Type": "image/jpeg"})
    answer = connection.getresponse()
    answer.read()
    ms = (time.perf_counter() - start) * 1000
    if answer.status != 200:
        raise ValueError(f"answered {answer.status}")
    stages = (answer.getheader("Server-Timing") or "").split(",")
    return Timed(ms, sum(float(stage.partition("dur=")[2] or 0) for stage in stages))
