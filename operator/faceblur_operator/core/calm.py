"""One objective at a look at which nothing bad happened: nearly every look.

Then the comparisons with stable stay as they are, and new evidence and verdict are one step. The
result is that of `learning.learn` and `judge.judge_ratio`, which know all the other looks.
"""

from datetime import datetime

from faceblur_operator.core.evidence import SLACK, ZERO, Counts, made
from faceblur_operator.core.judge import LOG_2, Terms, passing, told_against
from faceblur_operator.core.learning import LONGEST_APART, with_keen
from faceblur_operator.core.ledger import Tick
from faceblur_operator.core.plan import RatioObjective
from faceblur_operator.core.recent import FIRST_PRICE, marked
from faceblur_operator.core.state import SloState, Uncompared


def judge_calm(
    state: SloState,
    objective: RatioObjective,
    ticks: tuple[Tick, Tick | None],
    at: datetime,
    terms: Terms,
) -> SloState | None:
    """Return the state with gray's and stable's tick and its verdict, None if it was not calm."""
    gray, stable = ticks
    if stable is None or not _is_calm(state, gray, stable, at):
        return None
    total, bad = state.gray.total + gray.total, state.gray.bad
    if not 0 <= bad <= total:
        return None
    mine = made(Counts, (total, bad))
    other = made(Counts, (state.stable.total + stable.total, state.stable.bad))
    keen = with_keen(state.keen, gray)
    verdict, message = passing((mine, other), keen, state.restarts, objective, terms)
    fields = (
        state.name,
        verdict,
        message,
        mine,
        other,
        state.versus,
        state.restarts,
        state.breaches,
        1 - bad / total,
        1 - objective.allowed if objective.allowed is not None else None,
        state.versus_after,
        # What waited has been compared: nothing bad changes no comparison.
        made(Uncompared, (made(Counts, (stable.comparable_total, 0.0)), at, ZERO, ())),
        made(Uncompared, (made(Counts, (gray.comparable_total, 0.0)), at, ZERO, ())),
        state.marks,
        keen,
    )
    after = marked(made(SloState, fields), terms.counted_s)
    if not bad or is_far(after, objective, terms):
        return after
    return told_against(after, objective, terms) or after


def is_far(state: SloState, objective: RatioObjective, terms: Terms) -> bool:
    """Whether it is plain at a glance that `told_against` would tell nothing.

    There is no recent part then, nor a test of all the evidence that can have reached its limit.
    """
    gray, keen, marks = state.gray, state.keen, state.marks
    if marks and gray.bad > marks[0].gray.bad:
        return False
    allowed = objective.allowed
    if allowed is not None and (
        gray.bad > allowed * gray.total or gray.bad - keen.bad > allowed * (gray.total - keen.total)
    ):
        return False
    limit = terms.log_breach + state.restarts * LOG_2 + FIRST_PRICE
    return objective.max_ratio is None or max(state.versus) < limit - SLACK


def _is_calm(state: SloState, gray: Tick, stable: Tick, at: datetime) -> bool:
    """Whether both sides were read in this look and in the last, and nothing of it was bad."""
    _, bad, mine, bad_mine = gray
    _, stable_bad, theirs, bad_theirs = stable
    theirs_waiting, theirs_since, _, _ = state.before
    mine_waiting, mine_since, against, _ = state.after
    return not (
        bad
        or stable_bad
        or bad_mine
        or bad_theirs
        or mine <= 0
        or theirs <= 0
        or theirs_since is None
        or mine_since is None
        or theirs_waiting.bad
        or mine_waiting.bad
        or against.bad
        or at - theirs_since > LONGEST_APART
        or at - mine_since > LONGEST_APART
    )
