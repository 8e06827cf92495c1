"""Waiting ends when the claim holds, and says what was seen when it does not."""

from collections.abc import Callable, Iterator

import pytest
from tests.support.eventually import Patience, consistently, eventually

AT_ONCE = Patience("at once", 0.05)


def reading(*values: int) -> Callable[[], int]:
    left: Iterator[int] = iter(values)
    last = values[-1]
    return lambda: next(left, last)


def test_returns_the_first_value_that_holds() -> None:
    found = eventually(reading(1, 2, 3), lambda n: n > 1, within=AT_ONCE, what="two", every_s=0.001)

    assert found == 2


def test_looks_at_least_once() -> None:
    assert eventually(lambda: 7, bool, within=Patience("never", 0), what="it is") == 7


def test_says_what_was_wanted_and_seen() -> None:
    with pytest.raises(AssertionError) as caught:
        eventually(lambda: 1, lambda n: n > 1, within=AT_ONCE, what="it grows", every_s=0.01)

    assert str(caught.value) == "at once (0.05 s): not true that it grows; last seen: 1"


def test_stays_true() -> None:
    consistently(lambda: 1, bool, during=AT_ONCE, what="one", every_s=0.01)


def test_says_when_it_did_not_stay_true() -> None:
    with pytest.raises(AssertionError, match="it did not stay true that small; last seen: 9"):
        consistently(reading(1, 9), lambda n: n < 5, during=AT_ONCE, what="small", every_s=0.001)


def test_an_assertion_inside_the_claim_is_the_reason() -> None:
    def holds(number: int) -> bool:
        assert number > 5, "too small"
        return True

    with pytest.raises(AssertionError, match=r"last seen: 1 \(too small"):
        eventually(lambda: 1, holds, within=AT_ONCE, what="large", every_s=0.01)
