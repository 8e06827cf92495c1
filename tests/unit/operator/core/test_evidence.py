"""The sequential tests: exact values by hand, their bounds, and what they never do."""

from itertools import pairwise
from math import comb, exp, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur_operator.core.evidence import (
    GOOD_SHARES,
    RATIO_STEPS,
    ZERO,
    Counts,
    log_better_than,
    log_versus,
    log_worse_than,
    missing_events,
    versus_add,
    versus_start,
)

rates = st.floats(0.0005, 0.5)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(log_worse_than(0.01, ZERO), id="worse than the objective"),
        pytest.param(log_better_than(0.05, ZERO), id="better than unacceptable"),
        pytest.param(log_versus(versus_start()), id="worse than stable"),
    ],
)
def test_no_events_are_no_evidence(start: float) -> None:
    assert start == pytest.approx(0)


def test_better_than_is_the_mean_of_its_likelihood_ratios() -> None:
    counts = Counts(10, 1)

    wanted = sum(
        (share * 0.1 / 0.1) * ((1 - share * 0.1) / 0.9) ** 9 for share in GOOD_SHARES
    ) / len(GOOD_SHARES)

    assert exp(log_better_than(0.1, counts)) == pytest.approx(wanted)


def test_versus_with_a_margin_is_the_mean_over_its_ratios() -> None:
    gray, stable = Counts(10, 2), Counts(30, 1)

    found = versus_add(versus_start(), max_ratio=1.5, gray=gray, stable=stable)

    wanted = sum(psi**2 * (1.125 / (0.75 + 0.375 * psi)) ** 3 for psi in RATIO_STEPS)
    assert exp(log_versus(found)) == pytest.approx(wanted / len(RATIO_STEPS))


def test_versus_without_a_margin_is_exact() -> None:
    """Of 40 requests 3 are bad: by chance gray's part is hypergeometric."""
    found = versus_add(versus_start(), max_ratio=1.0, gray=Counts(10, 2), stable=Counts(30, 1))

    chances = [comb(10, x) * comb(30, 3 - x) / comb(40, 3) for x in range(4)]
    wanted = sum(
        psi**2 / sum(chance * psi**x for x, chance in enumerate(chances)) for psi in RATIO_STEPS
    )
    assert exp(log_versus(found)) == pytest.approx(wanted / len(RATIO_STEPS))


@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_versus_is_worth_one_on_average_whatever_both_suffer(
    gray: int, stable: int, data: st.DataObject
) -> None:
    """Over all ways in which the bad events may fall: the mean of E is 1, so no bet pays."""
    bad = data.draw(st.integers(1, gray + stable))
    mean = 0.0
    for x in range(max(0, bad - stable), min(gray, bad) + 1):
        found = versus_add(
            versus_start(), max_ratio=1.0, gray=Counts(gray, x), stable=Counts(stable, bad - x)
        )
        ways = comb(gray, x) * comb(stable, bad - x) / comb(gray + stable, bad)
        mean += ways * exp(log_versus(found))

    assert mean == pytest.approx(1)


def test_counts_that_are_not_whole_are_compared_less_sharply_never_more() -> None:
    exact = versus_add(versus_start(), max_ratio=1.0, gray=Counts(90, 40), stable=Counts(90, 24))
    rough = versus_add(
        versus_start(), max_ratio=1.0, gray=Counts(90.5, 40), stable=Counts(90.5, 24)
    )

    assert log_versus(rough) < log_versus(exact)


@given(rates, st.integers(0, 500), st.integers(0, 20))
def test_a_bad_event_never_speaks_for_a_version(rate: float, good: int, bad: int) -> None:
    counts, worse = Counts(good + bad, bad), Counts(good + bad + 1, bad + 1)

    assert log_worse_than(rate, worse) >= log_worse_than(rate, counts)
    assert log_better_than(rate, worse) <= log_better_than(rate, counts)


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_same_share_on_both_sides_never_shows_gray_worse(bad: int, ticks: int) -> None:
    one = Counts(100, bad)
    accumulators = versus_start()

    for _ in range(ticks):
        accumulators = versus_add(accumulators, max_ratio=1.0, gray=one, stable=one)

    assert log_versus(accumulators) <= 1e-9


@pytest.mark.parametrize("share", [pytest.param(s, id=f"{s:.1%} bad") for s in (0.002, 0.05, 0.3)])
def test_false_alarms_stay_under_alpha_at_the_boundary(share: float) -> None:
    """At exactly the allowed share, looking after each of 300 ticks: at most α (5 %) cross 1/α."""
    chance = Random(7)
    runs, alpha = 1_000, 0.05

    alarms = sum(_crosses(chance, share, log(1 / alpha)) for _ in range(runs))

    # 1,000 runs: three standard deviations above α are 7.1 %.
    assert alarms / runs <= 0.071


def _crosses(chance: Random, share: float, limit: float) -> bool:
    counts = ZERO
    for _ in range(60):
        bad = sum(chance.random() < share for _ in range(10))
        counts = counts + Counts(10, bad)
        if log_worse_than(share, counts) >= limit:
            return True
    return False


def test_bad_promotions_stay_under_beta_at_the_boundary() -> None:
    """A version exactly as bad as unacceptable passes the gate in at most β of the runs."""
    chance = Random(11)
    runs, beta, unacceptable = 1_000, 0.05, 0.1
    passed = 0

    for _ in range(runs):
        counts = ZERO
        for _ in range(60):
            bad = sum(chance.random() < unacceptable for _ in range(10))
            counts = counts + Counts(10, bad)
            if log_better_than(unacceptable, counts) >= log(1 / beta):
                passed += 1
                break

    assert passed / runs <= 0.071


def test_missing_events_are_enough_when_they_are_good() -> None:
    wanted = log(100)
    missing = missing_events(0.03, Counts(50, 0), wanted_log=wanted)

    assert missing is not None
    assert missing > 0
    assert log_better_than(0.03, Counts(50 + missing, 0)) >= wanted


def test_missing_events_fall_as_events_arrive_and_end_at_zero() -> None:
    left = [missing_events(0.05, Counts(n, 0), wanted_log=log(100)) or 0 for n in range(0, 300, 20)]

    assert all(later <= earlier for earlier, later in pairwise(left))
    assert left[-1] == 0


def test_a_share_as_bad_as_unacceptable_can_never_pass() -> None:
    assert missing_events(0.05, Counts(1000, 50), wanted_log=log(100)) is None


def test_an_objective_of_a_hundred_percent_is_broken_by_one_event_not_by_a_crash() -> None:
    assert log_worse_than(0.0, Counts(10, 1)) > log(1000)
    assert log_worse_than(0.0, Counts(10, 0)) <= 0
