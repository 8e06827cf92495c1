"""A calm look is judged in one step as it is in two, to the last bit."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from tests.support.builders import a_ratio

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core.calm import judge_calm
from faceblur_operator.core.evidence import ZERO, Counts
from faceblur_operator.core.judge import Terms, Tick, judge_ratio
from faceblur_operator.core.learning import learn
from faceblur_operator.core.plan import RatioObjective
from faceblur_operator.core.state import Mark, SloState, Uncompared

START = datetime(2026, 1, 1, tzinfo=UTC)
TERMS = Terms(log_breach=3.0, log_pass=3.0, log_worse=3.0, rolls_back_shared=False)
OBJECTIVES = (
    a_ratio(allowed=0.01, unacceptable=0.1),
    a_ratio(allowed=0.2, unacceptable=0.05),
    a_ratio(allowed=None, unacceptable=None, max_ratio=1.5),
    a_ratio(allowed=0.02, unacceptable=0.1, max_ratio=2.0),
)


def a_tick(chance: Random, share: float) -> Tick:
    total = float(chance.choice((0, 1, 5, 40)))
    bad = float(sum(chance.random() < share for _ in range(int(total))))
    apart = float(chance.choice((0, 0, 1)))
    return Tick(total, bad, max(total - apart, 0.0), min(bad, max(total - apart, 0.0)))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("share", [0.0, 0.005, 0.05, 0.3])
def test_calm_look_gives_what_learning_and_judging_give(
    objective: RatioObjective, share: float
) -> None:
    chance, calm_looks = Random(f"{share}"), 0
    for _ in range(40):
        state, at = SloState("success"), 0.0
        for _ in range(50):
            at += chance.choice((1.0, 1.0, 5.0, 25.0, 90.0))
            now, terms = START + timedelta(seconds=at), TERMS._replace(counted_s=at)
            gray, stable = a_tick(chance, share), a_tick(chance, share / 2)

            want = judge_ratio(learn(state, objective, gray, stable, now), objective, terms)
            found = judge_calm(state, objective, (gray, stable), now, terms)

            calm_looks += found is not None
            assert found in (None, want)
            state = want

    assert calm_looks > (20 if share < 0.1 else 0)


def test_first_look_is_never_calm() -> None:
    tick = Tick(10.0, 0.0, 10.0, 0.0)

    assert judge_calm(SloState("success"), OBJECTIVES[0], (tick, tick), START, TERMS) is None


VERSUS = (20.0,) * 6
AGAINST_GRAY = [
    pytest.param(OBJECTIVES[0], {"gray": Counts(60.0, 30.0)}, id="a limit is broken"),
    pytest.param(
        OBJECTIVES[2],
        {"gray": Counts(900.0, 9.0), "versus": VERSUS, "versus_after": VERSUS},
        id="worse than stable",
    ),
    pytest.param(
        OBJECTIVES[1],
        {
            "gray": Counts(1000.0, 90.0),
            "marks": (Mark(1, 20.0, Counts(880.0, 0.0), ZERO, (0.0,) * 6, (0.0,) * 6),),
        },
        id="bad lately",
    ),
]


@pytest.mark.parametrize(("objective", "found"), AGAINST_GRAY)
def test_calm_look_does_not_overlook_what_was_shown_before(
    objective: RatioObjective, found: dict[str, Any]
) -> None:
    tick = Tick(1.0, 0.0, 1.0, 0.0)
    waiting = Uncompared(Counts(1.0, 0.0), START)
    state = SloState("success", stable=Counts(900.0, 1.0), before=waiting, after=waiting)
    state = state._replace(**found)
    terms = TERMS._replace(counted_s=39.0)

    want = judge_ratio(learn(state, objective, tick, tick, START), objective, terms)

    assert want.verdict is not Verdict.PASS
    assert judge_calm(state, objective, (tick, tick), START, terms) == want
