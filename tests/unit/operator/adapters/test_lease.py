"""The Lease with the timing that is shipped, in virtual time, over a network that misbehaves."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from tests.support.fakes.kube_api import FakeKubeApi
from tests.support.virtual_time import VirtualClock, run_virtually

from faceblur_operator.adapters.kube_api import TIMEOUT, KubeApi, Object
from faceblur_operator.adapters.lease import LeaseElector, LeasePlace, LeaseTiming
from faceblur_operator.ports.errors import UnreachableError

TIMING = LeaseTiming()
STEP_S = 0.01


class Wire(KubeApi):
    """One process's way to the API server: slow, cut, or losing requests and answers."""

    def __init__(self, api: FakeKubeApi, fate: Callable[[], tuple[str, float]]) -> None:
        self._api = api
        self._fate = fate
        self._late: set[asyncio.Task[Any]] = set()

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
        del query, content_type  # a Lease needs neither
        what, seconds = self._fate()
        whole = timeout.total_seconds()
        if what == "lost":
            await asyncio.sleep(whole)
            raise UnreachableError("lost")
        stored = asyncio.ensure_future(self._after(seconds, method, path, body))
        self._late.add(stored)
        stored.add_done_callback(self._late.discard)
        # The request arrives all the same, also when nobody waits for it any more.
        done, _ = await asyncio.wait([stored], timeout=whole)
        if not done or what == "unanswered":
            stored.add_done_callback(lambda one: one.exception())
            raise UnreachableError("no answer in time")
        return stored.result()

    async def _after(self, seconds: float, method: str, path: str, body: Any) -> Object:
        await asyncio.sleep(seconds)
        return await self._api.request(method, path, body=body)


def an_elector(api: KubeApi, name: str, chance: Callable[[], float]) -> LeaseElector:
    return LeaseElector(api, VirtualClock(), LeasePlace("demo", "test", name), chance=chance)


async def serve(elector: LeaseElector) -> None:
    while True:
        await elector.acquire()
        await elector.keep()


def fate_of(chance: Random) -> Callable[[], tuple[str, float]]:
    """Return what happens to requests: well for a while, then badly for a while."""
    mood = ["well"]

    def fate() -> tuple[str, float]:
        if chance.random() < 0.15:
            mood[0] = chance.choice(["well", "lost", "unanswered", "slow"])
        if mood[0] in ("lost", "unanswered"):
            return mood[0], chance.uniform(0, 0.3)
        return "answered", chance.uniform(0.3, 1.0) if mood[0] == "slow" else 0.01

    return fate


@pytest.mark.parametrize("seed", range(40))
def test_nobody_leads_while_another_one_may_still_write(seed: int) -> None:
    chance = Random(seed)
    api = FakeKubeApi()
    changes: list[list[int]] = []

    async def story() -> None:
        names = ("a", "b", "c")
        electors = [an_elector(Wire(api, fate_of(chance)), name, chance.random) for name in names]
        tasks = [asyncio.create_task(serve(one)) for one in electors]
        # Until when a write that was begun by each of them may be under way.
        protected = [0.0] * len(electors)
        loop = asyncio.get_running_loop()
        while loop.time() < 120:
            leading = [index for index, one in enumerate(electors) if one.is_leading]
            for index in leading:
                others = [until for other, until in enumerate(protected) if other != index]
                assert max(others) <= loop.time(), names[index]
                protected[index] = loop.time() + electors[index].check().total_seconds()
            if leading and (not changes or changes[-1] != leading):
                changes.append(leading)
            await asyncio.sleep(STEP_S)
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run_virtually(story())

    assert len(changes) > 1, "leadership never moved: nothing was tried"


@pytest.mark.parametrize("lived_s", [5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 5.7])
def test_a_killed_leader_is_followed_within_the_lease_and_one_poll(lived_s: float) -> None:
    api = FakeKubeApi()

    async def story() -> float:
        first, second = (an_elector(api, name, lambda: 1.0) for name in ("a", "b"))
        leading = asyncio.create_task(serve(first))
        await asyncio.sleep(0.2)
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(lived_s)
        leading.cancel()
        killed = asyncio.get_running_loop().time()
        await waiting
        return asyncio.get_running_loop().time() - killed

    took = run_virtually(story())

    assert took <= (TIMING.duration + TIMING.poll).total_seconds()
