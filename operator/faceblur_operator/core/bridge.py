"""What came while no process looked: Prometheus itself remembers where counting stopped.

A stored status tells the moment of the last answer that was counted, by Prometheus' own clock, and
a fingerprint of the counters in it. A process that starts asks for the same counters as of that
moment. If they are the same to the last bit, it counts from them, as the process before it would
have; else from its first look on. See docs/design/state.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from math import isfinite

from faceblur_operator.core.counters import Seen, increment
from faceblur_operator.core.ledger import Looks
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.plan import Plan, RatioObjective
from faceblur_operator.core.queries import GRAY, STABLE, ratio_keys
from faceblur_operator.core.snapshot import Labels, NoSamples, Samples, Series
from faceblur_operator.core.state import Reading, State

# A sum over pods that vanish grows too little, and nobody can tell: each pod has to stand alone.
OF_ONE_POD = frozenset({"pod", "instance"})

Values = Mapping[Labels, float]


def wanted(memory: Memory) -> datetime | None:
    """Return the moment about which Prometheus is asked besides now, until it has answered."""
    state, awake_since = memory.settled, memory.awake_since
    read, sampled_at = state.read, state.sampled_at
    if read is None or not read.print or sampled_at is None or awake_since is None:
        return None
    return read.at if sampled_at < awake_since else None


def stored(plan: Plan, read: Reading | None, seen: Looks) -> Reading | None:
    """Return a reading with what a later process needs to go on from it."""
    if read is None or read.print:
        return read

    def counted(key: str) -> Values:
        known = seen.get(key)
        return {} if known is None else dict(zip(known.shape.labels, known.values, strict=True))

    of_gray = [seen.get(key) for one in _ratios(plan) for key in ratio_keys(one.name, GRAY)]
    is_whole = not any(known.shape.gone for known in of_gray if known is not None)
    return Reading(read.at, _print(plan, counted), is_whole)


def bridged(plan: Plan, state: State, samples: Samples | NoSamples) -> dict[str, Seen | None]:
    """Return what the process before this one had seen last, empty if that is not certain."""
    read = state.read
    if read is None or not read.print or isinstance(samples, NoSamples) or samples.past is None:
        return {}
    past = samples.past
    if past.read_at != read.at or not _was_warm(plan, state):
        return {}
    if _print(plan, lambda key: _values(past.series.get(key, ()))) != read.print:
        return {}
    found: dict[str, Seen | None] = {}
    for one in _ratios(plan):
        found |= _bridged(one, read, samples, past)
    return found


def _bridged(
    objective: RatioObjective, read: Reading, samples: Samples, past: Samples
) -> dict[str, Seen | None]:
    """Return where counting goes on for one objective: for all of its queries or for none."""
    if objective.unacceptable is None:
        # It is only compared, and of what came unwatched nobody can tell what came first.
        return {}
    found: dict[str, Seen | None] = {}
    for side in (GRAY, STABLE):
        for key in ratio_keys(objective.name, side):
            before, now = past.series.get(key, ()), samples.series.get(key, ())
            if side == STABLE and not before and not now:
                continue
            base = _base(before, now, side, read)
            if base is None:
                return {}
            _, found[key] = increment(None, base, samples.at)
    return found


def _base(
    before: Sequence[Series], now: Sequence[Series], side: str, read: Reading
) -> Sequence[Series] | None:
    """Return what the growth until now is counted from, None when it cannot be told."""
    old, new = _values(before), _values(now)
    if not old or not new or len(new) != len(now):
        return None
    for labels, value in new.items():
        is_of_one = any(name in OF_ONE_POD for name, _ in labels)
        # Of one that was reset only the last part is left, and that may be its better part.
        if not is_of_one or not isfinite(value) or value < old.get(labels, 0.0):
            return None
    appeared = [labels for labels in new if labels not in old]
    if side == GRAY:
        # The same of a pod that is gone. One that is new may have been counted before, if any was
        # missing then.
        is_told = old.keys() <= new.keys() and (read.is_whole or not appeared)
        return before if is_told else None
    return (*before, *(Series(labels, new[labels]) for labels in appeared))


def _was_warm(plan: Plan, state: State) -> bool:
    """Whether events were counted already at the look that was stored."""
    began, last = state.traffic_since, state.sampled_at
    return began is not None and last is not None and last - began >= plan.warmup


def _ratios(plan: Plan) -> Iterator[RatioObjective]:
    return (one for one in plan.objectives if isinstance(one, RatioObjective))


def _values(series: Sequence[Series]) -> Values:
    return {one.labels: one.value for one in series}


def _print(plan: Plan, values_of: Callable[[str], Values]) -> str:
    """Return a fingerprint of all counters, empty when there is none."""
    read = [
        (key, sorted(values.items()))
        for one in _ratios(plan)
        for side in (GRAY, STABLE)
        for key in ratio_keys(one.name, side)
        if (values := values_of(key))
    ]
    return blake2b(repr(read).encode(), digest_size=8).hexdigest() if read else ""
