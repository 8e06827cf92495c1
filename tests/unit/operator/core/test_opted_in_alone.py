"""Those who opted in are no sample of all: alone they must not send others to gray."""

from tests.support.builders import a_plan, a_ratio
from tests.support.counting import CountingWorld

from faceblur_operator.api.reasons import Phase
from faceblur_operator.core.evidence import Counts, log_worse_than
from faceblur_operator.core.judge import LOG_2, Terms, broken
from faceblur_operator.core.plan import Plan, RatioObjective
from faceblur_operator.core.recent import FIRST_PRICE, Part
from faceblur_operator.core.state import SloState

COMPARED = a_plan(hold=3, objectives=(a_ratio(allowed=None, unacceptable=None, max_ratio=1.5),))
LIMITED = a_plan(hold=3, objectives=(a_ratio(allowed=0.05, unacceptable=0.2),))
BOTH = a_plan(
    hold=3,
    objectives=(
        a_ratio(allowed=0.05, unacceptable=0.2),
        a_ratio("no-worse", allowed=None, unacceptable=None, max_ratio=1.5),
    ),
)


def released(plan: Plan, *, gray: int, bad: int, keen: int, seconds: int = 60) -> CountingWorld:
    world = CountingWorld()
    while world.weight == 0:
        world.serve(gray=gray, stable=200)
        world.tick(plan)
        world.settle()
    world.keen = (keen, 0)
    for _ in range(seconds):
        world.serve(gray=gray, bad=bad, stable=200)
        world.tick(plan)
        world.settle()
    return world


def test_nothing_was_compared_so_nothing_is_raised() -> None:
    """Nobody whom the weight sends to gray comes; 60 a second who opted in do."""
    world = released(COMPARED, gray=0, bad=0, keen=60)

    assert max(world.weights) == 5, world.weights


def test_a_limit_is_not_shown_kept_by_those_who_asked_for_gray() -> None:
    """Beta is about the users whom promotion sends to gray: nobody of them was seen."""
    world = released(LIMITED, gray=0, bad=0, keen=60)

    assert max(world.weights) == 5, world.weights


def test_those_who_are_happy_do_not_hide_that_all_others_fail() -> None:
    """One request a second by the weight, all fail; 60 of those who opted in are fine."""
    world = released(LIMITED, gray=1, bad=1, keen=60)

    assert max(world.weights) == 5, world.weights


def test_with_a_comparison_they_do_not_hide_it() -> None:
    world = released(BOTH, gray=1, bad=1, keen=60)

    assert world.phase is Phase.ROLLED_BACK


def test_a_limit_that_is_broken_without_them_rolls_back() -> None:
    """Ten requests a second by the weight, all fail; of all together 3 % do, 5 % are allowed."""
    world = released(LIMITED, gray=10, bad=10, keen=300)

    assert world.phase is Phase.ROLLED_BACK
    assert "without those who opted in" in str(world.status["history"])


def test_to_test_both_groups_costs_half_of_the_evidence_and_nothing_where_nobody_opted_in() -> None:
    [limited] = LIMITED.objectives
    assert isinstance(limited, RatioObjective)
    gray = Counts(40.0, 9.0)
    shown = log_worse_than(0.05, gray)
    terms = Terms(shown - FIRST_PRICE - LOG_2 / 2, 3.0, 3.0, rolls_back_shared=False)
    nobody = SloState("success", gray=gray, stable=Counts(400.0, 0.0))
    somebody = nobody._replace(keen=Counts(1.0, 0.0))
    just_enough = terms._replace(log_breach=terms.log_breach - LOG_2)

    assert broken(Part(nobody, FIRST_PRICE), limited, terms) is not None
    assert broken(Part(somebody, FIRST_PRICE), limited, terms) is None
    assert broken(Part(somebody, FIRST_PRICE), limited, just_enough) is not None
