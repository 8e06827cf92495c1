"""Counting all objectives at once is the same as counting one by one, to the last bit."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from tests.support.builders import a_gauge, a_ratio

from faceblur_operator.core.judge import Blind, Held, Tick, count
from faceblur_operator.core.ledger import Ledger, Looks, counted
from faceblur_operator.core.plan import Objective, RatioObjective
from faceblur_operator.core.queries import GRAY, STABLE, gauge_key, ratio_keys
from faceblur_operator.core.snapshot import Samples, Vector

START = datetime(2026, 1, 1, tzinfo=UTC)
OBJECTIVES: tuple[Objective, ...] = (
    a_ratio("success", allowed=0.01),
    a_ratio("latency", bad_is_good=True),
    a_ratio("alone", is_of_gray=True),
    a_ratio("no-worse", max_ratio=1.5),
    a_gauge("memory"),
)
ONE = OBJECTIVES[:1]
SILENT = frozenset(ratio_keys("alone", STABLE))
LABELS = tuple(
    (("opted_in", told), ("pod", f"pod-{n}")) for n in range(3) for told in ("no", "true")
)
Answers = dict[str, dict[int, float]]


def one_by_one(
    objectives: tuple[Objective, ...], samples: Samples, seen: Looks
) -> tuple[list[tuple[Tick, Tick | None]] | None, Looks]:
    """Count query by query; no ticks where any objective is not simply counted."""
    after, ticks, is_plain = dict(seen), [], True
    for one in objectives:
        if not isinstance(one, RatioObjective):
            continue
        gray, found = count(one, GRAY, samples, seen)
        stable, found_stable = count(one, STABLE, samples, seen)
        if isinstance(stable, Blind) and one.is_of_gray:
            found_stable, stable = dict.fromkeys(ratio_keys(one.name, STABLE)), None
        after |= {**found, **found_stable}
        is_plain &= isinstance(gray, Tick) and not isinstance(stable, Blind | Held)
        if isinstance(gray, Tick) and (stable is None or isinstance(stable, Tick)):
            ticks.append((gray, stable))
    return ticks if is_plain else None, after


def answer(values: Answers, at: float) -> Samples:
    series = {
        key: Vector(tuple(LABELS[index] for index in read), tuple(read.values()))
        for key, read in values.items()
    }
    memory = {gauge_key("memory"): Vector(((),), (0.5,))}
    return Samples(
        START + timedelta(seconds=at), {**series, **dict.fromkeys(SILENT, Vector((), ())), **memory}
    )


def grown(values: Answers, chance: Random) -> Answers:
    """Return what is read next: mostly more, at times of a series that fell, is new or is gone."""
    fresh = {}
    for key, read in values.items():
        now = {index: value + chance.choice((0, 0, 1, 7, 0.1)) for index, value in read.items()}
        event = chance.random()
        index = chance.randrange(len(LABELS))
        if event < 0.01:
            now[index] = 0.0
        elif event < 0.02 and len(now) > 1:
            now.pop(index, None)
        elif event < 0.023:
            now[index] = float("nan")
        fresh[key] = now
    return fresh


@pytest.mark.parametrize("seed", range(30))
def test_all_at_once_is_the_same_as_one_by_one(seed: int) -> None:
    chance = Random(seed)
    keys = [
        key
        for one in OBJECTIVES
        if isinstance(one, RatioObjective)
        for side in (GRAY, STABLE)
        for key in ratio_keys(one.name, side)
        if key not in SILENT
    ]
    values: Answers = {key: dict.fromkeys(range(4), 0.3) for key in keys}
    seen: Looks = {}
    at, quick = 0.0, 0

    for _ in range(120):
        at += chance.choice((1, 1, 5, 17))
        values = grown(values, chance)
        samples = answer(values, at)
        want_ticks, want_seen = one_by_one(OBJECTIVES, samples, dict(seen))
        found = counted(OBJECTIVES, samples, seen)
        if found is not None:
            quick += 1
            assert (list(found[0]), dict(found[1])) == (want_ticks, want_seen)
        seen = want_seen if found is None else found[1]
        if any(value != value for read in values.values() for value in read.values()):
            values = {key: dict.fromkeys(read, 1000000.0) for key, read in values.items()}

    assert quick > 20


def lasting(**changes: Mapping[int, float]) -> tuple[Samples, Looks]:
    """Return an answer, and what has been seen before it, of one objective."""
    bad, total = ratio_keys("success", GRAY)
    stable_bad, stable_total = ratio_keys("success", STABLE)
    keys = {"bad": bad, "total": total, "stable_bad": stable_bad, "stable_total": stable_total}
    values: Answers = {key: {0: 5.0, 1: 5.0} for key in keys.values()}
    seen: Looks = {}
    for at in range(2):
        samples = answer(values, at)
        found = counted(ONE, samples, seen)
        seen = one_by_one(ONE, samples, seen)[1] if found is None else found[1]
    assert isinstance(seen, Ledger)
    values |= {keys[name]: dict(read) for name, read in changes.items()}
    return answer(values, 2), seen


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        pytest.param({}, True, id="nothing new is counted at once"),
        pytest.param({"bad": {0: 5.0, 1: 4.0}}, False, id="a counter that fell is not"),
        pytest.param({"bad": {0: 5.0}}, False, id="a series that is gone is not"),
        pytest.param({"bad": {}}, False, id="a query without any series is not"),
        pytest.param({"bad": {0: 5.0, 2: 5.0}}, False, id="a series that is new is not"),
        pytest.param({"bad": {0: 5.0, 1: float("inf")}}, False, id="what is no counter is not"),
    ],
)
def test_only_what_is_not_special_is_counted_at_once(
    changes: dict[str, dict[int, float]], want: bool
) -> None:
    samples, seen = lasting(**changes)

    assert (counted(ONE, samples, seen) is not None) is want


def test_other_objectives_or_queries_are_not_counted_at_once() -> None:
    samples, seen = lasting()

    assert counted((a_ratio("success", allowed=0.02),), samples, seen) is None
    assert counted(ONE, Samples(samples.at, {}), seen) is None


def test_series_that_are_not_in_columns_are_not_counted_at_once() -> None:
    samples, seen = lasting()
    rows = {key: tuple(found) for key, found in samples.series.items()}

    assert counted(ONE, Samples(samples.at, rows), seen) is None


def test_a_row_tells_what_was_seen_of_each_query() -> None:
    _, seen = lasting()
    bad, _ = ratio_keys("success", GRAY)

    assert (len(seen), sorted(seen)) == (4, sorted(dict(seen)))
    assert (seen.get("nothing"), seen[bad]) == (None, dict(seen)[bad])
