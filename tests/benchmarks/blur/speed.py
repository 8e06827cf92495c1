"""ms.* and throughput.*: the product beside deface, in the same run on the same pictures."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.blur import peer, scenes
from tests.benchmarks.figures import ROOT, Figure

OURS = [sys.executable, "-m", "tests.benchmarks.blur.own_worker"]
TIMES_FASTER = 3.0
OTHERS = ("fast", "normal", "max")


def measure(seconds: float = 4.0) -> list[Figure]:
    """Return the figures of every size.

    Args:
        seconds: How long each is run, at least three pictures.
    """
    with tempfile.TemporaryDirectory() as folder:
        return [
            figure
            for size in scenes.SIZES
            for figure in _of_size(size, scenes.make(Path(folder), size), seconds)
        ]


def run(command: list[str], asked: dict[str, Any], cores: int) -> list[dict[str, Any]]:
    """Run a worker on each of the first cores, at the same time, and return their answers."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            ["taskset", "--cpu-list", str(core), *command, json.dumps(asked)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
            cwd=ROOT,
        )
        for core in allowed
    ]
    said = [process.communicate()[0] for process in started]
    if any(process.returncode != 0 for process in started):
        raise RuntimeError(f"{command} failed")
    return [json.loads(text) for text in said]


def _of_size(size: tuple[int, int], pictures: list[str], seconds: float) -> Iterator[Figure]:
    name = scenes.name_of(size)
    asked = {"pictures": pictures, "seconds": seconds, "least": 3}
    floor = run(OURS, {**asked, "want": "floor"}, 1)[0]["ms"]
    high = run(OURS, {**asked, "want": "high"}, 1)[0]
    deface = run([str(peer.python()), str(peer.WORKER)], {**asked, "want": "times"}, 1)[0]
    yield _ms(f"ms.floor.{name}", floor)
    yield _ms(f"ms.deface.{name}", deface["ms"])
    ratio = statistics.median(deface["ms"]) / statistics.median(high["ms"])
    yield _ms(f"ms.high.{name}", high["ms"])
    yield Figure(
        name=f"ms.high.times-faster-than-deface.{name}",
        value=ratio,
        unit="x",
        target=TIMES_FASTER,
        better="higher",
        n=len(high["ms"]),
    )
    over = statistics.median(high["ms"]) / statistics.median(floor)
    yield Figure(name=f"ms.high.over-floor.{name}", value=over, unit="x", n=len(high["ms"]))
    whole = sum(high["ms"])
    for stage, times in high["stages"].items():
        share = 100 * sum(times) / whole
        yield Figure(name=f"ms.high.share.{stage}.{name}", value=share, unit="%", n=len(times))
    for other in OTHERS:
        times = run(OURS, {**asked, "want": other, "seconds": seconds / 2}, 1)[0]["ms"]
        yield _ms(f"ms.{other}.{name}", times)
    one = 1000 / statistics.fmean(high["ms"])
    yield _rate(f"throughput.high.1-core.{name}", one, len(high["ms"]))
    peer_one = 1000 / statistics.fmean(deface["ms"])
    yield _rate(f"throughput.deface.1-core.{name}", peer_one, len(deface["ms"]))
    yield from _two_cores(name, asked)


def _two_cores(name: str, asked: dict[str, Any]) -> Iterator[Figure]:
    if len(os.sched_getaffinity(0)) < 2:
        return
    ours = run(OURS, {**asked, "want": "high"}, 2)
    theirs = run([str(peer.python()), str(peer.WORKER)], {**asked, "want": "times"}, 2)
    rates = []
    for who, said in (("high", ours), ("deface", theirs)):
        rate = sum(1000 / statistics.fmean(one["ms"]) for one in said)
        rates.append(rate)
        yield _rate(f"throughput.{who}.2-cores.{name}", rate, sum(len(one["ms"]) for one in said))
    yield Figure(
        name=f"throughput.high.times-deface.2-cores.{name}",
        value=rates[0] / rates[1],
        unit="x",
        target=TIMES_FASTER,
        better="higher",
    )


def _ms(name: str, times: list[float]) -> Figure:
    return Figure(name=name, value=statistics.median(times), unit="ms", n=len(times))


def _rate(name: str, value: float, count: int) -> Figure:
    return Figure(name=name, value=value, unit="1/s", better="higher", n=count)
