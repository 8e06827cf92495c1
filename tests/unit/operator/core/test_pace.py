"""How soon Prometheus is asked again."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.world import START

from faceblur_operator.core.analysis import pace
from faceblur_operator.core.evidence import Counts
from faceblur_operator.core.plan import Objective
from faceblur_operator.core.state import SloState, Stage, State

LONG_AGO = START - timedelta(hours=1)
RUNNING = State(stage=Stage.STEPPING, weight=25, step=1, weighted_since=LONG_AGO)
# Log E of a comparison that says nothing, that gray is worse, and that stable is.
EVEN, WORSE, BETTER = (0.0,) * 6, (3.0,) * 6, (-1.0,) * 6


def an_slo(bad: float, total: float, versus: tuple[float, ...] = EVEN) -> SloState:
    return SloState("success", gray=Counts(total, bad), versus=versus)


@pytest.mark.parametrize(
    ("slo", "want_s"),
    [
        pytest.param(an_slo(0, 0), 5, id="nothing counted"),
        pytest.param(an_slo(0, 1000), 5, id="nothing bad"),
        pytest.param(an_slo(4, 1000), 5, id="as bad as allowed"),
        pytest.param(an_slo(1, 3), 1, id="one of three bad: it leans"),
        pytest.param(an_slo(1, 3, BETTER), 5, id="so it does on stable: no reason to hurry"),
        pytest.param(an_slo(9, 100), 1, id="shown broken, not yet shown worse than stable"),
    ],
)
def test_an_objective_that_leans_towards_a_breach_is_asked_about_sooner(
    slo: SloState, want_s: float
) -> None:
    plan = replace(a_plan(), interval=timedelta(seconds=5))

    found = pace(plan, replace(RUNNING, slos=(slo,)), START)

    assert found == timedelta(seconds=want_s)


@pytest.mark.parametrize(
    ("versus", "want_s"),
    [
        pytest.param(EVEN, 5, id="even"),
        pytest.param(WORSE, 1, id="worse"),
    ],
)
def test_so_is_one_that_is_only_compared_with_stable(
    versus: tuple[float, ...], want_s: float
) -> None:
    compared: Objective = a_ratio(allowed=None, unacceptable=None, max_ratio=1.5)
    plan = replace(a_plan(objectives=(compared,)), interval=timedelta(seconds=5))

    found = pace(plan, replace(RUNNING, slos=(an_slo(5, 100, versus),)), START)

    assert found == timedelta(seconds=want_s)


@pytest.mark.parametrize(
    ("interval_s", "want_s"),
    [
        pytest.param(2.5, 0.5, id="a fifth of the interval"),
        pytest.param(60, 12, id="a fifth of a long one"),
    ],
)
def test_after_a_raise_it_is_asked_sooner_for_two_intervals(
    interval_s: float, want_s: float
) -> None:
    plan = replace(a_plan(), interval=timedelta(seconds=interval_s))
    raised = replace(RUNNING, weighted_since=START)

    assert pace(plan, raised, START) == timedelta(seconds=want_s)
    assert pace(plan, raised, START + 2 * plan.interval) == plan.interval


@pytest.mark.parametrize(
    ("interval_s", "asking", "want_s"),
    [
        pytest.param(1, 1, 0.2, id="never more than five times a second"),
        pytest.param(2, 1, 0.4, id="the longest of the short ones"),
        pytest.param(2.1, 1, 2.1, id="not a short one"),
        pytest.param(1, 20, 0.2, id="twenty ask a hundred times a second"),
        pytest.param(1, 50, 0.5, id="so do fifty together"),
        pytest.param(1, 200, 1, id="no slower than the interval"),
    ],
)
def test_at_a_short_interval_a_few_rollouts_always_ask_sooner(
    interval_s: float, asking: int, want_s: float
) -> None:
    plan = replace(a_plan(), interval=timedelta(seconds=interval_s))

    assert pace(plan, RUNNING, START, asking=asking) == timedelta(seconds=want_s)


def test_nothing_is_hurried_while_values_over_a_maximum_are_counted_by_looks() -> None:
    plan = a_plan(objectives=(a_ratio(), a_gauge()))
    over = SloState("queue", breaches=1)
    raised = replace(RUNNING, weighted_since=START, slos=(an_slo(9, 100), over))

    assert pace(plan, raised, START) == plan.interval


def test_nothing_is_hurried_where_nothing_is_judged() -> None:
    idle = State(slos=(an_slo(9, 100),), weighted_since=START)

    assert pace(a_plan(), idle, START) == a_plan().interval
