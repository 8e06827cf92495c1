"""http.*: what the API carries, in a pod and on the whole machine, and what a batch of 200 takes.

The clients run beside the service on the same cores and keep their connections, as a proxy does.
"""

import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.blur import pod, scenes
from tests.benchmarks.figures import Figure
from tests.support.blurservice import Running, running
from tests.support.pictures import photos

SIZE = (640, 480)
CLIENTS = (1, 2, 4, 8)
BATCH = 200
BATCH_PATH = "/api/v1/blur/batch"
_SETTINGS = {"FACEBLUR_SENSITIVITY": "high", "FACEBLUR_CACHE_MIB": "0"}
_GIVE_UP_S = 120


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer: how long the client waited, and how long the stages of the pipeline took."""

    ms: float
    pipeline_ms: float


def measure(requests: int = 80, batch: int = BATCH) -> list[Figure]:
    """Return the figures; none of the pod's where its limits cannot be set."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        pictures = [Path(path).read_bytes() for path in scenes.make(Path(folder), SIZE)]
        with running(Path(folder), **_SETTINGS) as service:
            figures += _steps(service, pictures, "two-cores", requests)
        reason = pod.why_not()
        if reason is not None:
            sys.stderr.write(f"http.pod.*: skipped, {reason}\n")
            return figures
        with pod.limits() as limited:
            with running(Path(folder), before=limited.enter, **_SETTINGS) as service:
                figures += _steps(service, pictures, "pod", requests)
                figures += _batch(service, batch)
            peak = Figure(name="http.batch.peak", value=limited.peak / 2**20, unit="MiB")
            figures += [peak, _kills(limited)]
    return figures


def _kills(limited: pod.Pod) -> Figure:
    return Figure(name="http.pod.oom-kills", value=limited.kills, unit="", target=0)


def _steps(
    service: Running, pictures: Sequence[bytes], where: str, requests: int
) -> Iterator[Figure]:
    _ask(service, pictures, clients=1, requests=5)
    for clients in CLIENTS:
        answers, seconds = _ask(service, pictures, clients=clients, requests=requests)
        n = len(answers)
        name = f"http.{where}.{clients}-clients"
        yield Figure(name=f"{name}.rate", value=n / seconds, unit="1/s", better="higher", n=n)
        p95 = p95_of([answer.ms for answer in answers])
        # The promise is for low load: one client after the other.
        target = 300 if (where, clients) == ("pod", 1) else None
        yield Figure(name=f"{name}.p95", value=p95, unit="ms", target=target, n=n)
        if clients == 1:
            over = statistics.median(answer.ms - answer.pipeline_ms for answer in answers)
            yield Figure(name=f"http.{where}.overhead", value=over, unit="ms", n=n)


def _ask(
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
                answers.append(_timed(connection, picture))
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


def _timed(connection: http.client.HTTPConnection, picture: bytes) -> Timed:
    start = time.perf_counter()
    connection.request("POST", "/api/v1/blur", picture, {"Content-Type": "image/jpeg"})
    answer = connection.getresponse()
    answer.read()
    ms = (time.perf_counter() - start) * 1000
    if answer.status != 200:
        raise ValueError(f"answered {answer.status}")
    stages = (answer.getheader("Server-Timing") or "").split(",")
    return Timed(ms, sum(float(stage.partition("dur=")[2] or 0) for stage in stages))


def _batch(service: Running, count: int) -> Iterator[Figure]:
    """Yield when the first and the last picture of a batch came back."""
    body, kind = _form(
        [unlike(photos()[number % len(photos())], number) for number in range(count)]
    )
    connection = connect(service)
    start = time.perf_counter()
    headers = {"Content-Type": kind, "Accept": "application/x-ndjson"}
    connection.request("POST", BATCH_PATH, body, headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"the batch was answered {answer.status}")
    lines = ((json.loads(line), time.perf_counter() - start) for line in answer)
    came = [seconds for line, seconds in lines if line.get("status") == "done"]
    connection.close()
    share = 100 * len(came) / count
    yield Figure(
        name="http.batch.done", value=share, unit="%", target=100, better="higher", n=count
    )
    yield Figure(name="http.batch.first", value=came[0], unit="s", n=count)
    yield Figure(name="http.batch.last", value=came[-1], unit="s", n=count)


def _form(pictures: Sequence[bytes]) -> tuple[bytes, str]:
    mark = "faceblur-bench-7a1c"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="{number}.jpg"\r\n'
        f"Content-Type: image/jpeg\r\n\r\n".encode()
        + picture
        + b"\r\n"
        for number, picture in enumerate(pictures)
    ]
    return b"".join([*parts, f"--{mark}--\r\n".encode()]), f"multipart/form-data; boundary={mark}"
