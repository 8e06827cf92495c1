"""Increments of raw counters, series by series, from one look to the next.

No rate and no extrapolation: a reset, a new pod, a vanished pod and a repeated scrape each have
their own rule, so that no event is counted twice and none is invented.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from faceblur_operator.core.snapshot import Series

Labels = tuple[tuple[str, str], ...]
OPTED_IN = ("opted_in", "true")


@dataclass(frozen=True, slots=True)
class Increment:
    """What a query's counters grew by.

    Attributes:
        all: over every series.
        comparable: without the series of people who opted in; they are not a random sample.
    """

    all: float
    comparable: float


@dataclass(frozen=True, slots=True)
class Unusable:
    """The samples cannot be counted; says why."""

    why: str


Seen = Mapping[Labels, float]


def increment(
    seen: Seen | None, series: tuple[Series, ...]
) -> tuple[Increment | Unusable | None, Seen | None]:
    """Return the growth since `seen` and what has been seen now.

    Args:
        seen: last value per series of the same query; None before the first look.
        series: the series now.

    Returns:
        The growth (None on the first look, which is only a baseline; `Unusable` for a value that
        is no counter) and the values to give to the next call. Series that vanished keep their
        last value, so that one which comes back is not counted again.
    """
    for one in series:
        if not isfinite(one.value) or one.value < 0:
            return Unusable(f"a counter reads {one.value}: {_describe(one.labels)}"), seen
    now = {one.labels: one.value for one in series}
    if len(now) != len(series):
        return Unusable("several series have the same labels"), seen
    if seen is None:
        return None, now
    grown = {labels: _grown(seen.get(labels), value, labels) for labels, value in now.items()}
    comparable = sum(value for labels, value in grown.items() if OPTED_IN not in labels)
    return Increment(sum(grown.values()), comparable), {**seen, **now}


def _grown(before: float | None, now: float, labels: Labels) -> float:
    """Return how much one series grew.

    A series that is new began at zero after the last look. One that fell was reset by a restart
    and began at zero too; but a sum over pods (no labels left) also falls when a pod goes away,
    and then nothing can be told, so nothing is counted.
    """
    if before is None:
        return now if labels else 0.0
    if now >= before:
        return now - before
    return now if labels else 0.0


def _describe(labels: Labels) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"
