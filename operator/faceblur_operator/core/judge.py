"""One objective and its evidence: the verdict, and how to count the samples of one tick."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import NamedTuple

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core import evidence
from faceblur_operator.core.counters import (
    Growth,
    Increment,
    Seen,
    Unsettled,
    Unusable,
    increment,
)
from faceblur_operator.core.evidence import Counts, made
from faceblur_operator.core.ledger import Tick as Tick
from faceblur_operator.core.plan import GaugeObjective, RatioObjective
from faceblur_operator.core.queries import ratio_keys
from faceblur_operator.core.recent import Part, marked, parts
from faceblur_operator.core.snapshot import Samples, Series
from faceblur_operator.core.state import SloState

# A comparison with stable proves no absolute quality; this many events at least must be compared.
FEWEST_COMPARED = 30
LOG_2 = log(2)
# To look up a member of an enumeration takes longer than what is done with it.
PASS = Verdict.PASS


class Terms(NamedTuple):
    """What the tests are held against.

    Attributes:
        log_breach: log E that shows a breach: log(M/α).
        log_pass: log E that allows the next weight.
        log_worse: log E that shows gray worse than stable: log(1/α).
        rolls_back_shared: a breach that stable shares counts as gray's.
        is_split: both sides get traffic by the weight, so what hits both shows on both.
        is_bridged: the events came while no process looked; see `bridge.py`.
        counted_s: for how many seconds events have been counted.
    """

    log_breach: float
    log_pass: float
    log_worse: float
    rolls_back_shared: bool
    counted_s: float = 0.0
    is_split: bool = True
    is_bridged: bool = False


class Broken(NamedTuple):
    """A test against gray that has reached its limit; all of it as logarithms but the share.

    Attributes:
        log_e: what it shows.
        limit: what it had to reach.
        worse: how far gray is shown worse than stable.
        allowed: the share of bad events that gray broke; None: it is worse than stable.
    """

    log_e: float
    limit: float
    worse: float
    allowed: float | None


@dataclass(frozen=True, slots=True)
class Blind:
    """Nothing can be counted this tick: why, and whether data is missing or unreadable."""

    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """A counter reads less than before and nobody knows why yet: nothing is counted this tick."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A query has no series."""


MISSING = Missing()


Found = Mapping[str, Seen | None]


def count(
    objective: RatioObjective, side: str, samples: Samples, seen: Found
) -> tuple[Tick | Blind | Held | None, dict[str, Seen | None]]:
    """Return the new events of one side.

    Returns:
        The counts (None on the first look, which only tells where counting starts) and what has
        been seen, by query key: nothing when blind, so that no event is lost or counted alone.
    """
    on_bad, on_total = ratio_keys(objective.name, side)
    bads, totals = samples.series.get(on_bad), samples.series.get(on_total)
    bad: Growth | Missing
    total: Growth | Missing
    bad, bad_after = increment(seen.get(on_bad), bads, samples.at) if bads else (MISSING, None)
    total, total_after = (
        increment(seen.get(on_total), totals, samples.at) if totals else (MISSING, None)
    )
    if isinstance(bad, Increment) and isinstance(total, Increment):
        found: dict[str, Seen | None] = {on_bad: bad_after, on_total: total_after}
        if objective.bad_is_good:
            rest = total.comparable - bad.comparable
            return Tick(total.all, total.all - bad.all, total.comparable, rest), found
        return Tick(total.all, bad.all, total.comparable, bad.comparable), found
    for what, growth in (("bad", bad), ("total", total)):
        if isinstance(growth, Unusable):
            return Blind(Verdict.ERROR, growth.why), {}
        if isinstance(growth, Missing):
            return _missing(objective, side, samples, what), {}
    if isinstance(bad, Unsettled) or isinstance(total, Unsettled):
        # Both stay where they are, so that what is counted later is counted together.
        fallen = ((on_bad, bad, bad_after), (on_total, total, total_after))
        return Held(), {name: after for name, one, after in fallen if isinstance(one, Unsettled)}
    return None, {on_bad: bad_after, on_total: total_after}


def _missing(objective: RatioObjective, side: str, samples: Samples, what: str) -> Blind:
    if what == "bad" and objective.bad_is_good and _has(objective, side, samples):
        why = f"the histogram of {side} has no edge at the limit of {objective.name}"
        return Blind(Verdict.ERROR, why)
    return Blind(Verdict.NO_DATA, f"Prometheus has no series for `{what}` of {side}")


def judge_ratio(state: SloState, objective: RatioObjective, terms: Terms) -> SloState:
    """Return the state with the verdict its evidence supports."""
    gray = state.gray
    if gray.bad > gray.total or gray.bad < 0:
        why = f"{gray.bad:g} bad of {gray.total:g} events: the two queries do not fit together"
        return _said(state, Verdict.ERROR, why)
    state = marked(state, terms.counted_s)
    told = told_against(state, objective, terms) if gray.bad > 0 else None
    if told is not None:
        return told
    sides = (gray, state.stable)
    return _said(state, *passing(sides, state.keen, state.restarts, objective, terms))


def told_against(state: SloState, objective: RatioObjective, terms: Terms) -> SloState | None:
    """Return the state with what its evidence, or the recent part, shows; None if nothing."""
    for part in parts(state, terms.counted_s):
        told = _told_by(state, part, objective, terms)
        if told is not None:
            return told
    return None


def broken(part: Part, objective: RatioObjective, terms: Terms) -> Broken | None:
    """Return the first test against gray that has reached its limit, None if none has."""
    stable_tests = (part.evidence.versus, part.evidence.versus_after)
    limit = terms.log_breach + part.evidence.restarts * LOG_2 + part.price
    if objective.max_ratio is not None and evidence.all_reach(stable_tests, limit):
        worse = min(map(evidence.log_versus, stable_tests))
        return Broken(worse, limit, worse, None)
    if objective.allowed is None:
        return None
    shown = _log_breach(objective.allowed, part)
    if shown is None or shown < limit:
        return None
    return Broken(shown, limit, min(map(evidence.log_versus, stable_tests)), objective.allowed)


def _log_breach(allowed: float, part: Part) -> float | None:
    """Return log E of a broken limit: the mean over everybody and over those sent by the weight.

    Neither of the two groups hides the other in it. Nobody who opted in: both are the same.
    """
    gray, keen = part.evidence.gray, part.evidence.keen
    # A share that is allowed speaks for no higher one, so it is no evidence of any.
    if not keen.total:
        is_above = gray.bad > allowed * gray.total
        return evidence.log_worse_than(allowed, gray) if is_above else None
    above = [one for one in (gray, by_weight(part)) if one.bad > allowed * one.total]
    if not above:
        return None
    return max(evidence.log_worse_than(allowed, one) for one in above) - LOG_2


def _told_by(
    state: SloState, part: Part, objective: RatioObjective, terms: Terms
) -> SloState | None:
    """Return the state with what this part of the evidence shows against gray, None if nothing."""
    found = broken(part, objective, terms)
    if found is None:
        return None
    if found.allowed is not None:
        return _breached(state, part, found.allowed, found, terms)
    return _said(
        state,
        Verdict.BREACH,
        f"worse than stable by more than {objective.max_ratio:g}×{_lately(part)}: "
        f"{_share(part.evidence.gray)} against {_share(part.evidence.stable)} bad, "
        f"{_bound(found.log_e, found.limit)}",
    )


def _breached(
    state: SloState,
    part: Part,
    allowed: float,
    found: Broken,
    terms: Terms,
) -> SloState:
    limit = found.limit
    gray, stable = part.evidence.gray, part.evidence.stable
    # At 100 % nobody is left to compare with, and stable is the safer place.
    # Before that, what stable did is sometimes only read later.
    is_alone = not terms.is_split or not (state.stable.total or state.restarts or state.after.since)
    is_worse = found.worse >= terms.log_worse + state.restarts * LOG_2 + part.price
    said = f"{_share(gray)} bad{_lately(part)}, allowed {allowed:.2%}"
    if gray.bad <= allowed * gray.total:
        said += f"; without those who opted in {_share(by_weight(part))}"
    if is_alone or is_worse or terms.rolls_back_shared:
        return _said(state, Verdict.BREACH, f"{said}, {_bound(found.log_e, limit)}")
    if evidence.log_worse_than(allowed, stable) < limit:
        if is_by_keen(part, allowed, limit):
            return _said(state, Verdict.INSUFFICIENT, _by_keen(part, allowed))
        why = f"{said}, but not shown worse than stable ({_share(stable)}); holding until either is"
        return _said(state, Verdict.INSUFFICIENT, why)
    # Both versions suffer: the tests begin anew, so that the end of the outage is seen.
    return SloState(
        name=state.name,
        verdict=Verdict.INSUFFICIENT,
        message=_shared(gray, stable),
        restarts=state.restarts + 1,
        value=state.value,
        bound=state.bound,
    )


def is_by_keen(part: Part, allowed: float, limit: float) -> bool:
    """Whether without those who opted in, gray would not be shown to break its limit."""
    keen = part.evidence.keen
    if keen.bad <= 0:
        return False
    others = by_weight(part)
    is_above = others.bad > allowed * others.total
    return not is_above or evidence.log_worse_than(allowed, others) < limit


def by_weight(part: Part) -> Counts:
    """Return gray's events without those of people who opted in."""
    gray, keen = part.evidence.gray, part.evidence.keen
    return Counts(gray.total - keen.total, gray.bad - keen.bad)


def _by_keen(part: Part, allowed: float) -> str:
    return (
        f"{_share(part.evidence.keen)} bad{_lately(part)} of those who opted in, allowed "
        f"{allowed:.2%}; of the others {_share(by_weight(part))}, not shown worse than stable "
        f"({_share(part.evidence.stable)}); holding, `promote` goes on, `abort` takes it back"
    )


def passing(
    sides: tuple[Counts, Counts],
    keen: Counts,
    restarts: int,
    objective: RatioObjective,
    terms: Terms,
) -> tuple[Verdict, str]:
    """Return the verdict on gray's and stable's events of which none speak against gray.

    Those who opted in are no sample of the users who come next: what is enough has to be enough
    without them, too.
    """
    gray, stable = sides
    if keen.total:
        rest = Counts(gray.total - keen.total, gray.bad - keen.bad)
        found = passing((rest, stable), evidence.ZERO, restarts, objective, terms)
        if found[0] is not PASS:
            return found[0], f"without those who opted in {found[1]}"
    if objective.unacceptable is None:
        short = FEWEST_COMPARED - gray.total
        if short > 0:
            return Verdict.INSUFFICIENT, _needed(short, gray, terms)
        return PASS, passed(sides, objective)
    wanted = terms.log_pass + restarts * LOG_2
    missing = evidence.missing_events(objective.unacceptable, gray, wanted_log=wanted)
    if missing != 0 and restarts > 0 and _is_shared(sides, objective):
        return Verdict.INSUFFICIENT, _shared(gray, stable)
    if missing is None:
        why = f"{_share(gray)} bad is too close to the unacceptable {objective.unacceptable:.2%}"
        return Verdict.INSUFFICIENT, why
    if missing > 0:
        return Verdict.INSUFFICIENT, f"{_share(gray)} bad; {_needed(missing, gray, terms)}"
    return PASS, passed(sides, objective)


def passed(sides: tuple[Counts, Counts], objective: RatioObjective) -> str:
    """Return what is said of gray's and stable's events when they pass."""
    gray, stable = sides
    said = f"{_share(gray)} bad"
    return said if objective.unacceptable is not None else f"{said}, stable {_share(stable)}"


def _is_shared(sides: tuple[Counts, Counts], objective: RatioObjective) -> bool:
    """Whether a shared outage goes on, as far as little can tell since the tests began anew."""
    allowed = objective.allowed
    return allowed is not None and all(side.bad > allowed * side.total for side in sides)


def _shared(gray: Counts, stable: Counts) -> str:
    return (
        f"stable breaches it too ({_share(stable)} bad, gray {_share(gray)}); "
        "not gray's fault, holding"
    )


def judge_gauge(state: SloState, objective: GaugeObjective, series: Sequence[Series]) -> SloState:
    """Return the state with the verdict of one value."""
    if not series:
        return _measured(state, objective, "Prometheus has no value", Verdict.NO_DATA)
    if len(series) > 1:
        why = f"the query gives {len(series)} series where one is wanted"
        return _measured(state, objective, why, Verdict.ERROR)
    value = series[0].value
    if not isfinite(value):
        return _measured(state, objective, f"the value is {value}", Verdict.ERROR)
    said = f"{value:.4g}, allowed {objective.maximum:.4g}"
    if value <= objective.maximum:
        return _measured(state, objective, said, PASS, value)
    breaches = state.breaches + 1
    if breaches >= objective.failure_limit:
        said = f"{said}, {breaches} times in a row"
        return _measured(state, objective, said, Verdict.BREACH, value, breaches)
    said = f"{said}, {breaches} of {objective.failure_limit}"
    return _measured(state, objective, said, Verdict.INSUFFICIENT, value, breaches)


def _measured(
    state: SloState,
    objective: GaugeObjective,
    said: str,
    verdict: Verdict,
    value: float | None = None,
    breaches: int = 0,
) -> SloState:
    """Return the state of a gauge; without a value nothing is forgotten."""
    if value is None:
        value, breaches = state.value, state.breaches
    now = (verdict, said, breaches, value, objective.maximum)
    # Who asks more often than Prometheus scrapes is told the same again.
    if now == (state.verdict, state.message, state.breaches, state.value, state.bound):
        return state
    return SloState(
        state.name,
        verdict,
        said,
        restarts=state.restarts,
        breaches=breaches,
        value=value,
        bound=objective.maximum,
    )


def blinded(state: SloState, why: Blind) -> SloState:
    """Return the state of an objective about which nothing can be said this tick."""
    return _said(state, why.verdict, why.why)


def waiting(state: SloState, why: str) -> SloState:
    """Return the state of an objective that does not count yet."""
    return _said(state, Verdict.INSUFFICIENT, why)


def _has(objective: RatioObjective, side: str, samples: Samples) -> bool:
    _, on_total = ratio_keys(objective.name, side)
    return bool(samples.series.get(on_total))


def _said(state: SloState, verdict: Verdict, message: str) -> SloState:
    if verdict is state.verdict and message == state.message:
        return state
    return made(SloState, (state.name, verdict, message, *state[3:]))


def _lately(part: Part) -> str:
    return "" if part.since_s is None else f" in the last {_span(part.since_s)}"


def _share(counts: Counts) -> str:
    return f"{counts.bad:.0f} of {counts.total:.0f}"


def _needed(missing: float, gray: Counts, terms: Terms) -> str:
    """Return how much is missing, and for how long at the rate so far, as far as it is known."""
    said = f"about {max(1, round(missing))} more requests needed"
    if gray.total <= 0 or terms.counted_s <= 0:
        return said
    wait = missing * terms.counted_s / gray.total
    return f"{said}, about {_span(wait)} at this rate"


def _span(seconds: float) -> str:
    """Return a span in the unit a person would use."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def _bound(log_e: float, limit: float) -> str:
    return f"log E {log_e:.1f} ≥ {limit:.1f}"
