"""Many releases in one process: how late looks begin, how fast all turn back, what it costs.

Engine, reader, writer and core are the real ones and time is real; the API server and Prometheus
are in memory and answer at once, so what is measured is the operator's own share on one core. The
memory is that of the process without the API server's objects: what a copy of these takes.

`python -m tests.benchmarks.operator.scale COUNT INTERVAL_S SECONDS` measures one size and prints
JSON; each size runs in a process of its own.
"""

import asyncio
import copy
import gc
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from time import process_time
from typing import Any

from tests.benchmarks.figures import Figure
from tests.support.in_memory import WEIGHT, InMemory, stable_objects
from tests.support.peak import resident
from tests.support.specs import a_resource, a_spec

from faceblur_operator.ports.cluster import Key

MIB = 2**20
GRAY_INGRESS = "face-blur-ingress-gray"
SLOS = (
    {"name": "success", "builtin": "blurSuccess", "atLeast": "99%"},
    {"name": "no-worse", "builtin": "errors", "versusStable": {"maxRatio": 1.5}},
    {"name": "own", "ratio": {"bad": "own_bad", "total": "own_total"}, "atLeast": "95%"},
)
BAD_SHARE = 0.5
PATIENCE_S = 60.0


class Many(InMemory):
    """As many releases as wanted, each in a namespace of its own, all at 25 %."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.spaces: list[str] = []
        self.at_zero: dict[str, float] = {}

    def fill(self, count: int, interval_s: int) -> None:
        """Create the stable versions and the rollouts."""
        steps = [{"weight": 25, "hold": "24h"}, {"weight": 100, "hold": "1h"}]
        analysis = {"interval": f"{interval_s}s", "warmup": "0s", "slos": list(SLOS)}
        for index in range(count):
            space = f"team-{index}"
            items = [*stable_objects(), a_resource(a_spec(steps=steps, analysis=analysis))]
            for item in items:
                item["metadata"]["namespace"] = space
                self.api.add(item)
            self.api.settle("face-blur-stable", space=space)
            self.spaces.append(space)

    async def rise(self, interval_s: int) -> None:
        """Start all, spread over an interval as they would be, and wait until all are at 25 %."""
        for space in self.spaces:
            self.scheduler.wake(Key(space, "face-blur"))
            await asyncio.sleep(interval_s / len(self.spaces))
        async with asyncio.timeout(PATIENCE_S * 3):
            while not all(self._weight_of(space) == 25 for space in self.spaces):
                await asyncio.sleep(0.1)

    def forget_calls(self) -> None:
        """Drop what the fakes remember: the real ones would not."""
        for log in (self.prometheus.asked, self.api.calls, self.meter.ticks):
            log.clear()

    def _weight_of(self, space: str) -> int | None:
        found = self.api.objects.get(("Ingress", space, GRAY_INGRESS))
        return None if found is None else int(found["metadata"]["annotations"][WEIGHT])

    def _observe(self, kind: str, item: dict[str, Any], is_gone: bool) -> None:
        space, name = item["metadata"]["namespace"], item["metadata"]["name"]
        loop = asyncio.get_running_loop()
        if (kind, name) == ("Ingress", GRAY_INGRESS) and self._weight_of(space) == 0:
            self.at_zero.setdefault(space, loop.time())
        if kind == "Deployment" and not is_gone:
            loop.call_later(0.2, self._settle_in, space, name)
        for key in self.reader.observe(kind, item, is_gone=is_gone):
            self.scheduler.wake(key)

    def _settle_in(self, space: str, name: str) -> None:
        self.api.settle(name, space=space)


async def one_size(count: int, interval_s: int, seconds: int) -> dict[str, float]:
    """Return what was measured with so many releases: at rest, and when all turn bad at once."""
    world = Many()
    world.fill(count, interval_s)
    await world.rise(interval_s)
    # What follows a raise is over, and the status that tells of it is stored.
    await asyncio.sleep(3 * interval_s)
    world.forget_calls()
    world.meter.writes.clear()
    begun, cpu = asyncio.get_running_loop().time(), process_time()
    await asyncio.sleep(seconds)
    took = asyncio.get_running_loop().time() - begun
    found = {
        "cpu_percent": 100 * (process_time() - cpu) / took,
        "lateness_p99_s": quantile([late for _, late in world.meter.ticks], 0.99),
        "looks": float(len(world.meter.ticks)),
        "writes_per_s": len(world.meter.writes) / took,
        "rss_mib": (resident() - _copied(world)) / MIB,
    }
    begun = asyncio.get_running_loop().time()
    world.counted.bad_share = BAD_SHARE
    async with asyncio.timeout(PATIENCE_S):
        while len(world.at_zero) < count:
            await asyncio.sleep(0.05)
    zero = [at - begun for at in world.at_zero.values()]
    return found | {"zero_p50_s": quantile(zero, 0.5), "zero_p99_s": quantile(zero, 0.99)}


def _copied(world: Many) -> int:
    """Return how much more memory a copy of the API server's objects takes."""
    gc.collect()
    before = resident()
    kept = copy.deepcopy((world.api.objects, world.api._owned))
    return resident() - before if kept else 0


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of all is not above."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def measure(*, quick: bool = False) -> list[Figure]:
    """Return the figures `scale.*`."""
    if quick:
        found = _apart(20, 1, 2)
        return [_figure("scale.20.zero_p99_s", found["zero_p99_s"], "s", n=20)]
    storm, steady, most = _apart(200, 1, 10), _apart(200, 10, 60), _apart(1000, 10, 60)
    crowd = _apart(1000, 5, 10)
    return [
        _figure("scale.200.zero_p50_s", storm["zero_p50_s"], "s", n=200),
        _figure("scale.200.zero_p99_s", storm["zero_p99_s"], "s", 2.0, n=200),
        _figure("scale.200.cpu_percent", steady["cpu_percent"], "%", 10.0),
        _figure("scale.200.writes_per_s", steady["writes_per_s"], "1/s"),
        _figure("scale.1000.zero_p99_s", crowd["zero_p99_s"], "s", 8.0, n=1000),
        _figure(
            "scale.1000.lateness_p99_s", most["lateness_p99_s"], "s", 1.0, n=int(most["looks"])
        ),
        _figure("scale.1000.cpu_percent", most["cpu_percent"], "%"),
        _figure("scale.1000.rss_mib", most["rss_mib"], "MiB", 180.0),
    ]


def _figure(name: str, value: float, unit: str, target: float | None = None, n: int = 1) -> Figure:
    return Figure(name=name, value=value, unit=unit, target=target, n=n)


def _apart(count: int, interval_s: int, seconds: int) -> dict[str, float]:
    """Measure one size in a process of its own, so that none pays for the memory of another."""
    sizes = [str(one) for one in (count, interval_s, seconds)]
    command = [sys.executable, "-m", "tests.benchmarks.operator.scale", *sizes]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    count, interval_s, seconds = map(int, sys.argv[1:])
    sys.stdout.write(json.dumps(asyncio.run(one_size(count, interval_s, seconds))))
