"""Increments of raw counters: each way a counter can move has its row."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur_operator.core.counters import Increment, Labels, Seen, Unusable, increment
from faceblur_operator.core.snapshot import Series

A: Labels = (("pod", "a"),)
B: Labels = (("pod", "b"),)
OPTED = (("opted_in", "true"), ("pod", "a"))


@pytest.mark.parametrize(
    ("seen", "now", "want"),
    [
        pytest.param(None, {A: 100.0}, None, id="the first look is only a baseline"),
        pytest.param({A: 100.0}, {A: 107.0}, Increment(7, 7), id="a counter grows"),
        pytest.param({A: 100.0}, {A: 100.0}, Increment(0, 0), id="a scrape repeats"),
        pytest.param({A: 100.0}, {A: 3.0}, Increment(3, 3), id="a restart resets to zero"),
        pytest.param({A: 5.0}, {A: 5.0, B: 4.0}, Increment(4, 4), id="a new pod began at zero"),
        pytest.param({A: 5.0, B: 9.0}, {A: 6.0}, Increment(1, 1), id="a pod vanished"),
        pytest.param({(): 50.0}, {(): 20.0}, Increment(0, 0), id="a sum fell: nothing is known"),
        pytest.param({}, {(): 20.0}, Increment(0, 0), id="a sum that is new is a baseline"),
        pytest.param(
            {A: 1.0, OPTED: 1.0}, {A: 3.0, OPTED: 6.0}, Increment(7, 2), id="opted in: not compared"
        ),
    ],
)
def test_growth(
    seen: Seen | None, now: dict[tuple[tuple[str, str], ...], float], want: object
) -> None:
    found, _ = increment(seen, tuple(Series(labels, value) for labels, value in now.items()))

    assert found == want


@pytest.mark.parametrize(
    "value", [pytest.param(nan, id="NaN"), pytest.param(inf, id="Inf"), pytest.param(-1.0, id="-1")]
)
def test_a_value_that_is_no_counter_is_unusable_and_forgets_nothing(value: float) -> None:
    seen: Seen = {A: 5.0}

    found, after = increment(seen, (Series(A, value),))

    assert isinstance(found, Unusable)
    assert after == seen


def test_series_that_cannot_be_told_apart_are_unusable() -> None:
    found, _ = increment({A: 1.0}, (Series(A, 2.0), Series(A, 3.0)))

    assert found == Unusable("several series have the same labels")


def test_a_pod_that_comes_back_is_not_counted_again() -> None:
    _, seen = increment({A: 5.0, B: 9.0}, (Series(A, 5.0),))

    found, _ = increment(seen, (Series(A, 5.0), Series(B, 10.0)))

    assert found == Increment(1, 1)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.data())
def test_no_event_is_counted_twice_whatever_is_scraped(
    steps: list[int], data: st.DataObject
) -> None:
    """Scrapes may repeat or leave a pod out; in the end the sum is what the counter grew by."""
    value, seen, counted = 10.0, None, 0.0
    first = value
    found, seen = increment(seen, (Series(A, value),))
    assert found is None
    for step in steps:
        value += step
        if data.draw(st.booleans()):
            found, seen = increment(seen, (Series(A, value), Series(B, 0.0)))
            assert isinstance(found, Increment)
            counted += found.all
    found, seen = increment(seen, (Series(A, value),))
    assert isinstance(found, Increment)
    counted += found.all

    assert counted == value - first
