"""What one objective's evidence showed at a decision, and what it was held against.

Used to write decisions down; the verdicts themselves are made in `judge.py`.
"""

from typing import NamedTuple

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core import evidence
from faceblur_operator.core.judge import LOG_2, Terms, broken, is_by_keen
from faceblur_operator.core.plan import GaugeObjective, Objective, RatioObjective
from faceblur_operator.core.recent import parts
from faceblur_operator.core.state import SloState


class Proof(NamedTuple):
    """Evidence and what it must reach, as natural logarithms."""

    log_e: float
    threshold: float


def proof(slo: SloState, objective: Objective, terms: Terms) -> Proof | None:
    """Return what was shown: for a breach the test that broke, else how far going on is proved.

    None where no test was made: of a value, or of a mere comparison that shows nothing.
    """
    if isinstance(objective, GaugeObjective):
        return None
    if slo.verdict is Verdict.BREACH:
        return _broken(slo, objective, terms)
    if objective.unacceptable is None:
        return None
    shown = evidence.log_better_than(objective.unacceptable, slo.gray)
    return Proof(shown, terms.log_pass + slo.restarts * LOG_2)


def is_shared(slo: SloState, objective: Objective, terms: Terms) -> bool:
    """Whether what is held is an objective that gray breaks as stable does, as far as is known."""
    if (
        slo.verdict is not Verdict.INSUFFICIENT
        or isinstance(objective, GaugeObjective)
        or objective.allowed is None
    ):
        return False
    sides = (slo.gray, slo.stable)
    has_begun_anew = slo.restarts > 0 and all(
        side.bad > objective.allowed * side.total or not side.total for side in sides
    )
    return has_begun_anew or _broken(slo, objective, terms) is not None


def is_of_keen(slo: SloState, objective: Objective, terms: Terms) -> bool:
    """Whether what is held is an objective that only those who opted in see broken."""
    if slo.verdict is not Verdict.INSUFFICIENT or isinstance(objective, GaugeObjective):
        return False
    for part in parts(slo, terms.counted_s):
        found = broken(part, objective, terms)
        if found is not None and found.allowed is not None:
            return is_by_keen(part, found.allowed, found.limit)
    return False


def _broken(slo: SloState, objective: RatioObjective, terms: Terms) -> Proof | None:
    """Return the first test against gray that has reached its limit."""
    for part in parts(slo, terms.counted_s):
        found = broken(part, objective, terms)
        if found is not None:
            return Proof(found.log_e, found.limit)
    return None
