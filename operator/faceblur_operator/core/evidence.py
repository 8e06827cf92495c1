"""Sequential tests on counts: each may be looked at after every tick without losing its bound.

An e-process E starts at 1 and is, under its null hypothesis, a non-negative martingale, so the
probability that it ever reaches 1/a is at most a (Ville's inequality). All are mixtures over a
small grid of alternatives and are returned as natural logarithms.

Sources: Waudby-Smith & Ramdas (betting on bounded means), Lindon & Malek (arXiv 2011.03567) for
the conditional two-sample form; see docs/design/evidence.md for the derivation and the grids.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import exp, lgamma, log, log1p
from typing import NamedTuple

WORSE_STEPS = 8
GOOD_SHARES = (0.02, 0.1, 0.25, 0.5, 0.75)
RATIO_STEPS = (1.5, 2.0, 4.0, 8.0, 32.0, 128.0)
SMALLEST_RATE = 1e-6
ROUNDS = 30
LARGEST_RATE = 0.95
# Objectives of all rollouts share their factors; there are as many as different bounds.
KEPT_FACTORS = 1024

# More than what rounding moves a logarithm by.
SLACK = 1e-3
# A tick with more bad events than this is compared by the binomial formula: as valid, less sharp.
MOST_EXACT = 64

# Makes a named tuple of a tuple, without the function in Python that its constructor is. Twice as
# fast; only for what is made for each objective at each look.
made = tuple.__new__

# What one bad and one good event add to the logarithm of a likelihood ratio.
Factors = tuple[tuple[float, float], ...]


class Counts(NamedTuple):
    """Events seen and how many of them were bad; `0 <= bad <= total`.

    Like all that is made anew for each objective at each look, a named tuple: a frozen dataclass
    takes several times as long to make.
    """

    total: float
    bad: float

    # Tuples are joined, counts are added.
    def __add__(self, other: "Counts") -> "Counts":  # type: ignore[override]
        """Return the sum of both."""
        return Counts(self.total + other.total, self.bad + other.bad)


ZERO = Counts(0.0, 0.0)


def log_worse_than(allowed: float, counts: Counts) -> float:
    """Return log E against "the true share of bad events is at most `allowed`" (0..1)."""
    return _log_ratio(_worse_factors(allowed), counts.total, counts.bad)


def log_better_than(unacceptable: float, counts: Counts) -> float:
    """Return log E against "the true share of bad events is at least `unacceptable`" (0..1)."""
    return _log_ratio(_better_factors(unacceptable), counts.total, counts.bad)


def versus_start() -> tuple[float, ...]:
    """Return the accumulators of the comparison with stable before any event."""
    return (0.0,) * len(RATIO_STEPS)


def versus_add(
    accumulators: Sequence[float], *, max_ratio: float, gray: Counts, stable: Counts
) -> tuple[float, ...]:
    """Add one tick to the comparison; only the counts of this tick, not the sums, belong here.

    Conditional on the number m of bad events of both, how many of them are gray's depends on the
    traffic split alone, whatever the shared base rate does: hypergeometric where the shares are
    equal, and never more spread than binomial. With a margin (`max_ratio` above 1) the binomial
    form is used, which is exact for rare events.
    """
    together = gray.total + stable.total
    bad = gray.bad + stable.bad
    if together <= 0 or bad <= 0:
        return tuple(accumulators)
    if max_ratio == 1.0 and bad <= MOST_EXACT and _are_whole(gray, stable):
        norms = _exact_norms(int(gray.total), int(stable.total), int(bad))
    else:
        r = gray.total / together
        norms = [
            bad * log((1 - r + r * max_ratio * step) / (1 - r + r * max_ratio))
            for step in RATIO_STEPS
        ]
    return tuple(
        value + gray.bad * log(step) - norm
        for value, step, norm in zip(accumulators, RATIO_STEPS, norms, strict=True)
    )


def _are_whole(gray: Counts, stable: Counts) -> bool:
    return all(one == int(one) for one in (gray.total, gray.bad, stable.total, stable.bad))


def _exact_norms(gray: int, stable: int, bad: int) -> list[float]:
    """Return log of the mean of step^x, x being gray's part of the bad events by chance alone."""
    all_ways = _log_ways(gray + stable, bad)
    chances = [
        (x, _log_ways(gray, x) + _log_ways(stable, bad - x) - all_ways)
        for x in range(max(0, bad - stable), min(gray, bad) + 1)
    ]
    return [_log_sum([chance + x * log(step) for x, chance in chances]) for step in RATIO_STEPS]


def _log_ways(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def log_versus(accumulators: Sequence[float]) -> float:
    """Return log E against "gray's rate of bad events is at most `max_ratio` times stable's"."""
    return _log_mean(accumulators)


def all_reach(comparisons: Iterable[Sequence[float]], limit: float) -> bool:
    """Whether log E of each of these comparisons is at least `limit`.

    A mean is never above its largest part, so mostly that part tells.
    """
    return all(max(one) >= limit - SLACK and log_versus(one) >= limit for one in comparisons)


def missing_events(unacceptable: float, counts: Counts, *, wanted_log: float) -> float | None:
    """Return about how many more events `log_better_than` needs at the present share of bad ones.

    Returns:
        0 when the evidence is there; None when it would never be at this share.
    """
    factors = _better_factors(unacceptable)
    total, bad = counts
    good, parts = total - bad, log(len(factors))
    # The mean is at least any one part shared by all, so mostly one part tells.
    for on_bad, on_good in factors:
        if bad * on_bad + good * on_good - parts >= wanted_log:
            return 0.0
    short = wanted_log - _log_ratio(factors, total, bad)
    if short <= 0:
        return 0.0
    share = counts.bad / counts.total if counts.total else 0.0
    growth = max(share * bad + (1 - share) * good for bad, good in factors)
    if growth <= 0:
        return None
    more = 0.0
    for _ in range(ROUNDS):
        # No alternative grows faster than the best one, so this never goes past the answer.
        more += max(short / growth, 1.0)
        short = wanted_log - _log_ratio(factors, counts.total + more, counts.bad + share * more)
        if short <= 0:
            break
    return more


@lru_cache(KEPT_FACTORS)
def _worse_factors(allowed: float) -> Factors:
    p0 = min(max(allowed, SMALLEST_RATE), LARGEST_RATE - 0.01)
    return tuple(_factor(q, p0) for q in _rates_above(p0))


@lru_cache(KEPT_FACTORS)
def _better_factors(unacceptable: float) -> Factors:
    return tuple(_factor(share * unacceptable, unacceptable) for share in GOOD_SHARES)


def _rates_above(p0: float) -> list[float]:
    """Return rates from 1.5 p0 to the largest, evenly spaced in log odds."""
    first = min(1.5 * p0, (p0 + LARGEST_RATE) / 2)
    low, high = _log_odds(first), _log_odds(LARGEST_RATE)
    step = (high - low) / (WORSE_STEPS - 1)
    return [1 / (1 + exp(-(low + k * step))) for k in range(WORSE_STEPS)]


def _factor(q: float, p: float) -> tuple[float, float]:
    return log(q / p), log1p(-q) - log1p(-p)


def _log_ratio(factors: Factors, total: float, bad: float) -> float:
    good = total - bad
    return _log_mean([bad * on_bad + good * on_good for on_bad, on_good in factors])


def _log_odds(p: float) -> float:
    return log(p) - log1p(-p)


def _log_mean(logs: Sequence[float]) -> float:
    return _log_sum(logs) - log(len(logs))


def _log_sum(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + log(sum([exp(value - top) for value in logs]))
