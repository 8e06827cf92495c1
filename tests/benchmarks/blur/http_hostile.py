"""hostile.*: 2,000 uploads at once and 10,000 damaged requests, against a service in a pod."""

import asyncio
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.blur import pod
from tests.benchmarks.figures import Figure
from tests.support.blurservice import Running, running
from tests.support.hostile import damaged, is_dishonest, requests, status_of
from tests.support.pictures import photos

UPLOADS, DAMAGED = 2000, 10_000
# Half a request is waited for: many at once, so that the benchmark is not.
_TOGETHER = 400
_GIVE_UP_S = 90.0
_SETTINGS = {"FACEBLUR_CACHE_MIB": "0"}


def measure(uploads: int = UPLOADS, broken: int = DAMAGED) -> list[Figure]:
    """Return the figures; none where a pod's limits cannot be set."""
    reason = pod.why_not()
    if reason is not None:
        sys.stderr.write(f"hostile.*: skipped, {reason}\n")
        return []
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder, pod.limits() as limited:
        with running(Path(folder), before=limited.enter, **_SETTINGS) as service:
            figures = [*_flood(service, uploads)]
        hasty = {**_SETTINGS, "FACEBLUR_STALL_SECONDS": "1"}
        with running(Path(folder), before=limited.enter, **hasty) as service:
            figures += _damaged(service, broken)
            after = service.blur(photos()[4]).status
        figures += [
            Figure(name="hostile.served-after", value=after, unit="HTTP status", target=200),
            Figure(name="hostile.peak", value=limited.peak / 2**20, unit="MiB", target=512),
            Figure(name="hostile.oom-kills", value=limited.kills, unit="", target=0),
        ]
    return figures


def _flood(service: Running, count: int) -> Iterator[Figure]:
    whole = requests()[0]
    start = time.monotonic()
    answers = asyncio.run(_send(service, [whole] * count, together=count))
    seconds = time.monotonic() - start
    yield from _told("uploads", answers)
    served = sum(status_of(answer) == 200 for answer in answers)
    yield Figure(name="hostile.uploads.hidden", value=served, unit="", better="higher", n=count)
    yield Figure(name="hostile.uploads.seconds", value=seconds, unit="s", n=count)


def _damaged(service: Running, count: int) -> Iterator[Figure]:
    rng = random.Random(7)
    good = requests()
    sent = [damaged(rng, rng.choice(good)) for _ in range(count)]
    yield from _told("damaged", asyncio.run(_send(service, sent, together=_TOGETHER)))


def _told(what: str, answers: Sequence[bytes]) -> Iterator[Figure]:
    n, bad = len(answers), sum(is_dishonest(answer) for answer in answers)
    yield Figure(name=f"hostile.{what}.dishonest-5xx", value=bad, unit="", target=0, n=n)
    silent = sum(not answer for answer in answers)
    # A client that stops in the middle of a head is cut off without a word.
    target = 0 if what == "uploads" else None
    yield Figure(name=f"hostile.{what}.no-answer", value=silent, unit="", target=target, n=n)


async def _send(service: Running, sent: Sequence[bytes], *, together: int) -> list[bytes]:
    """Return the begin of the answer to each request, `together` of them on their way at once."""
    gate, parts = asyncio.Semaphore(together), urlsplit(service.url)

    async def one(data: bytes) -> bytes:
        async with gate:
            try:
                async with asyncio.timeout(_GIVE_UP_S):
                    return await _ask(str(parts.hostname), int(parts.port or 0), data)
            except (OSError, TimeoutError):
                return b""

    return list(await asyncio.gather(*(one(data) for data in sent)))


async def _ask(host: str, port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(data)
        if writer.can_write_eof():
            writer.write_eof()
        return await reader.read(4096)
    finally:
        writer.close()
