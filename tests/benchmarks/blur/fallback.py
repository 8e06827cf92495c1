"""fallback.*: what clients see of a gray version that is killed, hung or slowed: nothing but time.

Gray and stable are gunicorn processes as in their pods; every request goes to gray.
"""

import contextlib
import os
import signal
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks.blur.client import p95_of, unlike
from tests.benchmarks.figures import Figure
from tests.support.answers import Answer, failed, summary
from tests.support.blurservice import Running, running
from tests.support.eventually import Patience, eventually
from tests.support.load import Load, Question
from tests.support.pictures import photos

SECONDS = 40
RATE = 4.0
# Gray's engine lives that long before it is killed in the middle of a picture.
_LIFE_S = 4.0
_TROUBLE_MS = 4000
_WITHIN = Patience("the benchmark goes on", 60)

Trouble = Callable[[Running, threading.Event], contextlib.AbstractContextManager[None]]


def measure(seconds: float = SECONDS) -> list[Figure]:
    """Return the figures."""
    slowed = {"FACEBLUR_FAULT": f'{{"latencyMs": {_TROUBLE_MS}}}'}
    well = _case(_nothing, seconds / 2)
    base = statistics.median(one.latency_s for one in well)
    figures = [*_told("none", well, base)]
    figures += _told("killed", _case(_killed, seconds), base)
    figures += _told("hung", _case(_hung, seconds), base)
    figures += _told("slowed", _case(_nothing, seconds, **slowed), base)
    return figures


def _told(name: str, answers: Sequence[Answer], base_s: float) -> Iterator[Figure]:
    n, bad = len(answers), failed(answers)
    if bad:
        print(f"fallback.{name}: {summary(answers)}")  # noqa: T201 - says which failed
    share = 100 * len(bad) / n
    yield Figure(name=f"fallback.{name}.failed", value=share, unit="%", target=0, n=n)
    degraded = [one for one in answers if one.degraded]
    share = 100 * len(degraded) / n
    yield Figure(name=f"fallback.{name}.by-stable", value=share, unit="%", n=n)
    if not degraded:
        return
    added = [(one.latency_s - base_s) * 1000 for one in degraded]
    yield Figure(
        name=f"fallback.{name}.added.median",
        value=statistics.median(added),
        unit="ms",
        n=len(added),
    )
    yield Figure(name=f"fallback.{name}.added.p95", value=p95_of(added), unit="ms", n=len(added))


def _case(trouble: Trouble, seconds: float, **gray_has: str) -> list[Answer]:
    """Return the answers of a gray that is in trouble for as long as the load lasts."""
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder, "stable")
        other.mkdir()
        stable_has = {"FACEBLUR_TRACK": "stable", "FACEBLUR_VERSION": "1.0"}
        with (
            running(other, FACEBLUR_CACHE_MIB="0", **stable_has) as stable,
            running(
                Path(folder),
                FACEBLUR_CACHE_MIB="0",
                FACEBLUR_SHADOW_PERCENT="0",
                FACEBLUR_FALLBACK_URL=stable.url,
                **gray_has,
            ) as gray,
        ):
            for picture in photos():
                gray.blur(picture)
            bodies = [unlike(photos()[n % 5], n) for n in range(round(seconds * RATE) + 100)]
            done = threading.Event()
            question = Question(f"{gray.url}/api/v1/blur", bodies=bodies)
            with trouble(gray, done), Load(question, rate=RATE) as load:
                done.wait(seconds)
            return load.answers


@contextlib.contextmanager
def _nothing(_gray: Running, _done: threading.Event) -> Iterator[None]:
    yield


@contextlib.contextmanager
def _hung(gray: Running, _done: threading.Event) -> Iterator[None]:
    engine = engine_of(gray)
    os.kill(engine, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # taken for hung, killed and replaced
            os.kill(engine, signal.SIGCONT)


@contextlib.contextmanager
def _killed(gray: Running, done: threading.Event) -> Iterator[None]:
    def kill() -> None:
        while not done.wait(_LIFE_S):
            # Only in the middle of a picture: that is when memory runs out.
            eventually(
                lambda: done.is_set() or _is_at_work(gray),
                lambda at_work: at_work,
                within=_WITHIN,
                what="a picture is at work",
            )
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(engine_of(gray), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        done.set()
        killer.join()


def _is_at_work(gray: Running) -> bool:
    text = gray.get("/metrics").body.decode()
    lines = (line for line in text.splitlines() if line.startswith("faceblur_pictures{"))
    return any('state="working"' in line and not line.endswith(" 0.0") for line in lines)


def engine_of(gray: Running) -> int:
    """Return the process in which gray works on pictures: the child of gunicorn's worker.

    Raises:
        IndexError: It is being replaced just now.
    """
    worker = _children(gray.process.pid)[0]
    return _children(worker)[0]


def _children(pid: int) -> list[int]:
    # Of every thread: a process belongs to the one that started it.
    found = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for children in found for child in children]
