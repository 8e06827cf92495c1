"""People who asked for gray are no sample of all: they may break a limit, but not compare."""

from typing import Any

import pytest
from tests.support.builders import a_plan, a_ratio
from tests.support.world import World

from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import Samples, Series

COMPARED = a_plan(hold=3600, objectives=(a_ratio(allowed=None, unacceptable=None, max_ratio=1.5),))
LIMITED = a_plan(hold=3600, objectives=(a_ratio(allowed=0.05),))


def samples(world: World, plan: Plan, keen: list[float], label: str) -> Samples:
    """Return what is counted, with those who are keen on gray in series of their own."""
    found = world.samples(plan)
    labels = (("opted_in", label), ("pod", "gray-1"))
    series = dict(found.series)
    for what, value in (("total", keen[0]), ("bad", keen[1])):
        key = f"success:gray:{what}"
        series[key] = (*series[key], Series(labels, value))
    return Samples(found.at, series)


def with_keen_people_who_fail(plan: Plan, label: str) -> World:
    """Let half of what those who are keen do fail, while everybody else is well."""
    world, keen = World(), [0.0, 0.0]
    for second in range(60):
        world.serve(gray=20, stable=80)
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
        assert told[-1]["reason"] == Reason.SHARED_OUTAGE
    is_broken = Reason.SLO_BREACHED in {one["reason"] for one in told}
    assert is_broken is (want is Phase.ROLLED_BACK)
