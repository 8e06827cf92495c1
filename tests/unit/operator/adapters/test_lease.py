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
        del content_type  # a Lease needs none
        what, seconds = self._fate()
        whole = timeout.total_seconds()
        if what == "lost":
            await asyncio.sleep(whole)
            raise UnreachableError("lost")
        stored = asyncio.ensure_future(self._after(seconds, method, path, query, body))
        self._late.add(stored)
        stored.add_done_callback(self._late.discard)
        # The request arrives all the same, also when nobody waits for it any more.
        done, _ = await asyncio.wait([stored], timeout=whole)
        if not done or what == "unanswered":
            stored.add_done_callback(lambda one: one.exception())
            raise UnreachableError("no answer in time")
        return stored.result()

    async def _after(
        self, seconds: float, method: str, path: str, query: dict[str, str] | None, body: Any
    ) -> Object:
        await asyncio.sleep(seconds)
        return await self._api.request(method, path, query=query, body=body)


def an_elector(api: KubeApi, name: str, chance: Callable[[], float]) -> LeaseElector:
    return LeaseElector(api, VirtualClock(), LeasePlace("demo", "test", name), chance=chance)


async def serve(elector: LeaseElector) -> None:
    while True:
        await elector.acquire()
        await elector.keep()


class Post:
    """A place where one process after the other does its work, each killed after a while."""

    def __init__(self, api: FakeKubeApi, name: str, chance: Random) -> None:
        self._api = api
        self._name = name
        self._chance = chance
        self.elector: LeaseElector | None = None

    async def serve(self) -> None:
        for life in range(1000):
            # Servers behind one address, whose clocks differ a little.
            self._api.ahead = timedelta(seconds=self._chance.uniform(0, 1))
            wire = Wire(self._api, fate_of(self._chance))
            self.elector = an_elector(wire, f"{self._name}{life}", self._chance.random)
            working = asyncio.create_task(serve(self.elector))
            await asyncio.sleep(self._chance.uniform(1, 40))
            working.cancel()
            self.elector = None
            await asyncio.sleep(self._chance.uniform(0, 8))

    @property
    def protected(self) -> float:
        """For how many seconds a write that begins now is protected, 0 while it must not."""
        leads = self.elector is not None and self.elector.is_leading
        return self.elector.check().total_seconds() if self.elector and leads else 0.0


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
        posts = [Post(api, name, chance) for name in names]
        tasks = [asyncio.create_task(one.serve()) for one in posts]
        # Until when a write that was begun at each of them may be under way.
        protected = [0.0] * len(posts)
        loop = asyncio.get_running_loop()
        while loop.time() < 120:
            leading = [index for index, one in enumerate(posts) if one.protected]
            for index in leading:
                others = [until for other, until in enumerate(protected) if other != index]
                assert max(others) <= loop.time(), names[index]
                protected[index] = loop.time() + posts[index].protected
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


class Stampless(FakeKubeApi):
    """An API server that tells nothing about who changed what, and when."""

    def _stamped(self, item: Object) -> Object:
        return item


async def killed_and_back(api: FakeKubeApi, *, away_s: float) -> float:
    """Return how long a process waits for the Lease that one before it left behind."""
    first, second = (an_elector(api, name, lambda: 1.0) for name in ("a", "b"))
    leading = asyncio.create_task(serve(first))
    await asyncio.sleep(10.3)
    leading.cancel()
    await asyncio.sleep(away_s)
    begun = asyncio.get_running_loop().time()
    await second.acquire()
    return asyncio.get_running_loop().time() - begun


@pytest.mark.parametrize("away_s", [5.0, 5.4, 5.8, 60.0])
def test_a_process_that_was_away_for_long_watches_the_lease_no_longer_than_it_must(
    away_s: float,
) -> None:
    took = run_virtually(killed_and_back(FakeKubeApi(), away_s=away_s))

    assert took == pytest.approx(TIMING.watch.total_seconds(), abs=STEP_S)


def test_what_the_stamps_cannot_tell_is_watched() -> None:
    took = run_virtually(killed_and_back(FakeKubeApi(), away_s=0.5))

    assert took >= (TIMING.duration - timedelta(seconds=0.5) - TIMING.renew).total_seconds()


def test_without_stamps_the_lease_is_watched_for_its_whole_duration() -> None:
    took = run_virtually(killed_and_back(Stampless(), away_s=60.0))

    assert took >= TIMING.duration.total_seconds()


@pytest.mark.parametrize("begins_s", [20.0, 20.2, 20.4, 20.6])
def test_a_leader_that_lives_is_seen_however_wrong_the_stamps_are(begins_s: float) -> None:
    """As of a cluster whose API servers have very different clocks."""
    api = FakeKubeApi()

    async def story() -> bool:
        first, second = (an_elector(api, name, lambda: 1.0) for name in ("a", "b"))
        leading = asyncio.create_task(serve(first))
        await asyncio.sleep(begins_s)
        # The leader's server is far behind the one that the candidate asks.
        waiting = asyncio.create_task(second.acquire())
        for _ in range(1000):
            api.ahead = timedelta(minutes=5)
            await asyncio.sleep(STEP_S)
        for one in (leading, waiting):
            one.cancel()
        return waiting.done() and not waiting.cancelled()

    assert not run_virtually(story())


@pytest.mark.parametrize("cut_s", [10.0 + tenth / 10 for tenth in range(10)])
@pytest.mark.parametrize("begins_after_s", [0.5, 1.0, 1.5, 2.0])
def test_nobody_leads_before_a_leader_that_is_cut_off_has_stopped(
    cut_s: float, begins_after_s: float
) -> None:
    """The server that the candidate asks is as far ahead of the leader's as servers may be."""
    api, fate = FakeKubeApi(), ["answered"]

    async def story() -> None:
        first = an_elector(Wire(api, lambda: (fate[0], 0.01)), "a", lambda: 1.0)
        second = an_elector(api, "b", lambda: 1.0)
        tasks = [asyncio.create_task(serve(first))]
        await asyncio.sleep(cut_s)
        fate[0] = "lost"
        await asyncio.sleep(begins_after_s)
        api.ahead = timedelta(seconds=1)
        tasks.append(asyncio.create_task(serve(second)))
        while not second.is_leading:
            await asyncio.sleep(STEP_S)
        assert not first.is_leading
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run_virtually(story())
