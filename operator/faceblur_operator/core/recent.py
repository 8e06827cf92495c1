"""Evidence since a moment not long ago, beside all of it: a good past must not hide a bad present.

The tests of `judge.py` may begin anew at moments that do not depend on what was counted. The n-th
beginning costs a factor of 10·n·(n+1) of evidence and the first one 10/9, so that all of them
together keep the bound of one.
"""

from math import log
from operator import sub
from typing import NamedTuple

from faceblur_operator.core.evidence import Counts
from faceblur_operator.core.state import Mark, SloState

# So often the tests begin anew; what began between one and two of these ago is looked at.
EVERY_S = 20.0
# Of what may be risked, for all beginnings but the first.
SHARE = 0.1
FIRST_PRICE = -log(1 - SHARE)


class Part(NamedTuple):
    """Some of the evidence about one objective.

    Attributes:
        evidence: it, as if there were nothing else.
        price: what it must show more than a test that began once, as a logarithm.
        since_s: how long ago it begins, in seconds; None: with the first event.
    """

    evidence: SloState
    price: float
    since_s: float | None = None


def marked(state: SloState, counted_s: float) -> SloState:
    """Return the state with a new mark, once that is due after so many seconds of counting."""
    marks = state.marks
    if counted_s - (marks[-1].at_s if marks else 0.0) < EVERY_S:
        return state
    number = int(counted_s // EVERY_S)
    gray, stable, keen = state.gray, state.stable, state.keen
    mark = Mark(number, counted_s, gray, stable, state.versus, state.versus_after, keen)
    return state._replace(marks=(*marks[-1:], mark))


def parts(state: SloState, counted_s: float) -> tuple[Part, ...]:
    """Return what the tests are made on: all of the evidence, and the recent, if that is less."""
    everything = Part(state, FIRST_PRICE)
    if not state.marks or state.gray.bad <= state.marks[0].gray.bad:
        return (everything,)
    mark = state.marks[0]
    recent = SloState(
        state.name,
        state.verdict,
        state.message,
        _since(mark.gray, state.gray),
        _since(mark.stable, state.stable),
        tuple(map(sub, state.versus, mark.versus)),
        state.restarts,
        state.breaches,
        state.value,
        state.bound,
        tuple(map(sub, state.versus_after, mark.versus_after)),
        state.before,
        state.after,
        state.marks,
        _since(mark.keen, state.keen),
    )
    price = log(mark.number * (mark.number + 1) / SHARE)
    return (everything, Part(recent, price, counted_s - mark.at_s))


def _since(before: Counts, now: Counts) -> Counts:
    return Counts(now.total - before.total, now.bad - before.bad)
