"""One objective, its evidence and the samples of one tick: the new evidence and a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from faceblur_operator.core.evidence import ZERO, Counts, made
from faceblur_operator.core.ledger import Tick as Tick
from faceblur_operator.core.plan import GaugeObjective, RatioObjective
from faceblur_operator.core.queries import ratio_keys
from faceblur_operator.core.recent import Part, marked, parts
from faceblur_operator.core.same_scrape import Pair
from faceblur_operator.core.snapshot import Samples, Series
from faceblur_operator.core.state import ALL_COMPARED, SloState, Uncompared

# A comparison with stable proves no absolute quality; this many events at least must be compared.
FEWEST_COMPARED = 30
# A single pod of stable's may have too little to be compared with: the next ones are waited for.
ENOUGH_READ = 5
# Between the scrapes of gray's pods and those of stable's.
LONGEST_APART = timedelta(seconds=60)
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


def learn(
    state: SloState,
    objective: RatioObjective,
    gray: Tick,
    stable: Tick | None,
    at: datetime,
    *,
    is_compared: bool = True,
    pairs: tuple[Pair, ...] | None = None,
) -> SloState:
    """Return the evidence with one tick added; without comparing it, when it is a long one.

    `pairs`: the tick once more, target by target, where one scrape holds both sides.
    """
    versus, versus_after, waiting_before, waiting_after = (
        _compared(state, objective, (gray, stable), at, pairs)
        if is_compared
        else (state.versus, state.versus_after, ALL_COMPARED, ALL_COMPARED)
    )
    total, bad = state.gray.total + gray.total, state.gray.bad + gray.bad
    other = state.stable
    if stable:
        other = made(Counts, (other.total + stable.total, other.bad + stable.bad))
    fields = (
        state.name,
        state.verdict,
        state.message,
        made(Counts, (total, bad)),
        other,
        versus,
        state.restarts,
        state.breaches,
        1 - bad / total if total else None,
        1 - objective.allowed if objective.allowed is not None else None,
        versus_after,
        waiting_before,
        waiting_after,
        state.marks,
        with_keen(state.keen, gray),
    )
    return made(SloState, fields)


def with_keen(keen: Counts, gray: Tick) -> Counts:
    """Return what those who opted in did, with what they did in this tick."""
    total, bad, by_weight, by_weight_bad = gray
    if total == by_weight:
        return keen
    return made(Counts, (keen.total + total - by_weight, keen.bad + bad - by_weight_bad))


def _compared(
    state: SloState,
    objective: RatioObjective,
    ticks: tuple[Tick, Tick | None],
    at: datetime,
    pairs: tuple[Pair, ...] | None,
) -> tuple[tuple[float, ...], tuple[float, ...], Uncompared, Uncompared]:
    """Return both comparisons with one tick added, and what waits for the other side to be read.

    An outage that both share begins and ends between the scrapes of the two. Held against what
    was read of stable before, gray looks worse at its beginning; against what is read after, at
    its end. Only a gray that is worse looks so against both. Of what came in one look nobody can
    tell which was read first, so it is neither; unless one scrape holds both, which then needs no
    later one.
    """
    gray, stable = ticks
    versus, later = state.versus, state.versus_after
    if stable is None:
        return versus, later, ALL_COMPARED, ALL_COMPARED
    mine = Counts(gray.comparable_total, gray.comparable_bad)
    theirs = Counts(stable.comparable_total, stable.comparable_bad)
    before, after = _recent(state.before, at), _recent(state.after, at)
    # A tick in which more was bad than happened is a torn reading; it proves nothing.
    if not (_is_whole(mine) and _is_whole(theirs)):
        return versus, later, before, after._replace(since=after.since or at)
    is_first = not (state.stable.total or state.restarts or before.since)
    if mine.total and before.events.total:
        versus, before = _with(versus, objective, mine, before.events), ALL_COMPARED
    if pairs is not None:
        later, after = _at_once(later, after, objective, pairs, at)
        # Before, neither had been read; see below.
        versus = later if is_first else versus
        return versus, later, _joined(before, theirs, at), after
    against = after.against + theirs if theirs.total and after.events.total else after.against
    # When a comparison ends must not depend on what was bad, or its test would not hold.
    is_ripe = is_first or mine.total > 0 or against.total >= ENOUGH_READ
    if against.total and is_ripe:
        later, after = _with(later, objective, after.events, against), ALL_COMPARED
        # Counting began for both at once, and gray had no traffic before: what is read of stable
        # first reaches back as far as gray's, and is as good as something read before.
        versus = later if is_first else versus
    elif against is not after.against:
        after = after._replace(against=against)
    return versus, later, _joined(before, theirs, at), _joined(after, mine, at)


def _at_once(
    later: tuple[float, ...],
    after: Uncompared,
    objective: RatioObjective,
    pairs: tuple[Pair, ...],
    at: datetime,
) -> tuple[tuple[float, ...], Uncompared]:
    """Return the comparison with what one scrape of each target told, and what waits of gray.

    Each target is scraped at a time of its own, so each is compared by itself. Where stable got
    nothing, gray's events wait for the next scrape of the same target: together these are the same
    time on both sides again. What waits from a look of the other kind belongs to no target and is
    dropped; that does not depend on what was bad.
    """
    waited, waiting = dict(after.by_target), []
    for target, gray, stable in pairs:
        mine = gray + waited.get(target, ZERO)
        if mine.total and stable.total:
            later = _with(later, objective, mine, stable)
        elif mine.total:
            waiting.append((target, mine))
    if not waiting:
        return later, ALL_COMPARED
    is_old = any(target in waited for target, _ in waiting)
    events = Counts(sum(one.total for _, one in waiting), sum(one.bad for _, one in waiting))
    return later, Uncompared(events, after.since if is_old else at, ZERO, tuple(waiting))


def hear(state: SloState, stable: Tick, at: datetime) -> SloState:
    """Return the state in which what stable did while gray warmed up waits for gray's first."""
    theirs = Counts(stable.comparable_total, stable.comparable_bad)
    if not _is_whole(theirs):
        return state
    return state._replace(before=_joined(_recent(state.before, at), theirs, at))


def _recent(left: Uncompared, at: datetime) -> Uncompared:
    """Return what waits, unless it has waited for too long."""
    is_old = left.since is not None and at - left.since > LONGEST_APART
    return ALL_COMPARED if is_old else left


def _joined(left: Uncompared, more: Counts, at: datetime) -> Uncompared:
    """Return what waits together with what came."""
    if not more.total:
        return left
    if left is ALL_COMPARED:
        return Uncompared(more, at)
    return Uncompared(left.events + more, left.since or at, left.against)


def _with(
    versus: tuple[float, ...], objective: RatioObjective, gray: Counts, stable: Counts
) -> tuple[float, ...]:
    if not (gray.bad or stable.bad):
        return versus
    ratio = objective.max_ratio or 1.0
    return evidence.versus_add(versus, max_ratio=ratio, gray=gray, stable=stable)


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
    return _said(state, *passing((gray, state.stable), state.restarts, objective, terms))


def told_against(state: SloState, objective: RatioObjective, terms: Terms) -> SloState | None:
    """Return the state with what its evidence, or the recent part, shows; None if nothing."""
    for part in parts(state, terms.counted_s):
        told = _told_by(state, part, objective, terms)
        if told is not None:
            return told
    return None


def broken(part: Part, objective: RatioObjective, terms: Terms) -> Broken | None:
    """Return the first test against gray that has reached its limit, None if none has."""
    gray, stable_tests = part.evidence.gray, (part.evidence.versus, part.evidence.versus_after)
    limit = terms.log_breach + part.evidence.restarts * LOG_2 + part.price
    if objective.max_ratio is not None and evidence.all_reach(stable_tests, limit):
        worse = min(map(evidence.log_versus, stable_tests))
        return Broken(worse, limit, worse, None)
    # A share that is allowed speaks for no higher one, so it is no evidence of any.
    if objective.allowed is None or gray.bad <= objective.allowed * gray.total:
        return None
    shown = evidence.log_worse_than(objective.allowed, gray)
    if shown < limit:
        return None
    return Broken(shown, limit, min(map(evidence.log_versus, stable_tests)), objective.allowed)


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
    sides: tuple[Counts, Counts], restarts: int, objective: RatioObjective, terms: Terms
) -> tuple[Verdict, str]:
    """Return the verdict on gray's and stable's events of which none speak against gray."""
    gray, stable = sides
    if objective.unacceptable is None:
        short = FEWEST_COMPARED - gray.total
        if short > 0:
            return Verdict.INSUFFICIENT, _needed(short, gray, terms)
        return PASS, f"{_share(gray)} bad, stable {_share(stable)}"
    wanted = terms.log_pass + restarts * LOG_2
    missing = evidence.missing_events(objective.unacceptable, gray, wanted_log=wanted)
    if missing != 0 and restarts > 0 and _is_shared(sides, objective):
        return Verdict.INSUFFICIENT, _shared(gray, stable)
    if missing is None:
        why = f"{_share(gray)} bad is too close to the unacceptable {objective.unacceptable:.2%}"
        return Verdict.INSUFFICIENT, why
    if missing > 0:
        return Verdict.INSUFFICIENT, f"{_share(gray)} bad; {_needed(missing, gray, terms)}"
    return PASS, f"{_share(gray)} bad"


def _is_shared(sides: tuple[Counts, Counts], objective: RatioObjective) -> bool:
    """Whether a shared outage goes on, as far as little can tell since the tests began anew."""
    allowed = objective.allowed
    return allowed is not None and all(side.bad > allowed * side.total for side in sides)


def _shared(gray: Counts, stable: Counts) -> str:
    return (
        f"stable breaches it too ({_share(stable)} bad, gray {_share(gray)}); "
        "not gray's fault, holding"
    )


def judge_gauge(state: SloState, objective: GaugeObjective, series: tuple[Series, ...]) -> SloState:
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
    return SloState(
        state.name,
        verdict,
        said,
        restarts=state.restarts,
        breaches=state.breaches if value is None else breaches,
        value=state.value if value is None else value,
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


def _is_whole(tick: Counts) -> bool:
    return 0 <= tick.bad <= tick.total


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
