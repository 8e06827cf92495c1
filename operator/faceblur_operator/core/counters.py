"""Increments of raw counters, series by series, from one look to the next.

No rate and no extrapolation: a reset, a new pod, a vanished pod, a repeated scrape and a replica
of Prometheus that lags behind each have their own rule, so that no event is counted twice and none
is invented.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf, isfinite
from operator import attrgetter, sub
from typing import NamedTuple

from faceblur_operator.core.snapshot import Labels, Series

OPTED_IN = ("opted_in", "true")
# Replicas of Prometheus scrape by themselves: one may be behind another by a scrape interval. A
# counter that falls no deeper than this long ago may have been read from one that is behind.
LAG = timedelta(seconds=30)
LABELS, VALUE = attrgetter("labels"), attrgetter("value")


class Increment(NamedTuple):
    """What a query's counters grew by.

    Attributes:
        all: over every series.
        comparable: without the series of people who opted in; they are not a random sample.
    """

    all: float
    comparable: float


NO_GROWTH = Increment(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Unusable:
    """The samples cannot be counted; says why."""

    why: str


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A counter reads less than before: a restart, or a replica that lags. The next looks tell."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a query's series stays the same from look to look.

    Attributes:
        labels: the series, in the order of the answer.
        apart: where the series of people who opted in are.
        gone: last values of series that vanished.
        floor: values of at least `LAG` ago; what falls below these was reset.
        mark: values that will be the floor next.
        marks_at: when it will.
    """

    labels: tuple[Labels, ...]
    apart: tuple[int, ...]
    gone: Mapping[Labels, float]
    floor: Mapping[Labels, float]
    mark: Mapping[Labels, float]
    marks_at: datetime


class Seen(NamedTuple):
    """What the series of one query read at the last look that was counted.

    Attributes:
        values: one for each of the shape's labels.
        fallen_at: when a counter first read less than that; None while none does.
    """

    shape: Shape
    values: tuple[float, ...]
    fallen_at: datetime | None = None

    def by_labels(self) -> dict[Labels, float]:
        """Return the last value of every series, also of those that vanished."""
        return {**self.shape.gone, **dict(zip(self.shape.labels, self.values, strict=True))}


Growth = Increment | Unusable | Unsettled | None


def increment(
    seen: Seen | None, series: Sequence[Series], at: datetime
) -> tuple[Growth, Seen | None]:
    """Return the growth since `seen` and what has been seen now.

    Args:
        seen: what was seen of the same query; None before the first look.
        series: the series now.
        at: when they were asked for.

    Returns:
        The growth (None on the first look, which is only a baseline; `Unusable` for a value that
        is no counter; `Unsettled` while a fall cannot be explained yet) and what to give to the
        next call. Series that vanished keep their last value, so that one which comes back is not
        counted again. While nothing can be counted, the baseline stays: nothing is lost.
    """
    if seen is None or at >= seen.shape.marks_at:
        return _increment(seen, series, at)
    # Nearly every look: the same series in the same order, none of which fell.
    shape, before = seen.shape, seen.values
    if tuple(map(LABELS, series)) != shape.labels:
        return _increment(seen, series, at)
    values = tuple(map(VALUE, series))
    if values == before and seen.fallen_at is None:
        return NO_GROWTH, seen
    grown = list(map(sub, values, before))
    total = sum(grown)
    if not total < inf or min(grown) < 0.0:
        return _increment(seen, series, at)
    apart = sum([grown[index] for index in shape.apart])
    return Increment(total, total - apart), Seen(shape, values)


def _increment(
    seen: Seen | None, series: Sequence[Series], at: datetime
) -> tuple[Growth, Seen | None]:
    for one in series:
        if not isfinite(one.value) or one.value < 0:
            return Unusable(f"a counter reads {one.value}: {_describe(one.labels)}"), seen
    now = {one.labels: one.value for one in series}
    if len(now) != len(series):
        return Unusable("several series have the same labels"), seen
    if seen is None:
        return None, Seen(_shape(now, {}, {}, now, at), tuple(now.values()))
    before, shape = seen.by_labels(), seen.shape
    fallen = [labels for labels, value in now.items() if value < before.get(labels, 0.0)]
    if any(now[labels] >= shape.floor.get(labels, 0.0) for labels in fallen):
        since = seen.fallen_at or at
        if at - since < LAG:
            return Unsettled(), seen._replace(fallen_at=min(since, at))
    grown = {labels: _grown(before.get(labels), value, labels) for labels, value in now.items()}
    total = sum(grown.values())
    apart = sum(value for labels, value in grown.items() if OPTED_IN in labels)
    gone = {labels: value for labels, value in before.items() if labels not in now}
    if at < shape.marks_at and not fallen:
        fresh = _shape(now, gone, shape.floor, shape.mark, shape.marks_at - LAG)
    else:
        # Below what was reset just now, nothing is known yet.
        floor = {} if fallen else shape.mark
        fresh = _shape(now, gone, floor, now, at)
    return Increment(total, total - apart), Seen(fresh, tuple(now.values()))


def _shape(
    now: Mapping[Labels, float],
    gone: Mapping[Labels, float],
    floor: Mapping[Labels, float],
    mark: Mapping[Labels, float],
    marked_at: datetime,
) -> Shape:
    labels = tuple(now)
    apart = tuple(index for index, one in enumerate(labels) if OPTED_IN in one)
    return Shape(labels, apart, gone, floor, mark, marked_at + LAG)


def marked(shape: Shape, now: Mapping[Labels, float], at: datetime) -> Shape:
    """Return the shape whose mark is over, of series that go on: these values are the next one."""
    return Shape(shape.labels, shape.apart, shape.gone, shape.mark, now, at + LAG)


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
