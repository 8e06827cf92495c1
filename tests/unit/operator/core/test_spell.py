"""A spell of calm looks leaves what the same looks leave one by one, to the last bit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.world import START, World

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core.analysis import analyse, terms_of, verdict_of
from faceblur_operator.core.evidence import ZERO, Counts
from faceblur_operator.core.ledger import Looks
from faceblur_operator.core.plan import Objective, RatioObjective
from faceblur_operator.core.queries import ratio_keys
from faceblur_operator.core.snapshot import NoSamples, Samples, Vector
from faceblur_operator.core.spell import Spell, begun, folded, longer
from faceblur_operator.core.state import Mark, SloState, Stage, State, Uncompared

OBJECTIVES: tuple[Objective, ...] = (
    a_ratio("success", allowed=0.01, unacceptable=0.1),
    a_ratio("latency", allowed=0.05, unacceptable=0.2, bad_is_good=True),
    a_ratio("no-worse", allowed=None, unacceptable=None, max_ratio=1.5),
    a_gauge("memory"),
)
PLAN = a_plan(5, 25, 100, objectives=OBJECTIVES, hold=36_000)
LABELS = tuple(
    (("opted_in", told), ("pod", f"pod-{n}")) for n in range(2) for told in ("no", "true")
)
Counters = dict[str, list[float]]


def at(seconds: float) -> Any:
    return START + timedelta(seconds=seconds)


def a_state() -> State:
    return State(Stage.STEPPING, weight=25, step=1, weighted_since=START, traffic_since=START)


def nothing() -> Counters:
    return {
        key: [0.0] * len(LABELS)
        for one in OBJECTIVES[:3]
        for side in ("gray", "stable")
        for key in ratio_keys(one.name, side)
    }


def served(counters: Counters, chance: Random, bad_share: float) -> None:
    """Let a look's worth of requests come; some looks have nothing on one side, or fractions."""
    for one in OBJECTIVES[:3]:
        for side in ("gray", "stable"):
            on_bad, on_total = ratio_keys(one.name, side)
            for index in range(len(LABELS)):
                total = chance.choice((0.0, 1.0, 7.0, 0.1, 40.0))
                bad = min(total, 1.0) if chance.random() < bad_share else 0.0
                is_good = one.name == "latency"
                counters[on_total][index] += total
                counters[on_bad][index] += total - bad if is_good else bad


def samples(counters: Counters, seconds: float, value: float = 0.5) -> Samples:
    series = {key: Vector(LABELS, tuple(values)) for key, values in counters.items()}
    series["memory:gray:value"] = Vector(((),), (value,))
    return Samples(at(seconds), series, read_at=at(seconds))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("bad_share", "at_least"), [(0.0, 5), (0.002, 2), (0.05, 0)])
def test_spell_leaves_what_the_same_looks_leave_one_by_one(
    seed: int, bad_share: float, at_least: int
) -> None:
    chance, counters = Random(f"{seed} {bad_share}"), nothing()
    settled, seconds, longest = a_state(), 0.0, 0
    state: State = settled
    seen: Looks = {}
    spell: Spell | None = None
    length = 0
    for _ in range(150):
        seconds += chance.choice((1.0, 1.0, 1.0, 5.0, 70.0 if chance.random() < 0.1 else 2.0))
        served(counters, chance, bad_share)
        value = 0.95 if chance.random() < bad_share else chance.random() * 0.9
        now = samples(counters, seconds, value)
        want, want_seen = analyse(PLAN, state, now, seen)
        so_far = spell or begun(PLAN, settled, terms_of(PLAN, settled, now.at))
        found = longer(so_far, PLAN, settled, now, seen) if so_far is not None else None
        if found is None:
            settled, spell, seen, length = want, None, want_seen, 0
        else:
            spell, seen = found
            length += 1
            assert {one.verdict for one in want.slos} == {Verdict.PASS}
            assert (folded(settled, spell), dict(seen)) == (want, dict(want_seen))
        state, longest = want, max(longest, length)

    assert longest >= at_least


WATCHED = a_plan(
    5, 25, 100, hold=36_000, objectives=(a_ratio(max_ratio=1.5), a_gauge("queue", maximum=20.0))
)
GOOD = {"gray": 50, "stable": 200}
Change = Callable[[Samples], Samples | NoSamples]


def look(
    world: World, *, value: float = 3.0, change: Change = lambda one: one, after: float = 1
) -> None:
    now = world.samples(WATCHED)
    series = {**now.series, "queue:gray:value": Vector(((),), (value,))}
    now = replace(now, at=now.at + timedelta(seconds=after), series=series)
    world.tick(WATCHED, samples=change(now), after=timedelta(seconds=after))
    world.settle()


def in_a_spell() -> tuple[World, Spell]:
    world = World()
    for looks in range(60):
        world.serve(**GOOD)
        look(world)
        if looks > 30 and world.memory is not None and world.memory.spell is not None:
            return world, world.memory.spell
    raise AssertionError(f"no spell of calm looks: {world.status['message']}")


def test_calm_looks_are_not_written_into_the_evidence_until_somebody_asks() -> None:
    world, _ = in_a_spell()
    assert world.memory is not None
    settled, before = world.memory.settled, world.memory.state.slos[0]

    for _ in range(3):
        world.serve(**GOOD)
        look(world, value=5.0)

    assert world.memory.settled is settled
    after, queue = world.memory.state.slos
    assert after.gray.total - before.gray.total == 3 * GOOD["gray"]
    assert (after.message, queue.message) == (
        f"{after.gray.bad:.0f} of {after.gray.total:.0f} bad",
        "5, allowed 20",
    )


def test_mark_of_the_evidence_is_made_at_its_time_by_a_look_of_its_own() -> None:
    world, _ = in_a_spell()
    settled = []
    for _ in range(60):
        world.serve(**GOOD)
        look(world)
        assert world.memory is not None
        settled.append(world.memory.settled.slos[0].marks[-1:])

    assert len(set(settled)) >= 3


def _without(key: str) -> Change:
    return lambda now: replace(now, series={**now.series, key: Vector((), ())})


def _old(now: Samples) -> Samples:
    return replace(now, at=now.at - timedelta(seconds=11))


def _none(now: Samples) -> NoSamples:
    return NoSamples(now.at, "Prometheus is down")


@pytest.mark.parametrize(
    ("traffic", "told", "verdict"),
    [
        pytest.param(GOOD | {"bad": 1}, {}, "Pass", id="gray was bad"),
        pytest.param(GOOD | {"stable_bad": 1}, {}, "Pass", id="stable was bad"),
        pytest.param({"gray": 0, "stable": 200}, {}, "Pass", id="gray got nothing"),
        pytest.param({"gray": 50, "stable": 0}, {}, "Pass", id="stable got nothing"),
        pytest.param(GOOD, {"value": 21.0}, "Insufficient", id="a value over its maximum"),
        pytest.param(GOOD, {"value": float("nan")}, "Error", id="a value that is no number"),
        pytest.param(GOOD, {"value": -float("inf")}, "Error", id="a value without end"),
        pytest.param(GOOD, {"change": _without("queue:gray:value")}, "NoData", id="no value"),
        pytest.param(GOOD, {"change": _without("success:gray:total")}, "NoData", id="no series"),
        pytest.param(GOOD, {"change": _none}, "Error", id="no answer"),
        pytest.param(GOOD, {"change": _old}, "NoData", id="an old answer"),
        pytest.param(GOOD, {"after": 61.0}, "Pass", id="a long pause"),
    ],
)
def test_what_is_not_calm_ends_a_spell_and_is_judged_on_all_of_the_evidence(
    traffic: dict[str, int], told: dict[str, Any], verdict: str
) -> None:
    world, _ = in_a_spell()
    assert world.memory is not None
    before = world.memory.state.slos[0].gray

    world.serve(**traffic)
    look(world, **told)

    assert world.memory.spell is None
    decision = world.decisions[-1]
    after = decision.state.slos[0]
    assert verdict_of(WATCHED, decision.state, world.now) == verdict
    was_counted = after.verdict is Verdict.PASS
    assert after.gray == (
        Counts(before.total + traffic["gray"], traffic.get("bad", 0)) if was_counted else before
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"gray": Counts(900.0, 30.0)}, id="more was bad than is allowed"),
        pytest.param(
            {"gray": Counts(900.0, 3.0), "keen": Counts(890.0, 0.0)},
            id="more was bad than is allowed without those who opted in",
        ),
        pytest.param({"versus": (9.0,) * 6}, id="gray looks worse than stable"),
        pytest.param(
            {"marks": (Mark(1, 20.0, Counts(880.0, 0.0), ZERO, (0.0,) * 6, (0.0,) * 6),)},
            id="something bad was lately",
        ),
        pytest.param(
            {"before": Uncompared(Counts(9.0, 1.0), START)}, id="a bad one of stable waits"
        ),
        pytest.param({"after": Uncompared(Counts(9.0, 1.0), START)}, id="a bad one of gray waits"),
        pytest.param(
            {"after": Uncompared(Counts(9.0, 0.0), START, Counts(2.0, 1.0))},
            id="what is read of stable so far was bad",
        ),
        pytest.param({"verdict": Verdict.INSUFFICIENT}, id="it does not pass yet"),
        pytest.param({"name": "other"}, id="it is about another objective"),
    ],
)
def test_no_spell_begins_while_more_than_sums_may_change(changes: dict[str, Any]) -> None:
    waiting = Uncompared(Counts(9.0, 0.0), START)
    calm = SloState(
        "success",
        Verdict.PASS,
        gray=Counts(900.0, 1.0),
        stable=Counts(900.0, 1.0),
        before=waiting,
        after=waiting,
    )
    plan = replace(WATCHED, objectives=WATCHED.objectives[:1])
    terms = terms_of(plan, a_state(), START)

    state = replace(a_state(), sampled_at=START, slos=(calm,))

    assert begun(plan, state, terms) is not None
    assert begun(plan, replace(state, slos=(calm._replace(**changes),)), terms) is None


def test_no_spell_begins_while_data_is_missing_or_one_scrape_holds_both() -> None:
    world, spell = in_a_spell()
    assert world.memory is not None
    state = world.memory.state
    terms = terms_of(WATCHED, state, world.now)
    [ratio, gauge] = WATCHED.objectives
    assert isinstance(ratio, RatioObjective)
    at_once = replace(WATCHED, objectives=(replace(ratio, same_scrape=True), gauge))

    assert begun(WATCHED, state, terms) is not None
    assert begun(WATCHED, replace(state, no_data_since=world.now), terms) is None
    assert begun(at_once, state, terms) is None
    assert begun(replace(WATCHED, objectives=(gauge,)), state, terms) is None
    assert spell.objectives == WATCHED.objectives


@pytest.mark.parametrize(
    ("seconds", "is_calm"),
    [
        pytest.param(24.0, True, id="no mark is due"),
        pytest.param(25.0, False, id="that of one objective is"),
        pytest.param(-1.0, False, id="the clock was put back into the warm-up"),
    ],
)
def test_spell_ends_when_a_mark_is_due_and_before_events_count(
    seconds: float, is_calm: bool
) -> None:
    counters = nothing()
    seen: Looks = {}
    state = a_state()
    for second in range(3):
        for values in counters.values():
            values[:] = [value + 40 for value in values]
        for side in ("gray", "stable"):
            counters[ratio_keys("success", side)[0]][:] = [0.0] * len(LABELS)
            counters[ratio_keys("no-worse", side)[0]][:] = [0.0] * len(LABELS)
        state, seen = analyse(PLAN, state, samples(counters, second), seen)
    marks = (
        Mark(1, at_s, state.slos[0].gray, ZERO, (0.0,) * 6, (0.0,) * 6) for at_s in (5, 15, 15)
    )
    slos = [one._replace(marks=(mark,)) for one, mark in zip(state.slos, marks, strict=False)]
    settled = replace(state, slos=(*slos, state.slos[-1]))
    spell = begun(PLAN, settled, terms_of(PLAN, settled, START))
    assert spell is not None
    for on_total in ("success:gray:total", "success:stable:total"):
        counters[on_total] = [value + 1 for value in counters[on_total]]
    for key, values in counters.items():
        if not key.endswith("bad") or key.startswith("latency"):
            counters[key] = [value + 1 for value in values]

    found = longer(spell, PLAN, settled, samples(counters, seconds), seen)

    assert (found is not None) is is_calm
