"""The operator of the scale benchmark, in a process of its own, as its image would have it.

Engine, reader, writer, core and measurements are the real ones; requests to the API server and to
Prometheus go as JSON over the standard streams to the process that started this one, see
`scale.py`. What this process uses, time and memory, is what the operator uses.
"""

import asyncio
import json
import random
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from time import process_time
from typing import Any

from tests.support.fakes.outside import FakeOutside
from tests.support.fakes.ports import FakeFence
from tests.support.resident import resident

from faceblur_operator import handlers, wiring
from faceblur_operator.adapters.kube_api import TIMEOUT, KubeApi, NotFoundError, Object
from faceblur_operator.adapters.kube_events import KubeEvents
from faceblur_operator.adapters.kube_reader import INDEX, KubeReader
from faceblur_operator.adapters.kube_writer import KubeWriter
from faceblur_operator.adapters.object_cache import ObjectCache
from faceblur_operator.adapters.prometheus import grouped, moment_of
from faceblur_operator.adapters.prometheus_meter import PrometheusMeter
from faceblur_operator.adapters.system_clock import SystemClock
from faceblur_operator.core.compiler import Defaults
from faceblur_operator.core.snapshot import Labels, NoSamples, Samples
from faceblur_operator.engine import Doors, Reconciler, Scheduler, core_brain
from faceblur_operator.ports.cluster import Key
from faceblur_operator.ports.errors import ConflictError, RefusedError, UnreachableError

URL = "http://prometheus:9090"
ERRORS = {one.__name__: one for one in (NotFoundError, ConflictError, RefusedError)}
# Loaded, because the image loads them: the watch, the Lease, the servers.
LOADED = (handlers, wiring)


class Line:
    """Questions to the process that started this one, and its answers."""

    def __init__(self, loop: asyncio.AbstractEventLoop, out: asyncio.StreamWriter) -> None:
        self._loop = loop
        self._out = out
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0

    async def ask(self, **question: Any) -> Any:
        self._number += 1
        answer = self._waiting[self._number] = self._loop.create_future()
        self.say(id=self._number, **question)
        return await answer

    def say(self, **what: Any) -> None:
        self._out.write(json.dumps(what).encode() + b"\n")

    def take(self, said: dict[str, Any]) -> None:
        """Give an answer to whoever waits for it."""
        answer = self._waiting.pop(said["id"])
        if answer.done():
            # Nobody waits any more: it came too late.
            return
        if "error" in said:
            kind, text = said["error"]
            answer.set_exception(ERRORS[kind](text))
        else:
            answer.set_result(said["answer"])


class FarApi(KubeApi):
    """The API server at the other end."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout: timedelta = TIMEOUT,
    ) -> Object:
        asked = {"query": query, "body": body, "content_type": content_type}
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                answer: Object = await self._line.ask(method=method, path=path, **asked)
        except TimeoutError as err:
            raise UnreachableError(f"{method} {path}: no answer") from err
        return answer


class FarPrometheus:
    """The Prometheus at the other end; its answers are read as those of a real one."""

    def __init__(self, line: Line, clock: SystemClock) -> None:
        self._line = line
        self._clock = clock
        self._known: dict[Labels, Labels] = {}

    async def query(
        self,
        url: str,
        queries: Mapping[str, str],
        *,
        timeout: timedelta,
        at: datetime | None = None,
    ) -> Samples | NoSamples:
        asked_at = self._clock.now()
        if at is not None:
            return NoSamples(asked_at, f"Prometheus {url}: remembers nothing")
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                result = await self._line.ask(queries=list(queries))
        except TimeoutError:
            return NoSamples(asked_at, f"Prometheus {url}: no answer")
        return Samples(asked_at, grouped(result, queries, self._known), moment_of(result))


class Measured(PrometheusMeter):
    """The real measurements, and two more."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self.writes = 0

    def tick(self, *, seconds: float, lateness_seconds: float) -> None:
        super().tick(seconds=seconds, lateness_seconds=lateness_seconds)
        self.late.append(lateness_seconds)

    def write(self, kind: str) -> None:
        super().write(kind)
        self.writes += 1


async def work() -> None:
    """Do what an operator does until the other end closes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop), sys.stdout
    )
    line = Line(loop, asyncio.StreamWriter(transport, protocol, None, loop))
    wiring.look_for_garbage_less_often()
    clock, meter, api = SystemClock(), Measured(), FarApi(line)
    cache, fence = ObjectCache(INDEX, loop.time), FakeFence()
    kube = KubeReader(api, cache)
    events = KubeEvents(api, clock, fence, instance="bench")
    doors = Doors(clock, kube, KubeWriter(api, cache, fence), events, meter)
    brain = core_brain(Defaults(URL, (), timedelta(seconds=2)))
    scheduler = Scheduler(
        Reconciler(brain, doors),
        FarPrometheus(line, clock),
        meter,
        FakeOutside(clock),
        chance=random.Random(1).random,
    )
    while said := await reader.readline():
        _take(json.loads(said), line, kube, scheduler, meter)


def _take(
    said: dict[str, Any], line: Line, kube: KubeReader, scheduler: Scheduler, meter: Measured
) -> None:
    if "id" in said:
        line.take(said)
    elif "changed" in said:
        kind, item, is_gone = said["changed"]
        for key in kube.observe(kind, item, is_gone=is_gone):
            scheduler.wake(key)
    elif "wake" in said:
        scheduler.wake(Key(*said["wake"]))
    else:
        found = {"late": meter.late, "writes": meter.writes, "resident": resident()}
        line.say(told={"cpu_s": process_time(), **found})
        meter.late, meter.writes = [], 0


if __name__ == "__main__":
    asyncio.run(work())
