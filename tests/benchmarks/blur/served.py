"""p95.* and cache.*: the service as a pod runs it, asked by clients on the same machine."""

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.blur import pod, scenes
from tests.benchmarks.blur.client import Timed, ask, connect, p95_of, timed, unlike
from tests.benchmarks.figures import Figure
from tests.support.blurservice import Running, running

P95_MS = 300.0
HIT_MS = 5.0
HITS = 200
LARGEST = (5000, 5000)
KINDS_OF_PODS = {
    "stable-pod": {"FACEBLUR_TRACK": "stable"},
    # Nobody listens there: the engine in a process of its own answers late or nobody does.
    "gray-pod": {"FACEBLUR_TRACK": "gray", "FACEBLUR_FALLBACK_URL": "http://127.0.0.1:9"},
}


def measure(requests: int = 60) -> list[Figure]:
    """Return the figures; none of the pod's where its limits cannot be set."""
    reason = pod.why_not()
    with tempfile.TemporaryDirectory() as folder:
        figures = list(_cached(Path(folder)))
        if reason is not None:
            sys.stderr.write(f"p95.*: skipped, {reason}\n")
            return figures
        with pod.limits() as limited:
            own = {"FACEBLUR_SENSITIVITY": "high", "FACEBLUR_CACHE_MIB": "0"}
            with running(Path(folder), before=limited.enter, **own) as service:
                figures += _in_pod(service, Path(folder), requests)
            figures += _memory("p95.pod", limited)
        for name, own in KINDS_OF_PODS.items():
            with pod.limits() as limited:
                with running(Path(folder), before=limited.enter, **own) as service:
                    figures.append(_at_the_limit(service, Path(folder), name, requests // 6))
                figures += _memory(f"p95.{name}", limited)
    return figures


def _memory(name: str, limited: pod.Pod) -> list[Figure]:
    peak = limited.peak / 2**20
    return [
        Figure(name=f"{name}.peak", value=peak, unit="MiB", target=512),
        Figure(name=f"{name}.oom-kills", value=limited.kills, unit="", target=0),
    ]


def _at_the_limit(service: Running, folder: Path, name: str, requests: int) -> Figure:
    """Return how many of the largest pictures are answered, by this pod alone, two at once."""
    pictures = [Path(path).read_bytes() for path in scenes.make(folder, LARGEST)]
    bodies = [unlike(pictures[n % len(pictures)], n) for n in range(max(4, requests))]
    with ThreadPoolExecutor(2) as clients:
        statuses = list(clients.map(lambda body: service.blur(body).status, bodies))
    return Figure(
        name=f"p95.{name}.25mp.answered",
        value=100 * statuses.count(200) / len(statuses),
        unit="%",
        target=100,
        better="higher",
        n=len(statuses),
    )


def _in_pod(service: Running, folder: Path, requests: int) -> Iterator[Figure]:
    for size in scenes.SIZES[:3]:
        name = scenes.name_of(size)
        pictures = [Path(path).read_bytes() for path in scenes.make(folder, size)]
        ask(service, pictures, clients=1, requests=5)
        times = _times(ask(service, pictures, clients=1, requests=requests)[0])
        target = P95_MS if size != scenes.SIZES[0] else None
        yield Figure(
            name=f"p95.high.{name}", value=p95_of(times), unit="ms", target=target, n=requests
        )
        yield Figure(
            name=f"p95.high.median.{name}", value=statistics.median(times), unit="ms", n=requests
        )
        yield _sustained(service, pictures, name, requests)
    large = [Path(path).read_bytes() for path in scenes.make(folder, scenes.SIZES[3])]
    answers = [service.blur(picture).status for picture in large]
    yield Figure(
        name="p95.high.4000x3000.answered",
        value=100 * answers.count(200) / len(answers),
        unit="%",
        target=100,
        better="higher",
        n=len(answers),
    )


def _sustained(service: Running, pictures: Sequence[bytes], name: str, requests: int) -> Figure:
    """Return the most requests a second, of one to three clients, whose P95 is good."""
    best = 0.0
    for clients in (1, 2, 3):
        answers, seconds = ask(service, pictures, clients=clients, requests=requests)
        if p95_of(_times(answers)) > P95_MS:
            break
        best = max(best, len(answers) / seconds)
    return Figure(
        name=f"p95.high.rate-below-300ms.{name}",
        value=best,
        unit="1/s",
        better="higher",
        n=requests,
    )


def _cached(folder: Path) -> Iterator[Figure]:
    picture = Path(scenes.make(folder, scenes.SIZES[1])[0]).read_bytes()
    with running(folder, FACEBLUR_SENSITIVITY="high") as service:
        connection = connect(service)
        first, *hits = [timed(connection, picture).ms for _ in range(1 + HITS)]
        connection.close()
    yield Figure(name="cache.miss.1280x720", value=first, unit="ms")
    median = statistics.median(hits)
    yield Figure(name="cache.hit.1280x720", value=median, unit="ms", target=HIT_MS, n=HITS)
    yield Figure(name="cache.hit.p95.1280x720", value=p95_of(hits), unit="ms", n=HITS)


def _times(answers: Sequence[Timed]) -> list[float]:
    return [answer.ms for answer in answers]
