"""A good past does not hide a bad present, and looking at both costs no more errors than one."""

from math import exp, inf, log

import pytest
from tests.support.builders import a_ratio
from tests.unit.operator.core.test_phases import NONE, Scrapes, breach_at

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core.evidence import Counts
from faceblur_operator.core.judge import Terms, judge_ratio
from faceblur_operator.core.plan import RatioObjective
from faceblur_operator.core.recent import EVERY_S, FIRST_PRICE, marked, parts
from faceblur_operator.core.state import SloState

TERMS = Terms(log_breach=log(100), log_pass=log(100), log_worse=log(100), rolls_back_shared=False)
ONCE_A_SECOND = Scrapes(1.0, 1, ((0.3,), (0.1, 0.6)), 200.0)
TOLERANT = a_ratio(allowed=0.1, unacceptable=0.3)
COMPARED = a_ratio(allowed=None, unacceptable=None, max_ratio=1.5)
LONG_S = 600.0
GOOD_FOR_LONG = SloState("success", gray=Counts(30_000, 60), stable=Counts(90_000, 180))
WORSE = (30.0,) * 6


def at_marks(*states: SloState) -> SloState:
    """Return the last of these, one of which was there at each mark."""
    state = states[0]
    for number, one in enumerate(states, start=1):
        state = marked(one._replace(marks=state.marks), number * EVERY_S)
    return state


@pytest.mark.parametrize("objective", [TOLERANT, COMPARED], ids=["tolerant", "compared"])
def test_a_gray_that_turns_bad_after_a_long_good_time_is_found_at_once(
    objective: RatioObjective,
) -> None:
    found = breach_at(ONCE_A_SECOND, (objective,), (1.0, LONG_S, inf), NONE, until_s=LONG_S + 60)

    assert found is not None
    assert found - LONG_S <= 5


def test_an_outage_that_both_share_is_nobodys_fault_after_a_long_good_time_either() -> None:
    trouble = (1.0, LONG_S, LONG_S + 20)

    assert breach_at(ONCE_A_SECOND, (TOLERANT,), trouble, trouble, until_s=LONG_S + 60) is None


def test_all_beginnings_together_may_err_as_often_as_one_test() -> None:
    prices = []
    state = SloState("success")
    for number in range(1, 1_000):
        state = marked(state._replace(gray=Counts(number, number)), number * EVERY_S)
        later = state._replace(gray=Counts(number, number + 1))
        prices.append(parts(later, number * EVERY_S)[-1].price)

    # Each mark is looked at for a while and paid for once.
    assert exp(-FIRST_PRICE) + sum(exp(-one) for one in set(prices)) <= 1


def test_marks_are_set_by_time_alone_and_the_last_two_are_kept() -> None:
    state = at_marks(*[GOOD_FOR_LONG._replace(gray=Counts(minute, 0)) for minute in range(5)])

    assert [(one.number, one.at_s, one.gray.total) for one in state.marks] == [
        (4, 80.0, 3),
        (5, 100.0, 4),
    ]
    assert marked(state._replace(gray=Counts(9, 9)), 119.0).marks == state.marks


def test_nothing_bad_since_the_mark_leaves_nothing_to_test() -> None:
    state = at_marks(GOOD_FOR_LONG, GOOD_FOR_LONG._replace(gray=Counts(35_000, 60)))

    assert [one.since_s for one in parts(state, 50.0)] == [None]


@pytest.mark.parametrize(
    ("versus", "stable", "verdict", "says"),
    [
        pytest.param(
            WORSE,
            Counts(90_900, 180),
            Verdict.BREACH,
            "300 of 300 bad in the last 19 s, allowed 10.00%, log E",
            id="gray alone",
        ),
        pytest.param(
            (0.0,) * 6,
            Counts(90_900, 180),
            Verdict.INSUFFICIENT,
            "300 of 300 bad in the last 19 s, allowed 10.00%, but not shown worse than stable "
            "(0 of 900)",
            id="not compared yet",
        ),
        pytest.param(
            (0.0,) * 6,
            Counts(90_900, 1_080),
            Verdict.INSUFFICIENT,
            "stable breaches it too (900 of 900 bad, gray 300 of 300); not gray's fault",
            id="stable too",
        ),
    ],
)
def test_it_says_what_is_known_of_late(
    versus: tuple[float, ...], stable: Counts, verdict: Verdict, says: str
) -> None:
    late = at_marks(GOOD_FOR_LONG)._replace(
        gray=Counts(30_300, 360), stable=stable, versus=versus, versus_after=versus
    )

    told = judge_ratio(late, TOLERANT, TERMS._replace(counted_s=39.0))

    assert told.verdict is verdict
    assert told.message.startswith(says)


def test_having_been_worse_than_stable_long_ago_is_no_evidence_of_late() -> None:
    was_worse = GOOD_FOR_LONG._replace(versus=WORSE, versus_after=WORSE)
    late = at_marks(was_worse)._replace(gray=Counts(30_300, 360), stable=Counts(90_900, 180))

    told = judge_ratio(late, TOLERANT, TERMS._replace(counted_s=39.0))

    assert told.verdict is Verdict.INSUFFICIENT
    assert "not shown worse than stable" in told.message
