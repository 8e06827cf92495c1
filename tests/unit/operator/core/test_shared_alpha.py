"""Good versions that just meet all their objectives, looked at again and again: α is for all."""

from datetime import timedelta
from random import Random

import pytest
from tests.benchmarks.operator.bounds import upper
from tests.support.builders import a_plan, a_ratio
from tests.support.world import START

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core.analysis import terms_of
from faceblur_operator.core.evidence import Counts
from faceblur_operator.core.judge import Terms, judge_ratio
from faceblur_operator.core.plan import RatioObjective
from faceblur_operator.core.state import SloState, Stage, State

ALPHA = 0.2
ALLOWED = 0.3
RELEASES, LOOKS, REQUESTS = 200, 80, 6


@pytest.mark.parametrize("objectives", [1, 3, 8])
def test_a_version_exactly_at_its_limits_is_rolled_back_in_at_most_alpha_of_its_releases(
    objectives: int,
) -> None:
    """Were each of eight given all of α, a fourth of these releases would be rolled back."""
    chance = Random(f"good at the bound {objectives}")
    asked = tuple(a_ratio(f"slo-{n}", allowed=ALLOWED) for n in range(objectives))
    plan = a_plan(100, objectives=asked, false_rollback=ALPHA)
    state = State(stage=Stage.STEPPING, weight=100, traffic_since=START)
    looks = [terms_of(plan, state, START + timedelta(seconds=2 * n)) for n in range(LOOKS)]

    ended = sum(_is_rolled_back(chance, asked, looks) for _ in range(RELEASES))

    assert upper(ended, RELEASES) <= ALPHA


def _is_rolled_back(
    chance: Random, objectives: tuple[RatioObjective, ...], looks: list[Terms]
) -> bool:
    slos = [SloState(one.name) for one in objectives]
    for terms in looks:
        for at, objective in enumerate(objectives):
            bad = sum(chance.random() < ALLOWED for _ in range(REQUESTS))
            gray = slos[at].gray + Counts(REQUESTS, bad)
            slos[at] = judge_ratio(slos[at]._replace(gray=gray), objective, terms)
            if slos[at].verdict is Verdict.BREACH:
                return True
    return False
