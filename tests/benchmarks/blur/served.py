"""p95.* and cache.*: the service as a pod runs it, asked by clients on the same machine."""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.blur import pod, scenes
from tests.benchmarks.figures import Figure
from tests.support.blurservice import Running, running

P95_MS = 300.0
HIT_MS = 5.0


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
            figures.append(
                Figure(name="p95.pod.peak", value=limited.peak / 2**20, unit="MiB", target=512)
            )
            figures.append(Figure(name="p95.pod.oom-kills", value=limited.kills, unit="", target=0))
    return figures


def _in_pod(service: Running, folder: Path, requests: int) -> Iterator[Figure]:
    for size in scenes.SIZES[:3]:
        name = scenes.name_of(size)
        pictures = [Path(path).read_bytes() for path in scenes.make(folder, size)]
        _ask(service, pictures, 1, 5)
        times, _ = _ask(service, pictures, 1, requests)
        target = P95_MS if size != scenes.SIZES[0] else None
        yield Figure(
            name=f"p95.high.{name}", value=_p95(times), unit="ms", target=target, n=requests
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
        times, seconds = _ask(service, pictures, clients, requests)
        if _p95(times) > P95_MS:
            break
        best = max(best, len(times) / seconds)
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
        first, _ = _ask(service, [picture], 1, 1)
        times, _ = _ask(service, [picture], 1, 200)
    yield Figure(name="cache.miss.1280x720", value=first[0], unit="ms")
    median, p95 = statistics.median(times), _p95(times)
    yield Figure(name="cache.hit.1280x720", value=median, unit="ms", target=HIT_MS, n=200)
    yield Figure(name="cache.hit.p95.1280x720", value=p95, unit="ms", n=200)


def _ask(
    service: Running, pictures: Sequence[bytes], clients: int, requests: int
) -> tuple[list[float], float]:
    """Return the milliseconds of every answer, and the seconds of all together."""
    times: list[float] = []
    failed: list[int] = []

    def client(share: int) -> None:
        for number in range(share):
            start = time.perf_counter()
            status = service.blur(pictures[number % len(pictures)]).status
            times.append((time.perf_counter() - start) * 1000)
            if status != 200:
                failed.append(status)

    share = max(1, requests // clients)
    threads = [threading.Thread(target=client, args=(share,)) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} requests failed, with {failed[:3]}")
    return times, time.perf_counter() - start


def _p95(times: list[float]) -> float:
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]
