"""http.*: what the API carries, in a pod and on the whole machine, and a batch of 200 pictures."""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.blur import pod, scenes
from tests.benchmarks.blur.client import ask, connect, p95_of, unlike
from tests.benchmarks.figures import Figure
from tests.support.blurservice import Running, running
from tests.support.pictures import photos

SIZE = (640, 480)
CLIENTS = (1, 2, 4, 8)
BATCH = 200
BATCH_PATH = "/api/v1/blur/batch"
_SETTINGS = {"FACEBLUR_SENSITIVITY": "high", "FACEBLUR_CACHE_MIB": "0"}


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
    ask(service, pictures, clients=1, requests=5)
    for clients in CLIENTS:
        answers, seconds = ask(service, pictures, clients=clients, requests=requests)
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
