"""What one tick adds to an objective's evidence: events, and what they tell beside stable's."""

from datetime import datetime, timedelta

from faceblur_operator.core import evidence
from faceblur_operator.core.evidence import ZERO, Counts, made
from faceblur_operator.core.ledger import Tick
from faceblur_operator.core.plan import RatioObjective
from faceblur_operator.core.same_scrape import Pair
from faceblur_operator.core.state import ALL_COMPARED, SloState, Uncompared

# A single pod of stable's may have too little to be compared with: the next ones are waited for.
ENOUGH_READ = 5
# Between the scrapes of gray's pods and those of stable's.
LONGEST_APART = timedelta(seconds=60)


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


def _is_whole(tick: Counts) -> bool:
    return 0 <= tick.bad <= tick.total
