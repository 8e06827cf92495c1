"""A spell of calm looks: all they add to the evidence is a few sums, written into it when needed.

While all objectives pass and nothing bad happens on either side, a look changes neither verdict
nor comparison: more good events only speak for gray. So nothing but totals is kept of it, and the
state that all these looks would have made is worked out when somebody wants to see it. It is the
same, to the last bit. What is not plainly calm is left to `analysis.analyse`.
"""

from datetime import datetime
from math import isfinite
from typing import NamedTuple

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core import ledger
from faceblur_operator.core.calm import is_far
from faceblur_operator.core.evidence import Counts
from faceblur_operator.core.footing import sampled
from faceblur_operator.core.judge import Terms, judge_gauge, passed
from faceblur_operator.core.ledger import Looks, Tick
from faceblur_operator.core.plan import GaugeObjective, Objective, Plan, RatioObjective
from faceblur_operator.core.queries import gauge_key
from faceblur_operator.core.recent import EVERY_S
from faceblur_operator.core.snapshot import Samples, Series, Vector
from faceblur_operator.core.state import SloState, State, Uncompared

# To look up a member of an enumeration takes longer than what is done with it.
PASS = Verdict.PASS

# Of one objective: all events of gray and of stable, those of people who opted in, and what of
# gray and stable the last look can compare. Of a gauge: its last value alone. Plain tuples, because
# these are made soonest.
Sums = tuple[float, ...]


class Spell(NamedTuple):
    """Calm looks in a row.

    Attributes:
        objectives: what they are about.
        marked_s: the oldest of the marks that are followed by others next, in seconds of counting.
        at: when the last look's samples were asked for.
        read_at: the moment they are about, as in `Samples`; None: that of the state before.
        sums: what they amount to, by objective.
    """

    objectives: tuple[Objective, ...]
    marked_s: float
    at: datetime
    read_at: datetime | None
    sums: tuple[Sums, ...]


def begun(plan: Plan, state: State, terms: Terms) -> Spell | None:
    """Return a spell that has seen no look yet; None where one may change more than sums."""
    if state.no_data_since is not None or len(state.slos) != len(plan.objectives):
        return None
    sums: list[Sums] = []
    marks_s: list[float] = []
    for slo, objective in zip(state.slos, plan.objectives, strict=True):
        if slo.name != objective.name or slo.verdict is not PASS:
            return None
        if isinstance(objective, GaugeObjective):
            sums.append(())
            continue
        if not _is_at_rest(slo, objective, terms):
            return None
        sums.append((slo.gray.total, slo.stable.total, slo.keen.total, 0.0, 0.0))
        marks_s.append(slo.marks[-1].at_s if slo.marks else 0.0)
    if not marks_s or state.sampled_at is None:
        return None
    return Spell(plan.objectives, min(marks_s), state.sampled_at, None, tuple(sums))


def longer(
    spell: Spell, plan: Plan, state: State, samples: Samples, seen: Looks
) -> tuple[Spell, Looks] | None:
    """Return the spell with one look more and what has been seen; None if that was not calm."""
    if state.traffic_since is None:
        return None
    counted_s = (samples.at - (state.traffic_since + plan.warmup)).total_seconds()
    # Warm-up, for a clock that was put back; or a mark is due, see `recent.py`.
    if counted_s < 0 or not counted_s - spell.marked_s < EVERY_S:
        return None
    found = ledger.counted(plan.objectives, samples, seen)
    if found is None:
        return None
    ticks = iter(found[0])
    sums: list[Sums] = []
    for so_far, objective in zip(spell.sums, spell.objectives, strict=True):
        if isinstance(objective, GaugeObjective):
            fresh = _value(objective, samples)
        else:
            fresh = _added(so_far, *next(ticks))
        if fresh is None:
            return None
        sums.append(fresh)
    read_at = samples.read_at or spell.read_at
    return Spell(spell.objectives, spell.marked_s, samples.at, read_at, tuple(sums)), found[1]


def folded(state: State, spell: Spell) -> State:
    """Return the state that the looks of a spell make of the one before it."""
    slos = tuple(
        _with(slo, objective, sums, spell.at)
        for slo, objective, sums in zip(state.slos, spell.objectives, spell.sums, strict=True)
    )
    return sampled(state, slos, spell.at, None, spell.read_at)


def _is_at_rest(slo: SloState, objective: RatioObjective, terms: Terms) -> bool:
    """Whether good events alone change neither the verdict nor the comparisons."""
    gray, before, after = slo.gray, slo.before, slo.after
    return (
        not objective.same_scrape
        and 0 <= gray.bad <= gray.total
        and gray.total > 0
        and not (before.events.bad or after.events.bad or after.against.bad)
        and (not gray.bad or is_far(slo, objective, terms))
    )


def _added(so_far: Sums, gray: Tick, stable: Tick | None) -> Sums | None:
    """Return the sums with what came; None if any of it was bad, or a side had nothing."""
    if stable is None:
        return None
    total, bad, mine, bad_mine = gray
    of_stable, stable_bad, theirs, bad_theirs = stable
    if bad or stable_bad or bad_mine or bad_theirs or mine <= 0 or theirs <= 0:
        return None
    gray_total, stable_total, keen, _, _ = so_far
    if total != mine:
        keen = keen + total - mine
    return (gray_total + total, stable_total + of_stable, keen, mine, theirs)


def _value(objective: GaugeObjective, samples: Samples) -> Sums | None:
    """Return the value of a gauge, None unless it is one that passes."""
    found = samples.series.get(gauge_key(objective.name))
    if not isinstance(found, Vector) or len(found.values) != 1:
        return None
    [value] = found.values
    return found.values if isfinite(value) and value <= objective.maximum else None


def _with(slo: SloState, objective: Objective, sums: Sums, at: datetime) -> SloState:
    if isinstance(objective, GaugeObjective):
        [value] = sums
        return judge_gauge(slo, objective, (Series((), value),))
    gray_total, stable_total, keen, mine, theirs = sums
    gray, stable = Counts(gray_total, slo.gray.bad), Counts(stable_total, slo.stable.bad)
    return slo._replace(
        message=passed((gray, stable), objective),
        gray=gray,
        stable=stable,
        value=1 - gray.bad / gray.total,
        # What waited has been compared: nothing bad changes no comparison.
        before=Uncompared(Counts(theirs, 0.0), at),
        after=Uncompared(Counts(mine, 0.0), at),
        keen=Counts(keen, slo.keen.bad),
    )
