"""Many rollouts turn bad at once: the traffic of all goes first, and no status starves."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tests.support.fakes.ports import FakeEvents, FakeMeter
from tests.support.in_memory import WEIGHT, InMemory, quick_spec, stable_objects
from tests.support.specs import a_resource
from tests.support.virtual_time import START, run_virtually

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.decision import Decision, Event
from faceblur_operator.core.effects import Apply, Effect
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.state import Stage, State
from faceblur_operator.engine import Doors
from faceblur_operator.engine.writing import AT_ONCE, MANY, PUT_OFF, Unwritten, Writing
from faceblur_operator.ports.cluster import Key, Resource

COUNT = 60
STEPS = [{"weight": 30, "hold": "1h"}, {"weight": 100}]
GRAY_INGRESS = "face-blur-ingress-gray"
ROLLOUT = "FaceBlurRollout"
TOLD = Event(Reason.SLO_BREACHED, "bad", is_warning=True)


class Fleet(InMemory):
    """Many rollouts, each in a namespace of its own, with the same traffic."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # What brought gray's weight to 0: `Ingress` or, telling of it, `FaceBlurRollout`.
        self.at_zero: list[str] = []

    def fill(self, count: int) -> None:
        """Create the stable versions and the rollouts."""
        for index in range(count):
            space = f"team-{index}"
            for item in [*stable_objects(), a_resource(quick_spec(steps=STEPS))]:
                item["metadata"]["namespace"] = space
                self.api.add(item)
            self.api.settle("face-blur-stable", space=space)

    def weights_now(self) -> set[int]:
        """Return the weights that the Ingress controller sees."""
        return {
            int(item["metadata"]["annotations"][WEIGHT])
            for (kind, _, name), item in self.api.objects.items()
            if (kind, name) == ("Ingress", GRAY_INGRESS)
        }

    def stored_weights(self) -> set[int]:
        """Return the weights that the statuses tell."""
        found = self.api.objects.items()
        return {one["status"]["grayWeight"] for (kind, *_), one in found if kind == ROLLOUT}

    async def until_all(self, weight: int) -> None:
        """Let time pass until all have this weight."""
        async with asyncio.timeout(60):
            while self.weights_now() != {weight}:
                await asyncio.sleep(0.001)

    def _observe(self, kind: str, item: dict[str, Any], is_gone: bool) -> None:
        space, name = item["metadata"]["namespace"], item["metadata"]["name"]
        if kind == "Deployment" and not is_gone:
            settle = partial(self.api.settle, name, space=space)
            asyncio.get_running_loop().call_later(0.2, settle)
        if name == GRAY_INGRESS and item["metadata"]["annotations"][WEIGHT] == "0":
            self.at_zero.append(kind)
        if kind == ROLLOUT and (item.get("status") or {}).get("grayWeight") == 0:
            self.at_zero.append(kind)
        for key in self.reader.observe(kind, item, is_gone=is_gone):
            self.scheduler.wake(key)


async def a_storm() -> Fleet:
    """Return many rollouts that have just lost their traffic."""
    fleet = Fleet()
    fleet.fill(COUNT)
    fleet.start()
    await fleet.until_all(30)
    await asyncio.sleep(10)
    fleet.at_zero.clear()
    fleet.counted.bad_share = 0.9
    await fleet.until_all(0)
    return fleet


def test_the_traffic_of_all_goes_before_the_statuses_of_most() -> None:
    async def story() -> list[str]:
        return (await a_storm()).at_zero

    seen = run_virtually(story())

    assert seen.count("Ingress") == COUNT
    assert seen.count(ROLLOUT) <= MANY


def test_every_status_is_stored_and_told_once_the_wait_is_over() -> None:
    async def story() -> None:
        fleet = await a_storm()
        assert fleet.stored_weights() == {0, 30}

        await asyncio.sleep((PUT_OFF + timedelta(seconds=0.5)).total_seconds())

        assert fleet.stored_weights() == {0}
        told = [key for key, event in fleet.events.sent if event.reason is Reason.SLO_BREACHED]
        assert len(told) == len(set(told)) == COUNT

    run_virtually(story())


def test_nothing_is_decided_about_a_rollout_whose_status_waits() -> None:
    async def story() -> None:
        fleet = await a_storm()
        await asyncio.sleep(0.2)
        decided = len(fleet.meter.decisions)

        for key in fleet.scheduler.keys:
            fleet.scheduler.wake(key)
        await asyncio.sleep(0.1)

        assert len(fleet.meter.decisions) - decided <= 2 * MANY

    run_virtually(story())


def test_a_process_that_dies_while_statuses_wait_leaves_the_same_end() -> None:
    async def story() -> None:
        fleet = await a_storm()
        await fleet.scheduler.stop(patience=timedelta(0))
        assert 30 in fleet.stored_weights()

        following = Fleet(api=fleet.api)
        following.counted = fleet.counted
        following.prometheus.answered = fleet.prometheus.answered
        following.start()
        await asyncio.sleep(20)

        assert (following.weights_now() or {0}, following.stored_weights()) == ({0}, {0})

    run_virtually(story())


@dataclass
class Desk:
    """Clock and writer of a few rollouts; remembers what is written when.

    Attributes:
        at: what the clock tells.
        taken: whose gray Ingress was written, and when.
        stored: whose status was stored, and when.
    """

    at: datetime = START
    taken: list[tuple[str, datetime]] = field(default_factory=list)
    stored: list[tuple[str, datetime]] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    async def apply(self, key: Key, effect: Effect) -> None:
        assert isinstance(effect, Apply)
        self.taken.append((key.name, self.at))

    async def store_status(self, resource: Resource, status: dict[str, Any]) -> None:
        assert status
        self.stored.append((resource.key.name, self.at))

    def doors(self) -> Doors:
        return Doors(self, InMemory().reader, self, FakeEvents(), FakeMeter())


def _resource(name: str) -> Resource:
    return Resource(Key("demo", name), f"uid-{name}", 1, "1", {})


def _taking() -> Decision:
    """Return a decision that takes gray's traffic."""
    state = State(stage=Stage.ROLLING_BACK)
    ingress = Apply({"kind": "Ingress", "metadata": {"name": GRAY_INGRESS}})
    return Decision(Memory(state), (ingress,), {"phase": "RollingBack"}, (TOLD,), None)


async def _crowd(writing: Writing) -> None:
    for index in range(MANY):
        await writing.carry_out(_resource(f"other-{index}"), Unwritten(), _taking())


def test_status_of_few_rollbacks_never_waits() -> None:
    async def story() -> None:
        desk = Desk()
        writing = Writing(desk.doors())
        for _ in range(10):
            await _crowd(writing)
            desk.at += AT_ONCE

        assert len(desk.stored) == 10 * MANY
        assert desk.taken == desk.stored

    run_virtually(story())


def test_a_status_waits_once_whatever_else_goes_on() -> None:
    """Others turn bad all the time, and somebody gives this gray traffic again and again."""

    async def story() -> None:
        desk, unwritten = Desk(), Unwritten()
        writing = Writing(desk.doors())
        while desk.at - START <= PUT_OFF:
            await _crowd(writing)
            await writing.carry_out(_resource("mine"), unwritten, _taking())
            desk.at += timedelta(seconds=0.5)

        assert ("mine", START + PUT_OFF) in desk.stored
        assert min(at for name, at in desk.stored if name == "mine") == START + PUT_OFF
        # Traffic never waits.
        assert min(at for name, at in desk.taken if name == "mine") == START

    run_virtually(story())


def test_a_clock_that_is_set_back_makes_no_rollout_wait_longer() -> None:
    async def story() -> None:
        desk, unwritten = Desk(), Unwritten()
        writing = Writing(desk.doors())
        await _crowd(writing)
        await writing.carry_out(_resource("mine"), unwritten, _taking())
        assert unwritten.waits(desk.at) == PUT_OFF

        desk.at -= timedelta(hours=1)

        assert unwritten.waits(desk.at) is None
        await writing.carry_out(_resource("mine"), unwritten, _taking())
        assert [name for name, _ in desk.stored if name == "mine"] == ["mine"]

    run_virtually(story())
