"""One look: what is written, in which order, and what a failure leaves behind."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.in_memory import KEY, MADE_GRAY, InMemory, quick_spec, stable_objects
from tests.support.specs import a_resource
from tests.support.virtual_time import START, VirtualClock, run_virtually

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.compiler import Defaults
from faceblur_operator.core.decide import Request
from faceblur_operator.core.decision import Decision
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import NoSamples, Samples
from faceblur_operator.core.state import State
from faceblur_operator.engine import Answer, Ask, Doors, Outcome, Reconciler, core_brain
from faceblur_operator.ports.cluster import Key
from faceblur_operator.ports.errors import NotLeadingError, RefusedError, UnreachableError

STATUS = "PUT /apis/faceblur.dev/v1alpha1/namespaces/demo/faceblurrollouts/face-blur/status"
INGRESS = "PATCH /apis/networking.k8s.io/v1/namespaces/demo/ingresses/face-blur-ingress-gray"
PATIENCE = timedelta(seconds=1)


def play(story: Callable[[InMemory], Coroutine[Any, Any, None]], **spec: Any) -> InMemory:
    """Play a story in a world whose rollout exists and whose scheduler sleeps."""

    async def go() -> InMemory:
        world = InMemory(settles=False, is_asleep=True)
        world.install(quick_spec(**spec))
        await story(world)
        return world

    return run_virtually(go())


async def at_first_weight(world: InMemory) -> Outcome:
    """Look until gray is to get its first traffic, and return that look."""
    await world.reconciler.look(KEY)
    world.settle()
    world.api.calls.clear()
    return await world.reconciler.look(KEY)


def test_traffic_is_set_before_the_status_says_so() -> None:
    async def story(world: InMemory) -> None:
        await at_first_weight(world)

    world = play(story)

    assert world.api.writes() == [INGRESS, STATUS]
    assert (world.weight, world.status["grayWeight"]) == (5, 5)


def test_events_are_sent_after_the_status_was_stored() -> None:
    async def story(world: InMemory) -> None:
        world.api.broken = [None, None, UnreachableError("no answer")]

        outcome = await world.reconciler.look(KEY)
        assert Reason.STARTED not in {event.reason for _, event in world.events.sent}
        assert outcome.look_again == timedelta(seconds=5)

        await asyncio.sleep(5)
        await world.reconciler.look(KEY)

    world = play(story)

    reasons = [event.reason for _, event in world.events.sent]
    assert reasons == [Reason.WRITE_REFUSED, Reason.STARTED]


def test_traffic_that_cannot_be_written_leaves_everything_as_it_was() -> None:
    async def story(world: InMemory) -> None:
        await world.reconciler.look(KEY)
        world.settle()
        world.api.broken = [UnreachableError("no answer")]

        with pytest.raises(UnreachableError):
            await world.reconciler.look(KEY)
        assert (world.weight, world.status["grayWeight"]) == (0, 0)
        await world.reconciler.look(KEY)

    world = play(story)

    assert (world.weight, world.status["grayWeight"]) == (5, 5)


def test_a_status_that_cannot_be_stored_is_stored_after_a_rest() -> None:
    async def story(world: InMemory) -> None:
        await world.reconciler.look(KEY)
        world.settle()
        world.api.broken = [None, UnreachableError("no answer")]

        await world.reconciler.look(KEY)
        await world.reconciler.look(KEY)
        assert (world.weight, world.status["grayWeight"]) == (5, 0)
        await asyncio.sleep(5)
        await world.reconciler.look(KEY)

    world = play(story)

    assert (world.weight, world.status["grayWeight"]) == (5, 5)
    assert [one["toWeight"] for one in world.status["decisions"] if "fromWeight" in one][-1] == 5


def test_a_status_that_was_stored_though_nobody_answered_says_it_once() -> None:
    async def story(world: InMemory) -> None:
        await world.reconciler.look(KEY)
        world.settle()
        request = world.api.request

        async def lost(method: str, path: str, **more: Any) -> Any:
            found = await request(method, path, **more)
            if path.endswith("/status"):
                raise UnreachableError("the answer was lost")
            return found

        world.api.request = lost  # type: ignore[method-assign]  # a network that loses answers
        await world.reconciler.look(KEY)
        world.api.request = request  # type: ignore[method-assign]  # and one that does not
        await asyncio.sleep(5)
        await world.reconciler.look(KEY)

    world = play(story)

    assert [one["reason"] for one in world.status["decisions"]].count("WeightRaised") == 1
    reasons = [event.reason for _, event in world.events.sent]
    assert reasons.count(Reason.WEIGHT_RAISED) == 1


class Recording:
    """The core's decisions, and the memory each was given."""

    def __init__(self) -> None:
        self._core = core_brain(Defaults("http://prometheus:9090", (), PATIENCE))
        self.compile, self.refuse = self._core.compile, self._core.refuse
        self.queries, self.past = self._core.queries, self._core.past
        self.memories: list[bool] = []
        self.asking: list[int] = []

    def decide(self, request: Request) -> Decision:
        self.memories.append(request.memory is not None)
        return self._core.decide(request)

    def pace(self, plan: Plan, state: State, now: datetime, *, asking: int) -> timedelta:
        self.asking.append(asking)
        return self._core.pace(plan, state, now, asking=asking)


def test_memory_is_given_back_and_dropped_when_another_process_leads() -> None:
    brain = Recording()

    async def story(world: InMemory) -> None:
        clock = VirtualClock()
        doors = Doors(clock, world.reader, world.writer, world.events, world.meter)
        reconciler = Reconciler(brain, doors)
        await reconciler.look(KEY)
        world.settle()
        world.api.broken = [UnreachableError("no answer")]
        with pytest.raises(UnreachableError):
            await reconciler.look(KEY)

        world.fence.is_leading = False
        with pytest.raises(NotLeadingError):
            await reconciler.look(KEY)
        world.fence.is_leading = True
        await reconciler.look(KEY)
        await reconciler.look(KEY)

    play(story)

    assert brain.memories == [False, True, True, False, True]


def test_second_look_at_the_same_state_writes_nothing() -> None:
    async def story(world: InMemory) -> None:
        await at_first_weight(world)
        await world.reconciler.look(KEY)
        world.api.calls.clear()

        await world.reconciler.look(KEY)

    assert play(story).api.calls == []


def test_closed_fence_stops_before_the_first_write() -> None:
    async def story(world: InMemory) -> None:
        world.api.calls.clear()
        world.fence.is_leading = False

        with pytest.raises(NotLeadingError):
            await world.reconciler.look(KEY)

    world = play(story)

    assert world.api.writes() == []
    assert world.status == {}


def test_specification_without_a_plan_is_told_and_nothing_else_touched() -> None:
    async def story(world: InMemory) -> None:
        world.api.calls.clear()
        outcome = await world.reconciler.look(KEY)
        assert outcome == Outcome()

    world = play(story, analysis={"slos": []})

    accepted = next(one for one in world.status["conditions"] if one["type"] == "Accepted")
    assert world.api.writes() == [STATUS]
    assert (accepted["status"], accepted["reason"]) == ("False", "InvalidSpec")


def test_refused_write_is_told_once() -> None:
    async def story(world: InMemory) -> None:
        world.api.refuses = lambda path, _body: (
            RefusedError("quota exceeded") if "deployments" in path else None
        )
        for _ in range(3):
            await world.reconciler.look(KEY)
            await asyncio.sleep(30)

    world = play(story)

    told = [event.message for _, event in world.events.sent if event.is_warning]
    assert told == ["quota exceeded"]


def test_refused_traffic_is_told_once() -> None:
    async def story(world: InMemory) -> None:
        await world.reconciler.look(KEY)
        world.settle()
        for _ in range(3):
            world.api.broken = [RefusedError("no such annotation")]
            with pytest.raises(RefusedError):
                await world.reconciler.look(KEY)

    world = play(story)

    told = [event.message for _, event in world.events.sent if event.is_warning]
    assert told == ["no such annotation"]


def test_rollout_that_is_gone_leaves_no_series_behind() -> None:
    async def story(world: InMemory) -> None:
        await world.reconciler.look(KEY)
        world.api.remove("FaceBlurRollout", KEY.name)

        assert await world.reconciler.look(KEY) == Outcome(is_gone=True)

    assert play(story).meter.rollouts == {}


def test_outcome_says_what_to_ask_once_gray_has_traffic() -> None:
    async def story(world: InMemory) -> None:
        before = await world.reconciler.look(KEY)
        world.settle()
        after = await world.reconciler.look(KEY)

        assert before.ask is None
        assert after.ask is not None
        assert sorted(after.ask.queries) == [
            "success:gray:bad",
            "success:gray:total",
            "success:stable:bad",
            "success:stable:total",
        ]
        # A fifth of the interval, because the weight has just been raised.
        assert after.ask.interval == timedelta(seconds=0.2)

    play(story)


def test_answer_about_earlier_pods_is_not_evidence() -> None:
    async def story(world: InMemory) -> None:
        outcome = await at_first_weight(world)
        assert outcome.ask is not None
        outdated = Ask(outcome.ask.url, {"success:gray:bad": "other"}, outcome.ask.interval)
        why = NoSamples(START, "it must not be read")

        await world.reconciler.look(KEY, Answer(outdated, why))
        assert world.status["verdict"] != "Error"
        await world.reconciler.look(KEY, Answer(outcome.ask, why))
        assert world.status["verdict"] == "Error"

    play(story)


def test_pace_depends_on_how_many_rollouts_ask() -> None:
    brain, other = Recording(), Key("other", KEY.name)

    async def story(world: InMemory) -> None:
        for one in (*stable_objects(), a_resource(quick_spec())):
            one["metadata"]["namespace"] = other.namespace
            world.api.add(one)
        doors = Doors(VirtualClock(), world.reader, world.writer, world.events, world.meter)
        reconciler = Reconciler(brain, doors)
        for key in (KEY, other, KEY, other):
            world.api.settle("face-blur-stable", space=key.namespace)
            await reconciler.look(key)
            world.api.settle(MADE_GRAY, space=key.namespace)
        await reconciler.look(KEY)
        world.api.remove("FaceBlurRollout", other.name, space=other.namespace)
        await reconciler.look(other)
        await reconciler.look(KEY)

    play(story)

    # Nothing is asked at the first look at each.
    assert brain.asking == [1, 2, 2, 1]


def test_ingress_deleted_between_two_looks_is_made_again() -> None:
    async def story(world: InMemory) -> None:
        await at_first_weight(world)
        world.api.remove("Ingress", "face-blur-ingress-gray")
        assert world.weight == 0

        await world.reconciler.look(KEY)

    world = play(story)

    assert world.weight == 5
    assert Reason.REPAIRED in {event.reason for _, event in world.events.sent}


def test_changed_specification_is_compiled_anew() -> None:
    async def story(world: InMemory) -> None:
        await at_first_weight(world)

        change = {"spec": {"steps": [{"weight": 40, "hold": "1s"}, {"weight": 100}]}}
        world.api.change("FaceBlurRollout", KEY.name, change)
        await world.reconciler.look(KEY)

    assert play(story).status["step"] == "1/2"


def test_samples_reach_the_decision() -> None:
    async def story(world: InMemory) -> None:
        outcome = await at_first_weight(world)
        assert outcome.ask is not None
        source = world.prometheus
        for _ in range(2):
            await asyncio.sleep(1)
            samples = await source.query("url", outcome.ask.queries, timeout=PATIENCE)
            assert isinstance(samples, Samples)
            await world.reconciler.look(KEY, Answer(outcome.ask, replace(samples)))

    slo = play(story).status["slos"][0]

    assert (slo["grayRequests"], slo["verdict"]) == (200, "Pass")
