"""Every way in which data may lack: it never promotes, never rolls back by itself, and is told."""

from collections.abc import Callable
from datetime import timedelta
from math import inf, nan

import pytest
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.world import World

from faceblur_operator.api.reasons import Phase, Reason, Verdict
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import NoSamples, Samples, Series

PATIENCE = timedelta(seconds=40)
RATIO = a_plan(hold=1, no_data_rollback_after=PATIENCE)
COMPARED = a_plan(
    hold=1,
    objectives=(a_ratio(allowed=None, unacceptable=None, max_ratio=2.0),),
    no_data_rollback_after=PATIENCE,
)
GAUGE = a_plan(hold=1, objectives=(a_ratio(), a_gauge()), no_data_rollback_after=PATIENCE)
GRAY = (("pod", "gray-1"),)
Made = Callable[[World], Samples | NoSamples]
ANSWER_SAYS = [
    pytest.param(f"Prometheus http://p: {why}", id=why)
    for why in (
        "not reachable: connection refused",
        "no answer within 1 s",
        "HTTP Status Code 404",
        "HTTP Status Code 503",
        "the answer is not JSON",
        "the answer has no result",
        "warning: a shard is missing",
        "not reachable: the answer broke off",
        "the answer is larger than 4 MiB",
    )
]


def at_25(plan: Plan) -> World:
    """Return a world in which gray has just got 25 % and all is well."""
    world = World()
    for _ in range(100):
        if world.weight == 25:
            return world
        good(world, plan)
        world.settle()
    raise AssertionError(f"never at 25 %: {world.status['message']}")


def good(world: World, plan: Plan) -> None:
    world.serve(gray=60, stable=100)
    world.tick(plan, samples=with_gauge(world.samples(plan)))


def with_gauge(samples: Samples, *values: float) -> Samples:
    series = tuple(Series((("n", str(n)),), value) for n, value in enumerate(values or (1.0,)))
    return Samples(samples.at, {**samples.series, "queue:gray:value": series})


def without(samples: Samples, *keys: str) -> Samples:
    return Samples(samples.at, {**samples.series, **dict.fromkeys(keys, ())})


def reading(samples: Samples, key: str, value: float) -> Samples:
    return Samples(samples.at, {**samples.series, key: (Series(GRAY, value),)})


def blind_for(world: World, plan: Plan, seconds: int, samples: Made) -> None:
    """Look once a second at what `samples` makes of the moment."""
    for _ in range(seconds):
        world.serve(gray=60, stable=100)
        world.tick(plan, samples=samples(world))
        world.settle()


@pytest.mark.parametrize("why", ANSWER_SAYS)
def test_no_answer_holds_the_weight_and_says_why(why: str) -> None:
    world = at_25(RATIO)

    blind_for(world, RATIO, 30, lambda world: NoSamples(world.now, why))

    assert (world.weight, world.status["verdict"]) == (25, Verdict.ERROR)
    assert why in world.status["message"]


CASES = [
    pytest.param(RATIO, lambda s: Samples(s.at, {}), Verdict.NO_DATA, id="empty"),
    pytest.param(
        RATIO, lambda s: without(s, "success:gray:total"), Verdict.NO_DATA, id="no total of gray"
    ),
    pytest.param(
        RATIO, lambda s: without(s, "success:gray:bad"), Verdict.NO_DATA, id="no bad of gray"
    ),
    pytest.param(
        COMPARED,
        lambda s: without(s, "success:stable:bad", "success:stable:total"),
        Verdict.NO_DATA,
        id="no stable to compare with",
    ),
    pytest.param(RATIO, lambda s: reading(s, "success:gray:bad", nan), Verdict.ERROR, id="NaN"),
    pytest.param(RATIO, lambda s: reading(s, "success:gray:bad", inf), Verdict.ERROR, id="Inf"),
    pytest.param(
        RATIO, lambda s: reading(s, "success:stable:total", nan), Verdict.ERROR, id="stable is NaN"
    ),
    pytest.param(
        RATIO,
        lambda s: Samples(s.at, {**s.series, "success:gray:bad": (Series(GRAY, 1.0),) * 2}),
        Verdict.ERROR,
        id="two series that cannot be told apart",
    ),
    pytest.param(
        GAUGE, lambda s: without(s, "queue:gray:value"), Verdict.NO_DATA, id="gauge without a value"
    ),
    pytest.param(
        GAUGE, lambda s: with_gauge(s, 1.0, 2.0), Verdict.ERROR, id="gauge with several series"
    ),
    pytest.param(GAUGE, lambda s: with_gauge(s, nan), Verdict.ERROR, id="gauge is NaN"),
    pytest.param(GAUGE, lambda s: with_gauge(s, inf), Verdict.ERROR, id="gauge is Inf"),
]


@pytest.mark.parametrize(("plan", "spoil", "verdict"), CASES)
def test_an_answer_without_evidence_holds_and_then_follows_the_policy(
    plan: Plan, spoil: Callable[[Samples], Samples], verdict: Verdict
) -> None:
    world = at_25(plan)

    blind_for(world, plan, 30, lambda world: spoil(with_gauge(world.samples(plan))))
    held = (world.weight, world.status["verdict"])
    blind_for(world, plan, 15, lambda world: spoil(with_gauge(world.samples(plan))))

    assert held == (25, verdict)
    assert (world.weight, world.phase) == (0, Phase.ROLLED_BACK)
    reasons = {one["type"]: one["reason"] for one in world.status["conditions"]}
    assert reasons["RolledBack"] == Reason.NO_DATA_TOO_LONG


def test_looks_without_samples_grow_stale_and_never_promote() -> None:
    """The query hangs: looks for other reasons go on, and the last good samples grow old."""
    world = at_25(RATIO)
    good(world, RATIO)

    for _ in range(30):
        world.now += timedelta(seconds=1)
        decision = world.look(RATIO)
        world.status, world.memory = decision.status or world.status, decision.memory

    assert (world.weight, world.status["verdict"]) == (25, Verdict.NO_DATA)


def test_data_that_comes_back_goes_on_from_where_it_was() -> None:
    world = at_25(RATIO)
    blind_for(world, RATIO, 20, lambda world: NoSamples(world.now, "down"))

    for _ in range(60):
        good(world, RATIO)
        world.settle()

    assert world.phase is Phase.SUCCEEDED
