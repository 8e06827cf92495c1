"""Many releases in one process: how late looks begin, how fast all turn back, what it costs.

The operator runs in a process of its own (`served.py`) with everything its image loads. This one
is its API server and its Prometheus, in memory; time is real. So processor time and memory are the
operator's alone, and it shares no core with what it talks to.
"""

import asyncio
import json
import math
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tests.benchmarks.figures import Figure
from tests.support.counted import Counted
from tests.support.fakes.kube_api import FakeKubeApi
from tests.support.in_memory import WEIGHT, stable_objects
from tests.support.specs import a_resource, a_spec

from faceblur_operator.adapters.prometheus import MARK
from faceblur_operator.ports.errors import ClusterError

MIB = 2**20
GRAY_INGRESS = "face-blur-ingress-gray"
SLOS = (
    {"name": "success", "builtin": "blurSuccess", "atLeast": "99%"},
    {"name": "no-worse", "builtin": "errors", "versusStable": {"maxRatio": 1.5}},
    {"name": "own", "ratio": {"bad": "own_bad", "total": "own_total"}, "atLeast": "95%"},
)
BAD_SHARE = 0.5
PATIENCE_S = 60.0


class World:
    """As many releases as wanted, each in a namespace of its own, and the operator they have."""

    def __init__(self, operator: asyncio.subprocess.Process) -> None:
        self.loop = asyncio.get_running_loop()
        self.counted = Counted(self.loop.time)
        self.api = FakeKubeApi(watchers=[self._changed])
        self.spaces: list[str] = []
        self.at_zero: dict[str, float] = {}
        self._operator = operator
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

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
            self._say(wake=[space, "face-blur"])
            await asyncio.sleep(interval_s / len(self.spaces))
        async with asyncio.timeout(PATIENCE_S * 3):
            while not all(self._weight_of(space) == 25 for space in self.spaces):
                await asyncio.sleep(0.1)

    async def calm(self) -> None:
        """Wait until nothing is left to be said of anybody: gray is good enough everywhere."""
        async with asyncio.timeout(PATIENCE_S * 3):
            while not all(self._verdict_of(space) == "Pass" for space in self.spaces):
                await asyncio.sleep(0.5)

    async def tell(self) -> dict[str, Any]:
        """Return what the operator measured since it was last asked."""
        self._say(tell=True)
        return await self._told.get()

    async def serve(self) -> None:
        """Answer the operator until it ends."""
        out = self._operator.stdout
        assert out is not None
        while said := await out.readline():
            asked = json.loads(said)
            if "told" in asked:
                self._told.put_nowait(asked["told"])
                continue
            number = asked.pop("id")
            if "queries" in asked:
                self._say(id=number, answer=self._samples(asked["queries"]))
                continue
            try:
                answer = await self.api.request(asked.pop("method"), asked.pop("path"), **asked)
            except ClusterError as err:
                self._say(id=number, error=[type(err).__name__, str(err)])
            else:
                self._say(id=number, answer=answer)
            self.api.calls.clear()

    def _samples(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        found = []
        for key in keys:
            _, side, what = key.split(":")
            metric = {MARK: key, "pod": f"{side}-1", "namespace": "demo", "job": "face-blur"}
            found.append({"metric": metric, "value": [0, str(self.counted(side, what))]})
        return found

    def _say(self, **what: Any) -> None:
        assert self._operator.stdin is not None
        self._operator.stdin.write(json.dumps(what).encode() + b"\n")

    def _weight_of(self, space: str) -> int | None:
        found = self.api.objects.get(("Ingress", space, GRAY_INGRESS))
        return None if found is None else int(found["metadata"]["annotations"][WEIGHT])

    def _verdict_of(self, space: str) -> str | None:
        found = self.api.objects["FaceBlurRollout", space, "face-blur"]
        verdict: str | None = (found.get("status") or {}).get("verdict")
        return verdict

    def _changed(self, kind: str, item: dict[str, Any], is_gone: bool) -> None:
        space, name = item["metadata"]["namespace"], item["metadata"]["name"]
        if (kind, name) == ("Ingress", GRAY_INGRESS) and self._weight_of(space) == 0:
            self.at_zero.setdefault(space, self.loop.time())
        if kind == "Deployment" and not is_gone:
            self.loop.call_later(0.2, self._settle_in, space, name)
        # What the operator's watches are on.
        if kind not in ("Event", "ReplicaSet"):
            self._say(changed=[kind, item, is_gone])

    def _settle_in(self, space: str, name: str) -> None:
        self.api.settle(name, space=space)


async def one_size(count: int, interval_s: int, seconds: int) -> dict[str, float]:
    """Return what was measured with so many releases: at rest, and when all turn bad at once."""
    operator = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.operator.served",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    world = World(operator)
    serving = asyncio.create_task(world.serve())
    try:
        world.fill(count, interval_s)
        await world.rise(interval_s)
        await world.calm()
        # What follows a raise is over, and the status that tells of it is stored.
        await asyncio.sleep(3 * interval_s)
        return await _at_rest(world, seconds) | await _turned(world, count)
    finally:
        serving.cancel()
        with suppress(ProcessLookupError):
            operator.kill()
        await operator.wait()


async def _at_rest(world: World, seconds: int) -> dict[str, float]:
    begun, before = world.loop.time(), await world.tell()
    await asyncio.sleep(seconds)
    after, took = await world.tell(), world.loop.time() - begun
    return {
        "cpu_percent": 100 * (after["cpu_s"] - before["cpu_s"]) / took,
        "lateness_p99_s": quantile(after["late"], 0.99),
        "looks": float(len(after["late"])),
        "writes_per_s": after["writes"] / took,
        "rss_mib": after["resident"] / MIB,
    }


async def _turned(world: World, count: int) -> dict[str, float]:
    begun = world.loop.time()
    world.counted.bad_share = BAD_SHARE
    async with asyncio.timeout(PATIENCE_S):
        while len(world.at_zero) < count:
            await asyncio.sleep(0.05)
    zero = [at - begun for at in world.at_zero.values()]
    told = await world.tell()
    return {
        "zero_p50_s": quantile(zero, 0.5),
        "zero_p99_s": quantile(zero, 0.99),
        "rss_after_mib": told["resident"] / MIB,
    }


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
        _figure("scale.200.writes_per_s", steady["writes_per_s"], "1/s", 0.0),
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
    return asyncio.run(one_size(count, interval_s, seconds))


if __name__ == "__main__":
    count, interval_s, seconds = map(int, sys.argv[1:])
    sys.stdout.write(json.dumps(_apart(count, interval_s, seconds)))
