"""Exact (Clopper-Pearson) bounds of a binomial share, by bisection; no library needed."""

from math import exp, lgamma, log

STEPS = 60


def upper(count: int, n: int, confidence: float = 0.975) -> float:
    """Return the upper bound of a share of which `count` of `n` were seen."""
    if count >= n:
        return 1.0
    low, high = count / n, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _at_most(count, n, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def lower(count: int, n: int, confidence: float = 0.975) -> float:
    """Return the lower bound."""
    return 1 - upper(n - count, n, confidence)


def _at_most(count: int, n: int, p: float) -> float:
    """Return the chance of at most `count` of `n`."""
    if count > n - count:
        return 1 - _at_most_directly(n - count - 1, n, 1 - p)
    return _at_most_directly(count, n, p)


def _at_most_directly(count: int, n: int, p: float) -> float:
    if p <= 0:
        return 1.0
    total = 0.0
    for k in range(count + 1):
        ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
        total += exp(ways + k * log(p) + (n - k) * log(1 - p))
    return total
