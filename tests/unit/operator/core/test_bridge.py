"""What came while no process looked is counted once, or not at all; and never compared."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from math import inf, nan
from random import Random

import pytest
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.world import START, World

from faceblur_operator.api.reasons import Phase
from faceblur_operator.core import memo
from faceblur_operator.core.bridge import bridged, stored, wanted
from faceblur_operator.core.counters import Seen, increment
from faceblur_operator.core.evidence import Counts
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import Labels, Samples, Series, Vector
from faceblur_operator.core.state import Reading, SloState, State

RATIO = a_ratio(max_ratio=1.5)
PLAN = a_plan(5, 25, 100, hold=24 * 3600, objectives=(RATIO,))
GOOD = {"gray": 50, "stable": 200}
SOME_BAD = GOOD | {"bad": 1, "stable_bad": 2}
HOUR = timedelta(hours=1)


def at_5(plan: Plan = PLAN) -> World:
    """Return a world in which gray has had 5 % for two minutes and all is well."""
    world = World()
    for _ in range(100):
        if world.weight == 5:
            break
        looks(world, 1, plan)
    assert world.weight == 5, world.status["message"]
    looks(world, 120, plan)
    return world


def looks(world: World, seconds: int, plan: Plan = PLAN, traffic: dict[str, int] = GOOD) -> None:
    for _ in range(seconds):
        world.serve(**traffic)
        world.tick(plan)
        world.settle()


def known(world: World) -> SloState:
    assert world.memory is not None
    return world.memory.state.slos[0]


def stored_slo(world: World) -> SloState:
    return memo.load(world.status).slos[0]


def restarted(world: World, plan: Plan = PLAN, away: timedelta = HOUR) -> SloState:
    """Let another process take over after a while and look once; return what it knows then."""
    world.memory = None
    world.tick(plan, after=away)
    return known(world)


def test_a_restart_in_the_middle_of_a_hold_loses_no_event() -> None:
    """Compared with a process that lived on."""
    alive, world = at_5(), at_5()
    for one in (alive, world):
        looks(one, 200)
    assert stored_slo(world).gray.total < known(world).gray.total

    looks(alive, 5)
    restarted(world, away=timedelta(seconds=0))
    looks(world, 5)

    assert (known(world).gray, known(world).stable) == (known(alive).gray, known(alive).stable)


def test_what_came_while_nobody_looked_is_counted_once() -> None:
    world = at_5()
    before = known(world)
    world.serve(gray=1_000, bad=3, stable=4_000, stable_bad=7)

    after = restarted(world)
    looks(world, 10)
    later = known(world)

    assert after.gray == before.gray + Counts(1_000, 3)
    assert after.stable == before.stable + Counts(4_000, 7)
    assert later.gray == after.gray + Counts(500, 0)


def test_a_second_restart_counts_from_the_first() -> None:
    world = at_5()
    before = known(world)

    for _ in range(3):
        world.serve(gray=100, bad=1, stable=100)
        restarted(world)

    assert known(world).gray == before.gray + Counts(300, 3)


def test_a_process_that_dies_before_it_stores_counts_nothing_twice() -> None:
    """It looked, and told nobody: the next begins where the stored status stopped."""
    world = at_5()
    before = known(world)
    world.serve(gray=100, bad=1, stable=100)
    world.memory = None
    world.tick(PLAN, after=HOUR, crash_after=0)

    after = restarted(world)

    assert after.gray == before.gray + Counts(100, 1)


FORGETFUL: list[object] = [
    pytest.param(lambda _: None, id="an error, or no answer"),
    pytest.param(lambda past: replace(past, series={}, read_at=None), id="it kept nothing"),
    pytest.param(lambda past: replace(past, read_at=START), id="another moment than asked"),
    pytest.param(lambda past: replace(past, read_at=None), id="it does not tell the moment"),
    pytest.param(lambda past: changed(past, "success:gray:total", -1), id="an older scrape"),
    pytest.param(lambda past: changed(past, "success:gray:total", 1), id="a newer scrape"),
    pytest.param(lambda past: changed(past, "success:stable:bad", 1), id="stable differs"),
    pytest.param(
        lambda past: replace(past, series={**past.series, "success:gray:bad": ()}),
        id="a query without series",
    ),
]


def changed(samples: Samples, key: str, by: float) -> Samples:
    [one] = samples.series[key]
    return replace(samples, series={**samples.series, key: (Series(one.labels, one.value + by),)})


@pytest.mark.parametrize("spoil", FORGETFUL)
def test_without_the_very_same_counters_counting_begins_now(
    spoil: Callable[[Samples], Samples | None],
) -> None:
    world = at_5()
    before = stored_slo(world)
    world.serve(gray=1_000, bad=3, stable=4_000, stable_bad=7)
    world.memory = None
    world.now += HOUR
    samples = world.samples(PLAN)
    assert samples.past is not None
    world.tick(PLAN, after=timedelta(0), samples=replace(samples, past=spoil(samples.past)))

    after = known(world)
    looks(world, 1)

    assert (after.gray, after.stable) == (before.gray, before.stable)
    assert known(world).gray == before.gray + Counts(50, 0)


def test_a_server_that_ignores_the_time_adds_nothing() -> None:
    world = at_5()
    before = stored_slo(world)
    world.serve(gray=1_000, stable=4_000)
    world.memory = None
    world.now += HOUR
    samples = world.samples(PLAN)
    now = replace(samples, past=None)
    world.tick(PLAN, after=timedelta(0), samples=replace(samples, past=now))

    assert known(world).gray == before.gray


def test_what_came_unwatched_is_not_compared() -> None:
    """Both suffered in between; which of the two looks worse then is chance."""
    world = at_5()
    before = known(world)
    world.serve(gray=1_000, bad=500, stable=4_000, stable_bad=100)

    after = restarted(world)

    assert (after.versus, after.versus_after) == (before.versus, before.versus_after)
    assert (after.before.since, after.after.since) == (None, None)
    assert world.weight == 5


def test_an_outage_of_both_that_nobody_saw_rolls_nothing_back() -> None:
    world = at_5()
    world.serve(gray=1_000, bad=500, stable=4_000, stable_bad=2_000)
    restarted(world)

    looks(world, 60)

    assert world.weight == 5
    assert world.phase is Phase.PROGRESSING


def test_a_gray_that_went_bad_unwatched_is_rolled_back_once_it_is_compared() -> None:
    world = at_5()
    world.serve(gray=1_000, bad=500, stable=4_000)
    restarted(world)

    looks(world, 10, traffic={"gray": 50, "bad": 25, "stable": 200})

    assert world.weight == 0


def test_a_raise_that_was_written_and_not_stored_adds_no_more_than_came() -> None:
    """The cluster has another weight than the status: its events are gray's all the same."""
    plan = a_plan(5, 25, 100, hold=125, objectives=(RATIO,))
    world = at_5(plan)
    for _ in range(100):
        if world.weight == 25:
            break
        world.serve(**SOME_BAD)
        world.tick(plan, crash_after=1)
        world.settle()
    assert (world.weight, world.memory) == (25, None)
    told = stored_slo(world)
    world.serve(gray=100, bad=1, stable=100)

    after = restarted(world, plan, away=timedelta(seconds=5))

    real = world.counted["gray"]
    assert told.gray.total < after.gray.total <= real[0]
    assert after.gray.bad <= real[1]
    assert (after.versus, after.versus_after) == (told.versus, told.versus_after)


def test_the_stored_moment_is_asked_until_it_is_answered() -> None:
    world = at_5()
    read = memo.load(world.status).read
    assert read is not None
    asked = [wanted(world.decisions[-1].memory)]

    world.memory = None
    asked.append(wanted(world.tick(PLAN, after=HOUR, is_silent=True).memory))
    looks(world, 1)
    asked.append(wanted(world.decisions[-1].memory))

    assert asked == [None, read.at, None]


def test_edited_objectives_are_judged_from_nothing() -> None:
    world = at_5()
    world.serve(gray=1_000, stable=4_000)
    stricter = replace(PLAN, objectives=(replace(RATIO, allowed=0.001),))

    after = restarted(world, stricter)

    assert after.gray == Counts(0, 0)


def test_a_hold_is_not_taken_for_a_lack_of_data_after_a_restart() -> None:
    """The stored status may be hours old, and nobody has asked Prometheus yet."""
    plan = replace(PLAN, no_data_rollback_after=timedelta(seconds=60))
    world = at_5(plan)
    looks(world, 3_000, plan)
    world.memory = None
    world.tick(plan, after=timedelta(seconds=2), is_silent=True)
    world.settle()
    weight = world.weight

    for _ in range(100):
        world.tick(plan, is_silent=True)

    assert (weight, world.weight) == (5, 0)


# One objective, its counters then and now, series by series.

GRAY_BAD, GRAY_ALL = "success:gray:bad", "success:gray:total"
OLD_BAD, OLD_ALL = "success:stable:bad", "success:stable:total"
Counters = dict[str, dict[str, float]]
THEN: Counters = {
    GRAY_BAD: {"a": 1, "b": 2},
    GRAY_ALL: {"a": 10, "b": 20},
    OLD_BAD: {"s": 3},
    OLD_ALL: {"s": 30},
}
NOW: Counters = {
    GRAY_BAD: {"a": 1, "b": 4},
    GRAY_ALL: {"a": 11, "b": 25},
    OLD_BAD: {"s": 3},
    OLD_ALL: {"s": 90},
}
AT = START + HOUR
STATE = State(traffic_since=START, sampled_at=AT)


def said(counters: Counters, *, past: Samples | None = None, label: str = "pod") -> Samples:
    series = {
        key: tuple(Series(((label, pod),) if pod else (), value) for pod, value in found.items())
        for key, found in counters.items()
    }
    return Samples(AT + HOUR, series, read_at=AT, past=past)


def seen_of(samples: Samples) -> dict[str, Seen | None]:
    return {key: increment(None, one, samples.at)[1] for key, one in samples.series.items()}


def counted_from(
    then: Counters,
    now: Counters,
    *,
    plan: Plan = PLAN,
    is_whole: bool = True,
    state: State = STATE,
    label: str = "pod",
) -> dict[str, dict[Labels, float]]:
    """Return the values that counting goes on from, by query."""
    past = said(then, label=label)
    read = stored(plan, Reading(AT), seen_of(past))
    assert read is not None
    state = replace(state, read=read._replace(is_whole=is_whole))
    found = bridged(plan, state, said(now, past=past, label=label))
    return {key: one.by_labels() for key, one in found.items() if one is not None}


def of(counters: Counters) -> dict[str, dict[Labels, float]]:
    return {
        key: {(("pod", pod),): value for pod, value in found.items()}
        for key, found in counters.items()
    }


def with_series(key: str, **pods: float) -> Counters:
    return {**NOW, key: {**NOW[key], **pods}}


@pytest.mark.parametrize(
    ("now", "want"),
    [
        pytest.param(NOW, THEN, id="the same pods: from then"),
        pytest.param(THEN, THEN, id="nothing came"),
        pytest.param(
            {**NOW, GRAY_BAD: {**NOW[GRAY_BAD], "c": 5}, GRAY_ALL: {**NOW[GRAY_ALL], "c": 50}},
            THEN,
            id="a gray pod appeared: from zero",
        ),
        pytest.param(
            {**NOW, OLD_BAD: {"s": 3, "t": 5}, OLD_ALL: {"s": 90, "t": 50}},
            {**THEN, OLD_BAD: {"s": 3, "t": 5}, OLD_ALL: {"s": 30, "t": 50}},
            id="a pod of stable's appeared, or came back: nothing of it",
        ),
        pytest.param(
            {**NOW, OLD_BAD: {"t": 0}, OLD_ALL: {"t": 50}},
            {**THEN, OLD_BAD: {"s": 3, "t": 0}, OLD_ALL: {"s": 30, "t": 50}},
            id="a pod of stable's vanished: nothing of it",
        ),
        pytest.param({**NOW, GRAY_ALL: {"a": 11}}, {}, id="a gray pod vanished"),
        pytest.param(with_series(GRAY_ALL, a=9), {}, id="a gray pod was reset"),
        pytest.param(with_series(OLD_ALL, s=29), {}, id="a pod of stable's was reset"),
        pytest.param(with_series(GRAY_ALL, a=nan), {}, id="no number"),
        pytest.param(with_series(GRAY_ALL, a=inf), {}, id="no end"),
        pytest.param({**NOW, OLD_ALL: {}}, {}, id="stable has no series any more"),
        pytest.param({**NOW, GRAY_BAD: {}}, {}, id="gray has no series any more"),
        pytest.param(
            {key: found for key, found in NOW.items() if "gray" in key}, {}, id="stable is not said"
        ),
    ],
)
def test_what_counting_goes_on_from(now: Counters, want: Counters) -> None:
    assert counted_from(THEN, now) == of(want)


def test_a_gray_pod_that_may_have_been_counted_before_is_not_counted() -> None:
    """Some series was missing at the look that was stored: one that is new now may be that one."""
    now = {**NOW, GRAY_BAD: {**NOW[GRAY_BAD], "c": 5}, GRAY_ALL: {**NOW[GRAY_ALL], "c": 50}}

    assert counted_from(THEN, now, is_whole=False) == {}
    assert counted_from(THEN, NOW, is_whole=False) == of(THEN)


def test_whether_a_counted_series_of_gray_was_missing_is_stored() -> None:
    whole = seen_of(said(THEN))
    less = {
        key: increment(whole[key], series, AT)[1]
        for key, series in said({**THEN, GRAY_ALL: {"a": 10}}).series.items()
    }

    found = [stored(PLAN, Reading(AT), one) for one in (whole, less)]

    assert [one.is_whole for one in found if one is not None] == [True, False]


def test_a_gray_without_a_stable_to_compare_with_is_bridged_alone() -> None:
    alone = {key: found for key, found in THEN.items() if "gray" in key}
    now = {key: found for key, found in NOW.items() if "gray" in key}

    assert counted_from(alone, now) == of(alone)


def test_sums_over_pods_are_not_bridged() -> None:
    """A pod that vanished would make them grow too little, and nobody could tell."""
    bare = {key: {"": sum(found.values())} for key, found in THEN.items()}
    later = {key: {"": sum(found.values())} for key, found in NOW.items()}

    assert counted_from(bare, later) == {}
    assert counted_from(THEN, NOW, label="code") == {}
    assert counted_from(THEN, NOW, label="instance") != {}


def test_series_with_the_same_labels_are_not_bridged() -> None:
    past = said(THEN)
    read = stored(PLAN, Reading(AT), seen_of(past))
    twice = said(NOW, past=past)
    both = {**twice.series, GRAY_ALL: Vector.of([*twice.series[GRAY_ALL]] * 2)}

    assert bridged(PLAN, replace(STATE, read=read), replace(twice, series=both)) == {}


def test_an_objective_that_is_only_compared_is_not_bridged() -> None:
    compared = a_ratio(allowed=None, unacceptable=None, max_ratio=1.5)

    assert counted_from(THEN, NOW, plan=a_plan(objectives=(compared,))) == {}


@pytest.mark.parametrize(
    ("state", "is_bridged"),
    [
        pytest.param(STATE, True, id="events were counted"),
        pytest.param(replace(STATE, traffic_since=AT), False, id="gray was warming up"),
        pytest.param(replace(STATE, traffic_since=None), False, id="gray had no traffic"),
        pytest.param(replace(STATE, sampled_at=None), False, id="nothing had been heard"),
    ],
)
def test_only_what_came_after_the_warm_up_is_bridged(state: State, is_bridged: bool) -> None:
    plan = replace(PLAN, warmup=timedelta(minutes=1))

    assert bool(counted_from(THEN, NOW, plan=plan, state=state)) is is_bridged


def test_a_plan_that_counts_nothing_asks_for_nothing_past() -> None:
    read = stored(a_plan(objectives=(a_gauge(),)), Reading(AT), {})

    assert read == Reading(AT)
    assert wanted(Memory(replace(STATE, read=read), awake_since=AT + HOUR)) is None


@pytest.mark.parametrize("forgets", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_however_often_it_restarts_no_event_is_counted_twice(seed: int, forgets: float) -> None:
    """Held against a process that lives through the same and sees all of it."""
    chance = Random(seed)
    alive, world = at_5(), at_5()
    for _ in range(150):
        gray, stable = chance.randint(0, 200), chance.randint(0, 800)
        came = {"gray": gray, "bad": int(gray > 190), "stable": stable, "stable_bad": stable // 300}
        after = timedelta(seconds=chance.choice([1, 1, 1, 2, 30, 4_000]))
        if chance.random() < 0.2:
            world.memory, world.remembers = None, chance.random() >= forgets
        for one in (alive, world):
            one.serve(**came)
            one.tick(PLAN, after=after)
        mine, real = known(world), known(alive)
        for counted, came_in_all in ((mine.gray, real.gray), (mine.stable, real.stable)):
            assert counted.bad <= came_in_all.bad
            assert counted.total <= came_in_all.total
            assert forgets or counted == came_in_all
