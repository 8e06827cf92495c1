"""The record of decisions: every step, rollback and hold, why, and no more than there is room."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.errands import a_gate
from tests.support.world import World

from faceblur_operator.api.reasons import Reason, Verdict
from faceblur_operator.core import record
from faceblur_operator.core.analysis import terms_of
from faceblur_operator.core.errands import Moment
from faceblur_operator.core.plan import Plan, Preflight, Step
from faceblur_operator.core.proof import is_shared, proof
from faceblur_operator.core.snapshot import NoSamples, Samples, Series
from faceblur_operator.core.state import SloState, Stage, State

GOOD = {"gray": 50, "stable": 200}
BAD = GOOD | {"bad": 20}
FEW = {"gray": 1, "stable": 4}
OUTAGE = GOOD | {"bad": 15, "stable_bad": 60}
QUERY = (
    'requests{pod=~"face-blur-gray-5d4f8c7b6-[a-z0-9]{5}",outcome="error"}'
    ' / requests{pod=~"face-blur-gray-5d4f8c7b6-[a-z0-9]{5}"}'
)


def run(world: World, plan: Plan, seconds: int, traffic: dict[str, int] = GOOD) -> None:
    for _ in range(seconds):
        world.serve(**traffic)
        world.tick(plan)
        world.settle()


def at_weight(weight: int, plan: Plan) -> World:
    world = World()
    for _ in range(300):
        if world.weight == weight:
            return world
        run(world, plan, 1)
    raise AssertionError(f"never at {weight} %: {world.status['message']}")


def holds(world: World) -> list[dict[str, Any]]:
    return [one for one in world.status["decisions"] if one["action"] == record.HOLD]


def test_each_step_tells_what_was_asked_counted_and_required() -> None:
    world, plan = World(), a_plan(hold=5, objectives=(a_ratio(max_ratio=1.5), a_gauge()))
    while world.weight != 25:
        world.serve(**GOOD)
        found = world.samples(plan)
        value = {"queue:gray:value": (Series((), 3.0),)}
        at = world.now + timedelta(seconds=1)
        world.tick(plan, samples=replace(found, at=at, series={**found.series, **value}))
        world.settle()

    step = world.decided[-1]

    assert (step["action"], step["fromWeight"], step["toWeight"]) == ("stepping", 5, 25)
    success, queue = step["evidence"]
    counts = success.pop("grayRequests"), success.pop("stableRequests")
    assert (counts[0] >= 200, counts[1] == 4 * counts[0]) == (True, True)
    # β to the power of 25 %, as a logarithm.
    assert float(success.pop("logE")) >= 1.15
    assert success == {
        "name": "success",
        "verdict": "Pass",
        "value": "1",
        "bound": "0.995",
        "grayBad": 0,
        "stableBad": 0,
        "threshold": "1.2",
        "query": QUERY,
    }
    wanted = {"name": "queue", "verdict": "Pass", "value": "3", "bound": "20"}
    assert queue == wanted | {"query": "max(queue)"}


@pytest.mark.parametrize(
    "slo",
    [
        pytest.param(a_ratio(), id="worse than allowed"),
        pytest.param(
            a_ratio(allowed=None, unacceptable=None, max_ratio=1.5), id="worse than stable"
        ),
    ],
)
def test_a_rollback_tells_the_objectives_that_broke_and_their_numbers_as_its_sentence(
    slo: Any,
) -> None:
    fine = a_ratio("fine", allowed=0.9, unacceptable=0.95)
    plan = a_plan(hold=3600, objectives=(fine, slo))
    world = at_weight(5, plan)
    run(world, plan, 20)

    run(world, plan, 10, BAD)

    told = world.decided[-1]
    assert (told["action"], told["reason"]) == ("rolling back", "SloBreached")
    [broken] = told["evidence"]
    assert (broken["name"], broken["verdict"], broken["query"]) == ("success", "Breach", QUERY)
    assert broken["grayBad"] > 0
    assert f"log E {broken['logE']} ≥ {broken['threshold']}" in told["message"]


def test_a_hold_is_written_once_when_it_begins_however_long_it_lasts() -> None:
    plan = a_plan(hold=3600)
    world = at_weight(5, plan)

    run(world, plan, 400, FEW)
    run(world, plan, 400)

    assert [(one["reason"], one["toWeight"], one.get("count")) for one in holds(world)][-2:] == [
        ("TooLittleEvidence", 5, None),
        ("HoldNotOver", 5, None),
    ]
    [evidence] = holds(world)[-2]["evidence"]
    assert (evidence["verdict"], evidence["threshold"]) == ("Insufficient", "1.2")
    assert "evidence" not in holds(world)[-1]


def test_a_steady_hold_is_no_news_and_leaves_the_record_alone() -> None:
    plan = a_plan(hold=3600)
    world = at_weight(5, plan)
    run(world, plan, 61)
    before = world.status["decisions"]
    seen = len(world.decisions)

    run(world, plan, 300)

    # Once a minute the numbers are stored; see `test_refresh.py`.
    assert sum(one.status is not None for one in world.decisions[seen:]) <= 5
    assert world.status["decisions"] == before


def nobody_answers(world: World, plan: Plan) -> Plan:
    world.tick(plan, samples=NoSamples(world.now + timedelta(seconds=1), "Prometheus: down"))
    return plan


def there_are_no_series(world: World, plan: Plan) -> Plan:
    world.tick(plan, samples=Samples(world.now + timedelta(seconds=1), {}))
    return plan


def both_suffer(world: World, plan: Plan) -> Plan:
    run(world, plan, 30, OUTAGE)
    return plan


def few_come(world: World, plan: Plan) -> Plan:
    run(world, plan, 1, FEW)
    return plan


def a_user_pauses(world: World, plan: Plan) -> Plan:
    world.command('{"verb":"pause","by":"ann"}')
    run(world, plan, 40)
    return plan


def it_is_suspended(world: World, plan: Plan) -> Plan:
    plan = replace(plan, suspended=True)
    run(world, plan, 1)
    return plan


def the_ingress_is_gone(world: World, plan: Plan) -> Plan:
    world.ingress = None
    run(world, plan, 1)
    return plan


def time_goes_by(world: World, plan: Plan) -> Plan:
    run(world, plan, 40)
    return plan


def gray_stays_small(world: World, plan: Plan) -> Plan:
    for _ in range(40):
        world.serve(**GOOD)
        world.tick(plan)
    return plan


PLAN = a_plan(5, 60, 100, hold=20)
APPROVED = replace(PLAN, steps=(Step(5, timedelta(seconds=20), approval=True), *PLAN.steps[1:]))


@pytest.mark.parametrize(
    ("plan", "happens", "want"),
    [
        pytest.param(PLAN, few_come, Reason.TOO_LITTLE_EVIDENCE, id="too few requests"),
        pytest.param(PLAN, nobody_answers, Reason.NOT_MEASURED, id="Prometheus is down"),
        pytest.param(PLAN, there_are_no_series, Reason.NO_DATA, id="no series"),
        pytest.param(PLAN, both_suffer, Reason.SHARED_OUTAGE, id="stable suffers too"),
        pytest.param(PLAN, a_user_pauses, Reason.PAUSED_BY_COMMAND, id="paused"),
        pytest.param(PLAN, it_is_suspended, Reason.SUSPENDED_BY_SPEC, id="suspended"),
        pytest.param(PLAN, the_ingress_is_gone, Reason.INGRESS_NOT_FOUND, id="no Ingress"),
        pytest.param(PLAN, gray_stays_small, Reason.WAITING_FOR_GRAY, id="waiting for pods"),
        pytest.param(APPROVED, time_goes_by, Reason.WAITING_FOR_APPROVAL, id="approval"),
        pytest.param(
            replace(PLAN, gates=(a_gate(at=Moment.STEP),)),
            time_goes_by,
            Reason.WAITING_FOR_GATE,
            id="a gate",
        ),
    ],
)
def test_what_holds_a_release_is_in_its_record(plan: Plan, happens: Any, want: Reason) -> None:
    world = at_weight(5, plan)

    happens(world, plan)

    last = world.status["decisions"][-1]
    assert (last["action"], last["reason"], last["toWeight"]) == (record.HOLD, want, 5)
    assert last["message"]


def test_before_the_first_request_the_preflight_is_what_holds() -> None:
    plan = a_plan(preflight=Preflight(stable_healthy=True, probe=None))
    world = World()

    run(world, plan, 2, {})

    # Its template has no probe.
    assert [one["reason"] for one in holds(world)] == ["WaitingForGray", "PreflightNotMet"]


@pytest.mark.parametrize(
    ("happens", "want"),
    [
        pytest.param(it_is_suspended, Reason.SUSPENDED_BY_SPEC, id="suspended"),
        pytest.param(the_ingress_is_gone, Reason.INGRESS_NOT_FOUND, id="no Ingress"),
    ],
)
def test_a_promotion_that_is_held_is_in_the_record_too(happens: Any, want: Reason) -> None:
    plan = a_plan(100, hold=5)
    world = at_weight(100, plan)
    while world.decided[-1]["action"] != "promoting":
        world.serve(**GOOD)
        world.tick(plan)

    happens(world, plan)

    told = next(one for one in holds(world)[::-1])
    assert (told["reason"], told["toWeight"]) == (want, 100)


def test_a_hold_that_comes_back_is_counted_and_pushes_no_step_out() -> None:
    plan = a_plan(hold=3600)
    world = at_weight(5, plan)
    run(world, plan, 30)

    for _ in range(50):
        world.tick(plan, samples=NoSamples(world.now + timedelta(seconds=1), "down"))
        run(world, plan, 2)

    told = {one["reason"]: one for one in holds(world) if one["toWeight"] == 5}
    assert set(told) <= {"TooLittleEvidence", "HoldNotOver", "NotMeasured"}
    assert told["NotMeasured"]["count"] == 50
    assert told["NotMeasured"]["time"] < told["NotMeasured"]["lastTime"]
    assert [one["reason"] for one in world.decided] == ["Started", "WeightRaised"]


def entry(action: str, at: int, *, size: int = 0) -> dict[str, Any]:
    shown = {"evidence": [{"name": "x", "query": "q" * size}]} if size else {}
    step = {} if action == record.HOLD else {"fromWeight": 5, "toWeight": 25}
    return {"time": f"{at}", "action": action, "reason": "Reason", **step, **shown}


def added(stored: list[dict[str, Any]], *, rest: int = 0) -> list[dict[str, Any]]:
    """Return the record after one more step, beside a status of so many bytes."""
    before = State(stage=Stage.STEPPING, weight=25)
    state = replace(before, stage=Stage.ROLLING_BACK, weight=0, reason=Reason.ABORTED)
    now = World().now
    look = record.Look(now, None, None, None, {"x": "y" * rest})
    return [dict(one) for one in record.decisions(stored, before, state, look)]


def test_the_oldest_holds_go_before_any_step() -> None:
    stored = [entry("stepping", 0), *(entry(record.HOLD, at) for at in range(1, 16))]

    kept = added(stored)

    assert [one["time"] for one in kept[:2]] == ["0", "2"]
    assert len(kept) == record.MOST


def test_numbers_of_old_holds_go_first_then_of_steps_and_those_of_a_rollback_last() -> None:
    stored = [
        entry("rolling back", 0, size=1100),
        entry("stepping", 1, size=1100),
        entry(record.HOLD, 2, size=1100),
    ]

    kept = added(stored)

    assert ["evidence" in one for one in kept] == [True, True, False, False]
    kept = added(stored, rest=record.MOST_OF_ALL - 1900)
    assert ["evidence" in one for one in kept] == [True, False, False, False]


def test_without_room_the_latest_stays_and_of_its_objectives_the_worst() -> None:
    latest = entry("stepping", 9)
    latest["evidence"] = [{"name": name, "query": "q" * 400} for name in "abcdef"]

    kept = record._bounded([entry("stepping", 1), latest], record.FEWEST_BYTES)

    assert [one["time"] for one in kept] == ["9"]
    assert [one["name"] for one in kept[0]["evidence"]] == ["a", "b"]


def test_queries_of_many_objectives_share_their_room() -> None:
    long = a_ratio().bad.replace("requests", "requests_of_a_service_with_a_long_name" * 8)
    for count, longest in ((1, 240), (8, 120)):
        slos = tuple(a_ratio(f"slo-{n}", bad=long) for n in range(count))
        plan = a_plan(hold=5, objectives=slos)
        world = at_weight(25, plan)

        queries = [one["query"] for one in world.decided[-1]["evidence"]]

        assert [len(query) for query in queries] == [longest] * count
        assert queries[0].endswith("…")


def test_the_worst_a_status_can_be_stays_within_10_kib() -> None:
    """Eight objectives of long names that break in words, holds that flap, ten releases."""
    names = ("latency", "success", "accuracy", "recall", "errors", "no-worse", "own", "other")
    slos = tuple(a_ratio(f"{name}-of-the-service", max_ratio=1.5) for name in names)
    world, sizes = World(), []
    for version in range(10):
        image = f"registry.example.com/privacy/face-blur/ai-face-blur:1.{version}-gray"
        plan = a_plan(objectives=slos, image=image, hold=2, gray_env=(("KEY", "x" * 200),))
        for second in range(60):
            if second % 7 == 3:
                world.tick(plan, samples=NoSamples(world.now + timedelta(seconds=1), "down" * 60))
            world.command(f'{{"verb":"resume","by":"ann","id":"{version}-{second}"}}')
            run(world, plan, 1, GOOD if version % 2 or second < 20 else BAD)
            text = json.dumps(world.status, separators=(",", ":"), ensure_ascii=False)
            sizes.append(len(text.encode()))

    assert max(sizes) <= 10 * 1024


def test_of_a_value_and_of_a_mere_comparison_there_is_no_proof_to_go_on() -> None:
    objectives = (a_gauge(), a_ratio(allowed=None, unacceptable=None, max_ratio=2.0))
    terms = terms_of(a_plan(objectives=objectives), State(stage=Stage.STEPPING), World().now)
    slo = SloState("x", Verdict.PASS)

    assert [proof(slo, one, terms) for one in objectives] == [None, None]
    assert [is_shared(slo, one, terms) for one in objectives] == [False, False]
