"""What all objectives of a rollout share."""

from math import log

import pytest
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.world import START

from faceblur_operator.core.analysis import terms_of
from faceblur_operator.core.plan import Objective
from faceblur_operator.core.state import Stage, State

BOTH = a_ratio("both", max_ratio=1.5)


@pytest.mark.parametrize(
    ("objectives", "tests"),
    [
        pytest.param((), 1, id="none"),
        pytest.param((a_ratio(),), 1, id="one"),
        pytest.param((a_ratio(), a_ratio("latency"), a_ratio("faces")), 3, id="three"),
        pytest.param((BOTH,), 2, id="a limit and a comparison are two tests"),
        pytest.param((a_ratio(), a_gauge()), 1, id="a gauge is no test"),
    ],
)
def test_the_chance_of_a_false_rollback_is_shared_over_all_tests(
    objectives: tuple[Objective, ...], tests: int
) -> None:
    plan = a_plan(objectives=objectives, false_rollback=0.01)

    terms = terms_of(plan, State(stage=Stage.STEPPING, weight=5), START)

    assert terms.log_breach == pytest.approx(log(tests / 0.01))


@pytest.mark.parametrize(("step", "share"), [(0, 0.25), (1, 0.5), (2, 1.0), (3, 1.0)])
def test_a_step_needs_the_evidence_that_its_traffic_is_worth(step: int, share: float) -> None:
    plan = a_plan(5, 25, 50, 100, bad_promotion=0.01)

    terms = terms_of(plan, State(stage=Stage.STEPPING, step=step), START)

    assert terms.log_pass == pytest.approx(share * log(100))
