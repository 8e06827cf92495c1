"""Increments of raw counters: each way a counter can move has its row."""

from datetime import timedelta
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.world import START

from faceblur_operator.core.counters import (
    LAG,
    Growth,
    Increment,
    Seen,
    Unsettled,
    Unusable,
    increment,
)
from faceblur_operator.core.snapshot import Labels, Series

A: Labels = (("pod", "a"),)
B: Labels = (("pod", "b"),)
OPTED = (("opted_in", "true"), ("pod", "a"))
SUM: Labels = ()
Values = dict[Labels, float]


def looked(seen: Seen | None, now: Values, at: float) -> tuple[Growth, Seen | None]:
    """Look at these values `at` seconds after the start."""
    series = tuple(Series(labels, value) for labels, value in now.items())
    return increment(seen, series, START + timedelta(seconds=at))


def watched(values: Values, *, seconds: float) -> Seen | None:
    """Return what has been seen after these values were read for so long, every five seconds."""
    seen: Seen | None = None
    for at in range(0, int(seconds) + 1, 5):
        _, seen = looked(seen, values, at - seconds)
    return seen


@pytest.mark.parametrize(
    ("before", "now", "want"),
    [
        pytest.param(None, {A: 100.0}, None, id="the first look is only a baseline"),
        pytest.param({A: 100.0}, {A: 107.0}, Increment(7, 7), id="a counter grows"),
        pytest.param({A: 100.0}, {A: 100.0}, Increment(0, 0), id="a scrape repeats"),
        pytest.param({A: 100.0}, {A: 3.0}, Increment(3, 3), id="a restart resets to zero"),
        pytest.param({A: 5.0}, {A: 5.0, B: 4.0}, Increment(4, 4), id="a new pod began at zero"),
        pytest.param({A: 5.0, B: 9.0}, {A: 6.0}, Increment(1, 1), id="a pod vanished"),
        pytest.param(
            {A: 5.0, B: 9.0}, {B: 9.0, A: 6.0}, Increment(1, 1), id="another order of the answer"
        ),
        pytest.param({SUM: 50.0}, {SUM: 20.0}, Increment(0, 0), id="a sum fell: nothing is known"),
        pytest.param(
            {A: 1.0}, {A: 1.0, SUM: 9.0}, Increment(0, 0), id="a sum that is new is a baseline"
        ),
        pytest.param(
            {A: 1.0, OPTED: 1.0}, {A: 3.0, OPTED: 6.0}, Increment(7, 2), id="opted in: not compared"
        ),
        pytest.param(
            {OPTED: 1.0}, {A: 2.0, OPTED: 6.0}, Increment(7, 2), id="opted in beside a new series"
        ),
    ],
)
def test_growth_of_what_was_watched_for_two_minutes(
    before: Values | None, now: Values, want: object
) -> None:
    seen = watched(before, seconds=120) if before is not None else None

    assert looked(seen, now, 1)[0] == want


@pytest.mark.parametrize(
    "value", [pytest.param(nan, id="NaN"), pytest.param(inf, id="Inf"), pytest.param(-1.0, id="-1")]
)
@pytest.mark.parametrize("before", [pytest.param(None, id="first"), pytest.param({A: 5.0}, id="")])
def test_a_value_that_is_no_counter_is_unusable_and_forgets_nothing(
    value: float, before: Values | None
) -> None:
    seen = watched(before, seconds=60) if before is not None else None

    found, after = looked(seen, {A: value}, 1)

    assert isinstance(found, Unusable)
    assert after == seen


def test_series_that_cannot_be_told_apart_are_unusable() -> None:
    _, seen = looked(None, {A: 1.0}, 0)

    found, _ = increment(seen, (Series(A, 2.0), Series(A, 3.0)), START)

    assert found == Unusable("several series have the same labels")


def test_a_pod_that_comes_back_is_not_counted_again() -> None:
    _, seen = looked(None, {A: 5.0, B: 9.0}, 0)
    _, seen = looked(seen, {A: 5.0}, 1)

    assert looked(seen, {A: 5.0, B: 10.0}, 2)[0] == Increment(1, 1)


def test_a_replica_that_lags_invents_no_events() -> None:
    """A goes on at 10 a second; every other answer comes from a replica 15 seconds behind."""
    seen = watched({A: 1000.0}, seconds=60)
    counted = 0.0
    for at in range(1, 41):
        value = 1000.0 + 10 * (at - 15 if at % 2 else at)
        found, seen = looked(seen, {A: max(value, 1000.0)}, at)
        counted += found.all if isinstance(found, Increment) else 0

    assert counted == 400


def test_a_replica_that_lags_from_the_second_look_on_invents_no_events() -> None:
    _, seen = looked(None, {A: 1000.0}, 0)
    behind, seen = looked(seen, {A: 950.0}, 5)

    assert (behind, looked(seen, {A: 1040.0}, 10)[0]) == (Unsettled(), Increment(40, 40))


def test_what_stays_below_longer_than_a_replica_lags_was_a_restart() -> None:
    _, seen = looked(None, {A: 30.0}, 0)
    lag = LAG.total_seconds()
    first, seen = looked(seen, {A: 4.0}, 5)
    second, seen = looked(seen, {A: 9.0}, 4 + lag)
    third, seen = looked(seen, {A: 12.0}, 5 + lag)

    assert (first, second, third) == (Unsettled(), Unsettled(), Increment(12, 12))
    assert looked(seen, {A: 14.0}, 6 + lag)[0] == Increment(2, 2)


def test_a_clock_that_jumps_back_does_not_prolong_the_wait() -> None:
    _, seen = looked(None, {A: 30.0}, 1000)
    _, seen = looked(seen, {A: 4.0}, 1005)
    _, seen = looked(seen, {A: 4.0}, 0)

    assert looked(seen, {A: 6.0}, LAG.total_seconds())[0] == Increment(6, 6)


def test_a_young_pod_that_restarts_is_told_from_a_replica_that_lags() -> None:
    """Its last value is no older than a replica may lag, so nothing is counted for a while."""
    seen = watched({A: 500.0}, seconds=60)
    _, seen = looked(seen, {A: 500.0, B: 40.0}, 1)

    found, seen = looked(seen, {A: 510.0, B: 2.0}, 2)

    assert found == Unsettled()
    assert looked(seen, {A: 600.0, B: 9.0}, 2 + LAG.total_seconds())[0] == Increment(109, 109)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.data())
def test_no_event_is_counted_twice_whatever_is_scraped(
    steps: list[int], data: st.DataObject
) -> None:
    """Scrapes may repeat or leave a pod out; in the end the sum is what the counter grew by."""
    value, seen, counted = 10.0, None, 0.0
    first = value
    found, seen = looked(seen, {A: value}, 0)
    assert found is None
    for at, step in enumerate(steps, 1):
        value += step
        if data.draw(st.booleans()):
            found, seen = looked(seen, {A: value, B: 0.0}, at * 5)
            assert isinstance(found, Increment)
            counted += found.all
    found, seen = looked(seen, {A: value}, 500)
    assert isinstance(found, Increment)
    counted += found.all

    assert counted == value - first


@given(st.lists(st.integers(0, 20), min_size=40, max_size=80), st.data())
def test_no_event_is_counted_twice_whichever_replica_answers(
    steps: list[int], data: st.DataObject
) -> None:
    """Each look may be at a replica up to 30 seconds behind; the last one is at the newest."""
    values = [10.0]
    for step in steps:
        values.append(values[-1] + step)
    seen, counted = None, 0.0
    for at in range(len(values)):
        behind = data.draw(st.integers(0, min(at, int(LAG.total_seconds()))))
        value = values[at if at + 1 == len(values) else at - behind]
        found, seen = looked(seen, {A: value}, at)
        counted += found.all if isinstance(found, Increment) else 0

    assert counted == values[-1] - values[0]
