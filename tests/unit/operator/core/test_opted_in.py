"""People who asked for gray are no sample of all: they may break a limit, but not compare."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.builders import a_plan, a_ratio
from tests.support.world import World

from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core.evidence import Counts
from faceblur_operator.core.judge import by_weight
from faceblur_operator.core.plan import OnSharedBreach, Plan
from faceblur_operator.core.recent import EVERY_S, marked, parts
from faceblur_operator.core.snapshot import Samples, Series
from faceblur_operator.core.state import SloState

COMPARED = a_plan(hold=3600, objectives=(a_ratio(allowed=None, unacceptable=None, max_ratio=1.5),))
LIMITED = a_plan(hold=3600, objectives=(a_ratio(allowed=0.05),))
A_SHORT_HOLD = a_plan(hold=30).steps


def samples(world: World, plan: Plan, keen: list[float], label: str) -> Samples:
    """Return what is counted, with those who are keen on gray in series of their own."""
    found = world.samples(plan)
    labels = (("opted_in", label), ("pod", "gray-1"))
    series = dict(found.series)
    for what, value in (("total", keen[0]), ("bad", keen[1])):
        key = f"success:gray:{what}"
        series[key] = (*series[key], Series(labels, value))
    return Samples(found.at, series)


def with_keen_people_who_fail(
    plan: Plan, label: str, *, seconds: int = 60, others: float = 0.0
) -> World:
    """Let half of what those who are keen do fail, and a share of what everybody else does."""
    world, keen = World(), [0.0, 0.0]
    for second in range(seconds):
        world.serve(gray=20, bad=round(20 * others), stable=80)
        if world.weight and second > 10:
            keen = [keen[0] + 20, keen[1] + 10]
        world.tick(plan, samples=samples(world, plan, keen, label))
        world.settle()
    return world


@pytest.mark.parametrize(
    ("plan", "label", "want"),
    [
        pytest.param(COMPARED, "true", Phase.PROGRESSING, id="opted in: not compared with stable"),
        pytest.param(COMPARED, "false", Phase.ROLLED_BACK, id="by the weight: compared"),
        pytest.param(LIMITED, "true", Phase.PROGRESSING, id="opted in: a limit they break holds"),
        pytest.param(LIMITED, "false", Phase.ROLLED_BACK, id="by the weight: a limit they break"),
    ],
)
def test_what_happens_to_those_who_opted_in(plan: Plan, label: str, want: Phase) -> None:
    world = with_keen_people_who_fail(plan, label)

    assert world.phase is want
    assert world.weight == (5 if want is Phase.PROGRESSING else 0)
    told: list[dict[str, Any]] = world.status["decisions"]
    if plan is LIMITED and want is Phase.PROGRESSING:
        assert told[-1]["reason"] == Reason.OPTED_IN_BREACH
    is_broken = Reason.SLO_BREACHED in {one["reason"] for one in told}
    assert is_broken is (want is Phase.ROLLED_BACK)


def test_it_says_who_sees_the_limit_broken_and_what_a_person_can_do() -> None:
    world = with_keen_people_who_fail(LIMITED, "true")

    told = str(world.status["message"])
    assert " bad of those who opted in, allowed 5.00%; of the others 0 of " in told
    assert told.endswith("holding, `promote` goes on, `abort` takes it back")


def test_it_holds_for_as_long_as_nobody_decides() -> None:
    world = with_keen_people_who_fail(replace(LIMITED, steps=A_SHORT_HOLD), "true", seconds=400)

    assert (world.phase, world.weight) == (Phase.PROGRESSING, 5)


def test_a_limit_that_the_others_see_broken_too_is_no_matter_of_opting_in() -> None:
    world = with_keen_people_who_fail(LIMITED, "true", others=0.5)

    assert (world.phase, world.weight) == (Phase.ROLLED_BACK, 0)


def test_it_rolls_back_where_the_user_wants_no_doubt() -> None:
    plan = replace(LIMITED, on_shared_breach=OnSharedBreach.ROLLBACK)

    world = with_keen_people_who_fail(plan, "true")

    assert (world.phase, world.weight) == (Phase.ROLLED_BACK, 0)


@pytest.mark.parametrize("word", ["promote", "abort"])
def test_a_person_decides(word: str) -> None:
    world = with_keen_people_who_fail(LIMITED, "true")

    world.command(word)
    world.tick(LIMITED)

    assert world.weight == (25 if word == "promote" else 0)


def test_of_late_they_are_told_from_the_others_by_what_they_did_of_late() -> None:
    then = SloState("success", gray=Counts(1000, 20), keen=Counts(100, 20))
    marks = marked(then, EVERY_S).marks
    now = then._replace(gray=Counts(1100, 60), keen=Counts(110, 25), marks=marks)

    _, lately = parts(now, EVERY_S + 5)

    assert lately.evidence.keen == Counts(10, 5)
    assert by_weight(lately) == Counts(90, 35)
