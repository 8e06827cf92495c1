"""One objective, its evidence and the samples of one tick: the new evidence and a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite, log

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core import evidence
from faceblur_operator.core.counters import Increment, Seen, Unusable, increment
from faceblur_operator.core.evidence import ZERO, Counts
from faceblur_operator.core.plan import GaugeObjective, RatioObjective
from faceblur_operator.core.queries import key
from faceblur_operator.core.snapshot import Samples, Series
from faceblur_operator.core.state import SloState

# A comparison with stable proves no absolute quality; this many events at least must be compared.
FEWEST_COMPARED = 30


@dataclass(frozen=True, slots=True)
class Terms:
    """What the tests are held against.

    Attributes:
        log_breach: log E that shows a breach: log(M/α).
        log_pass: log E that allows the next weight.
        rolls_back_shared: a breach that stable shares counts as gray's.
        counted_s: for how many seconds events have been counted.
    """

    log_breach: float
    log_pass: float
    rolls_back_shared: bool
    counted_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Blind:
    """Nothing can be counted this tick: why, and whether data is missing or unreadable."""

    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Counts of one tick for one side: everything, and the comparable part."""

    all: Counts
    comparable: Counts


Found = Mapping[str, Seen | None]


def count(
    objective: RatioObjective, side: str, samples: Samples, seen: Found
) -> tuple[Tick | Blind | None, dict[str, Seen | None]]:
    """Return the new events of one side.

    Returns:
        The counts (None on the first look, which only tells where counting starts) and what has
        been seen, by query key: nothing when blind, so that no event is lost or counted alone.
    """
    grown: dict[str, Increment | None] = {}
    now: dict[str, Seen | None] = {}
    for what in ("bad", "total"):
        name = key(objective.name, side, what)
        series = samples.series.get(name, ())
        if not series:
            why = f"Prometheus has no series for `{what}` of {side}"
            if what == "bad" and objective.bad_is_good and _has(objective, side, samples):
                why = f"the histogram of {side} has no edge at the limit of {objective.name}"
                return Blind(Verdict.ERROR, why), {}
            return Blind(Verdict.NO_DATA, why), {}
        growth, after = increment(seen.get(name), series)
        if isinstance(growth, Unusable):
            return Blind(Verdict.ERROR, growth.why), {}
        grown[what] = growth
        now[name] = after
    bad, total = grown["bad"], grown["total"]
    if bad is None or total is None:
        return None, now
    turned = objective.bad_is_good
    return Tick(
        Counts(total.all, total.all - bad.all if turned else bad.all),
        Counts(total.comparable, total.comparable - bad.comparable if turned else bad.comparable),
    ), now


def learn(state: SloState, objective: RatioObjective, gray: Tick, stable: Tick | None) -> SloState:
    """Return the evidence with one tick added."""
    versus = state.versus
    # A tick in which more was bad than happened is a torn reading; it proves nothing.
    if stable is not None and _is_whole(gray.comparable) and _is_whole(stable.comparable):
        versus = evidence.versus_add(
            versus,
            max_ratio=objective.max_ratio or 1.0,
            gray=gray.comparable,
            stable=stable.comparable,
        )
    return replace(
        state,
        gray=state.gray + gray.all,
        stable=state.stable + (stable.all if stable else ZERO),
        versus=versus,
    )


def judge_ratio(state: SloState, objective: RatioObjective, terms: Terms) -> SloState:
    """Return the state with the verdict its evidence supports."""
    gray = state.gray
    if gray.bad > gray.total or gray.bad < 0:
        why = f"{gray.bad:g} bad of {gray.total:g} events: the two queries do not fit together"
        return _said(state, Verdict.ERROR, why)
    state = replace(
        state,
        value=1 - gray.bad / gray.total if gray.total else None,
        bound=1 - objective.allowed if objective.allowed is not None else None,
    )
    worse = evidence.log_versus(state.versus)
    limit = terms.log_breach + state.restarts * log(2)
    if objective.max_ratio is not None and worse >= limit:
        return _said(
            state,
            Verdict.BREACH,
            f"worse than stable by more than {objective.max_ratio:g}×: "
            f"{_share(gray)} against {_share(state.stable)} bad, {_bound(worse, limit)}",
        )
    if objective.allowed is not None:
        broken = evidence.log_worse_than(objective.allowed, gray)
        if broken >= limit:
            return _breached(state, objective.allowed, (broken, worse, limit), terms)
    return _passed(state, objective, terms)


def _breached(
    state: SloState, allowed: float, logs: tuple[float, float, float], terms: Terms
) -> SloState:
    broken, worse, limit = logs
    shared = (
        evidence.log_worse_than(allowed, state.stable) >= limit
        and worse < limit
        and not terms.rolls_back_shared
    )
    if not shared:
        return _said(
            state,
            Verdict.BREACH,
            f"{_share(state.gray)} bad, allowed {allowed:.2%}, {_bound(broken, limit)}",
        )
    # Both versions suffer: the tests begin anew, so that the end of the outage is seen.
    return SloState(
        name=state.name,
        verdict=Verdict.INSUFFICIENT,
        message=f"stable breaches it too ({_share(state.stable)} bad, gray {_share(state.gray)}); "
        "not gray's fault, holding",
        restarts=state.restarts + 1,
        value=state.value,
        bound=state.bound,
    )


def _passed(state: SloState, objective: RatioObjective, terms: Terms) -> SloState:
    gray = state.gray
    if objective.unacceptable is None:
        short = FEWEST_COMPARED - gray.total
        if short > 0:
            return _said(state, Verdict.INSUFFICIENT, _needed(short, gray, terms))
        return _said(state, Verdict.PASS, f"{_share(gray)} bad, stable {_share(state.stable)}")
    wanted = terms.log_pass + state.restarts * log(2)
    missing = evidence.missing_events(objective.unacceptable, gray, wanted_log=wanted)
    if missing is None:
        why = f"{_share(gray)} bad is too close to the unacceptable {objective.unacceptable:.2%}"
        return _said(state, Verdict.INSUFFICIENT, why)
    if missing > 0:
        why = f"{_share(gray)} bad; {_needed(missing, gray, terms)}"
        return _said(state, Verdict.INSUFFICIENT, why)
    return _said(state, Verdict.PASS, f"{_share(gray)} bad")


def judge_gauge(state: SloState, objective: GaugeObjective, series: tuple[Series, ...]) -> SloState:
    """Return the state with the verdict of one value."""
    state = replace(state, bound=objective.maximum)
    if not series:
        return _said(state, Verdict.NO_DATA, "Prometheus has no value")
    if len(series) > 1:
        why = f"the query gives {len(series)} series where one is wanted"
        return _said(state, Verdict.ERROR, why)
    value = series[0].value
    if not isfinite(value):
        return _said(state, Verdict.ERROR, f"the value is {value}")
    over = value > objective.maximum
    breaches = state.breaches + 1 if over else 0
    state = replace(state, value=value, breaches=breaches)
    said = f"{value:.4g}, allowed {objective.maximum:.4g}"
    if breaches >= objective.failure_limit:
        return _said(state, Verdict.BREACH, f"{said}, {breaches} times in a row")
    if over:
        return _said(
            state, Verdict.INSUFFICIENT, f"{said}, {breaches} of {objective.failure_limit}"
        )
    return _said(state, Verdict.PASS, said)


def blinded(state: SloState, why: Blind) -> SloState:
    """Return the state of an objective about which nothing can be said this tick."""
    return _said(state, why.verdict, why.why)


def waiting(state: SloState, why: str) -> SloState:
    """Return the state of an objective that does not count yet."""
    return _said(state, Verdict.INSUFFICIENT, why)


def _has(objective: RatioObjective, side: str, samples: Samples) -> bool:
    return bool(samples.series.get(key(objective.name, side, "total")))


def _is_whole(counts: Counts) -> bool:
    return 0 <= counts.bad <= counts.total


def _said(state: SloState, verdict: Verdict, message: str) -> SloState:
    return replace(state, verdict=verdict, message=message)


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
