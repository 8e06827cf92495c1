"""The counters of all objectives at once, at the looks at which nothing about them is special.

`judge.count` goes query by query and knows every special case: a reset, a new series, one that is
gone, an answer that is missing. At nearly every look there is none of that. Then the series of all
queries are one row of numbers, and what they grew by is one subtraction of rows. Whatever does not
fit is left to `judge.count`; the result is the same, to the last bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from math import inf
from operator import attrgetter, itemgetter, sub
from typing import NamedTuple

from faceblur_operator.core.counters import Seen, Shape, marked
from faceblur_operator.core.evidence import made
from faceblur_operator.core.plan import Objective, RatioObjective
from faceblur_operator.core.queries import GRAY, STABLE, ratio_keys
from faceblur_operator.core.snapshot import Labels, Samples, Series

Looks = Mapping[str, Seen | None]
# Takes some numbers out of a row.
Taker = Callable[[list[float]], Sequence[float]]

LABELS, VALUES = attrgetter("labels"), attrgetter("values")


class Tick(NamedTuple):
    """Counts of one tick for one side: everything, and the comparable part."""

    total: float
    bad: float
    comparable_total: float
    comparable_bad: float


class Column(NamedTuple):
    """Where the series of one query are in the row, and how to take those that stand apart."""

    place: slice
    apart: Taker


class Columns(NamedTuple):
    """The columns of the bad and of all events, and whether the bad ones are the others."""

    bad: slice
    bad_apart: Taker
    total: slice
    total_apart: Taker
    bad_is_good: bool


@dataclass(frozen=True, slots=True)
class Page:
    """How the answers about a rollout are laid out, as long as that stays the same.

    Attributes:
        objectives: what they are about.
        keys: the queries in the row.
        places: which of them each is, and where its series are.
        silent: queries that had no series, so that gray is judged alone.
        shapes: what of each query stays the same.
        pick: takes the answers to these queries.
        labels: the series of each.
        entries: where gray's and stable's counters are, by objective; of stable's there are none
            when gray is judged alone.
        until: when a shape changes by itself.
    """

    objectives: tuple[Objective, ...]
    keys: tuple[str, ...]
    places: Mapping[str, tuple[int, slice]]
    pick: Callable[[Mapping[str, Sequence[Series]]], Sequence[Sequence[Series]]]
    silent: tuple[str, ...]
    shapes: tuple[Shape, ...]
    labels: tuple[tuple[Labels, ...], ...]
    entries: tuple[tuple[Columns, Columns | None], ...]
    until: datetime


class Ledger(Mapping[str, Seen | None]):
    """What has been seen of each query, as one row."""

    __slots__ = ("others", "page", "values_read")

    def __init__(self, page: Page, values_read: tuple[float, ...], others: Looks) -> None:
        """Take the row, and what has been seen of queries that are not in it."""
        self.page = page
        self.values_read = values_read
        self.others = others

    def __getitem__(self, key: str) -> Seen | None:
        """Return what has been seen of a query."""
        found = self.page.places.get(key)
        if found is None:
            return self.others[key]
        index, place = found
        return Seen(self.page.shapes[index], self.values_read[place])

    def __iter__(self) -> Iterator[str]:
        """Return the queries."""
        return chain(self.page.keys, self.others)

    def __len__(self) -> int:
        """Return how many queries there are."""
        return len(self.page.keys) + len(self.others)


# Of gray and of stable, for each objective that counts.
Ticks = Sequence[tuple[Tick, Tick | None]]


def counted(
    objectives: tuple[Objective, ...], samples: Samples, seen: Looks
) -> tuple[Ticks, Looks] | None:
    """Return the new events of every objective and what has been seen, None to count one by one."""
    ledger = seen if isinstance(seen, Ledger) else _opened(objectives, samples, seen)
    if ledger is None:
        return None
    page, series = ledger.page, samples.series
    if page.objectives is not objectives:
        return None
    try:
        found = page.pick(series)
        labels = tuple(map(LABELS, found))
    except (KeyError, AttributeError):
        # One is missing, or not in columns.
        return None
    if labels != page.labels or any(map(series.get, page.silent)):
        return None
    values = tuple(chain.from_iterable(map(VALUES, found)))
    grown = list(map(sub, values, ledger.values_read))
    if not sum(grown) < inf or min(grown) < 0.0:
        return None
    ticks = [
        (_tick(grown, gray), None if stable is None else _tick(grown, stable))
        for gray, stable in page.entries
    ]
    if samples.at >= page.until:
        page = _turned(page, values, samples.at)
    return ticks, Ledger(page, values, ledger.others)


def _tick(grown: list[float], columns: Columns) -> Tick:
    bads, bads_apart, totals, totals_apart, bad_is_good = columns
    bad, total = sum(grown[bads]), sum(grown[totals])
    comparable = total - sum(totals_apart(grown))
    # None of them fell, so where together they did not grow, none did.
    bad_comparable = bad - sum(bads_apart(grown)) if bad else 0.0
    if bad_is_good:
        bad, bad_comparable = total - bad, comparable - bad_comparable
    return made(Tick, (total, bad, comparable, bad_comparable))


def _opened(objectives: tuple[Objective, ...], samples: Samples, seen: Looks) -> Ledger | None:
    """Return what has been seen as one row, if all of it fits into one."""
    sides = [
        (one, _is_alone(one, samples)) for one in objectives if isinstance(one, RatioObjective)
    ]
    row: list[str] = []
    silent: list[str] = []
    for one, is_alone in sides:
        row += ratio_keys(one.name, GRAY)
        (silent if is_alone else row).extend(ratio_keys(one.name, STABLE))
    if not row or any(map(seen.get, silent)):
        return None
    shapes: list[Shape] = []
    columns: dict[str, Column] = {}
    values: list[float] = []
    for key in row:
        known = seen.get(key)
        if known is None or known.fallen_at is not None:
            return None
        start = len(values)
        values += known.values
        shapes.append(known.shape)
        apart = _taker([start + index for index in known.shape.apart])
        columns[key] = Column(slice(start, len(values)), apart)
    page = Page(
        objectives,
        tuple(row),
        {key: (index, columns[key].place) for index, key in enumerate(row)},
        itemgetter(*row),
        tuple(silent),
        tuple(shapes),
        tuple(shape.labels for shape in shapes),
        tuple(
            (_columns(columns, one, GRAY), None if is_alone else _columns(columns, one, STABLE))
            for one, is_alone in sides
        ),
        min(shape.marks_at for shape in shapes),
    )
    return Ledger(page, tuple(values), {key: seen[key] for key in seen if key not in columns})


def _is_alone(objective: RatioObjective, samples: Samples) -> bool:
    """Whether gray is judged without stable, of which there is nothing."""
    is_silent = not any(map(samples.series.get, ratio_keys(objective.name, STABLE)))
    return objective.max_ratio is None and is_silent


def _taker(places: Sequence[int]) -> Taker:
    """Return what takes the numbers at these places out of a row."""
    if len(places) > 1:
        return itemgetter(*places)
    # A slice of one, or of none: an index alone would give a number.
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))


def _columns(columns: Mapping[str, Column], objective: RatioObjective, side: str) -> Columns:
    bad, total = ratio_keys(objective.name, side)
    return Columns(*columns[bad], *columns[total], objective.bad_is_good)


def _turned(page: Page, values: tuple[float, ...], at: datetime) -> Page:
    """Return the page with these values as the mark, where the time of the last one is over."""
    shapes: list[Shape] = []
    start = 0
    for shape in page.shapes:
        end = start + len(shape.labels)
        now = dict(zip(shape.labels, values[start:end], strict=True))
        start = end
        is_over = at >= shape.marks_at
        shapes.append(marked(shape, now, at) if is_over else shape)
    return replace(page, shapes=tuple(shapes), until=min(one.marks_at for one in shapes))
