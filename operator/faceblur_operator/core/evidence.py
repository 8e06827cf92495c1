"""Sequential tests on counts: each may be looked at after every tick without losing its bound.

An e-process E starts at 1 and is, under its null hypothesis, a non-negative martingale, so the
probability that it ever reaches 1/a is at most a (Ville's inequality). All are mixtures over a
small grid of alternatives and are returned as natural logarithms.

Sources: Waudby-Smith & Ramdas (betting on bounded means), Lindon & Malek (arXiv 2011.03567) for
the conditional two-sample form; see docs/design/evidence.md for the derivation and the grids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, log1p

WORSE_STEPS = 8
GOOD_SHARES = (0.02, 0.1, 0.25, 0.5, 0.75)
RATIO_STEPS = (1.5, 2.0, 4.0, 8.0, 32.0, 128.0)
SMALLEST_RATE = 1e-6
ROUNDS = 30
LARGEST_RATE = 0.95


@dataclass(frozen=True, slots=True)
class Counts:
    """Events seen and how many of them were bad; `0 <= bad <= total`."""

    total: float
    bad: float

    def __add__(self, other: "Counts") -> "Counts":
        """Return the sum of both."""
        return Counts(self.total + other.total, self.bad + other.bad)


ZERO = Counts(0.0, 0.0)


def log_worse_than(allowed: float, counts: Counts) -> float:
    """Return log E against "the true share of bad events is at most `allowed`" (0..1)."""
    p0 = min(max(allowed, SMALLEST_RATE), LARGEST_RATE - 0.01)
    return _log_mean(_log_likelihood_ratio(q, p0, counts) for q in _rates_above(p0))


def log_better_than(unacceptable: float, counts: Counts) -> float:
    """Return log E against "the true share of bad events is at least `unacceptable`" (0..1)."""
    return _log_mean(
        _log_likelihood_ratio(share * unacceptable, unacceptable, counts) for share in GOOD_SHARES
    )


def versus_start() -> tuple[float, ...]:
    """Return the accumulators of the comparison with stable before any event."""
    return (0.0,) * len(RATIO_STEPS)


def versus_add(
    accumulators: Sequence[float], *, max_ratio: float, gray: Counts, stable: Counts
) -> tuple[float, ...]:
    """Add one tick to the comparison; only the counts of this tick, not the sums, belong here.

    Conditional on the number m of bad events of both, the gray ones are binomial with a chance
    that depends on the traffic split r alone, whatever the shared base rate does.
    """
    together = gray.total + stable.total
    bad = gray.bad + stable.bad
    if together <= 0 or bad <= 0:
        return tuple(accumulators)
    r = gray.total / together
    return tuple(
        value
        + gray.bad * log(step)
        + bad * log((1 - r + r * max_ratio) / (1 - r + r * max_ratio * step))
        for value, step in zip(accumulators, RATIO_STEPS, strict=True)
    )


def log_versus(accumulators: Sequence[float]) -> float:
    """Return log E against "gray's rate of bad events is at most `max_ratio` times stable's"."""
    return _log_mean(accumulators)


def missing_events(unacceptable: float, counts: Counts, *, wanted_log: float) -> float | None:
    """Return about how many more events `log_better_than` needs at the present share of bad ones.

    Returns:
        0 when the evidence is there; None when it would never be at this share.
    """
    share = counts.bad / counts.total if counts.total else 0.0
    growth = max(
        share * log(step) + (1 - share) * _log_good_factor(step * unacceptable, unacceptable)
        for step in GOOD_SHARES
    )
    more = 0.0
    for _ in range(ROUNDS):
        # No alternative grows faster than the best one, so this never goes past the answer.
        short = wanted_log - log_better_than(
            unacceptable, Counts(counts.total + more, counts.bad + share * more)
        )
        if short <= 0:
            return more
        if growth <= 0:
            return None
        more += max(short / growth, 1.0)
    return more


def _rates_above(p0: float) -> list[float]:
    """Return rates from 1.5 p0 to the largest, evenly spaced in log odds."""
    first = min(1.5 * p0, (p0 + LARGEST_RATE) / 2)
    low, high = _log_odds(first), _log_odds(LARGEST_RATE)
    step = (high - low) / (WORSE_STEPS - 1)
    return [1 / (1 + exp(-(low + k * step))) for k in range(WORSE_STEPS)]


def _log_likelihood_ratio(q: float, p: float, counts: Counts) -> float:
    return counts.bad * log(q / p) + (counts.total - counts.bad) * _log_good_factor(q, p)


def _log_good_factor(q: float, p: float) -> float:
    return log1p(-q) - log1p(-p)


def _log_odds(p: float) -> float:
    return log(p) - log1p(-p)


def _log_mean(values: Iterable[float]) -> float:
    logs = list(values)
    top = max(logs)
    return top + log(sum(exp(value - top) for value in logs) / len(logs))
