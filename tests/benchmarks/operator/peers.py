"""The threshold rules of Flagger and Argo Rollouts, as rules, at the same simulated traffic.

Written from their documented behaviour: a check each minute on what one minute of requests says,
at least 99 % good. Flagger counts failed checks for the whole run, no data is a failed check, and
the tick after the fifth one rolls back. Argo fails at the fourth failed measurement; no data is
left out of its count here, which is in its favour. Time runs from the first gray traffic; that
Flagger spends one more tick before it is left out in its favour.
"""

import numpy as np

CHECK_S = 60.0
AT_LEAST = 0.99
FLAGGER_THRESHOLD = 5
ARGO_FAILURES = 4
# Longer than any ladder of the comparison takes.
CHECKS = 40
Weights = tuple[int, ...]


def flagger(
    chance: np.random.Generator, rps: float, rate: float, weights: Weights, *, at_least: float
) -> float | None:
    """Return after how many seconds a version with this share of bad answers is rolled back."""
    failed, step = 0, 0
    for check in range(1, CHECKS):
        if failed >= FLAGGER_THRESHOLD:
            return check * CHECK_S
        good = _share(chance, rps * weights[step] / 100, rate)
        if good is None or good < at_least:
            failed += 1
        elif step + 1 < len(weights):
            step += 1
        else:
            return None
    return None


def argo(
    chance: np.random.Generator, rps: float, rate: float, weights: Weights, *, at_least: float
) -> float | None:
    """Return after how many seconds the background analysis aborts; steps go on by time."""
    failed = 0
    for check in range(1, len(weights) + 1):
        good = _share(chance, rps * weights[check - 1] / 100, rate)
        failed += good is not None and good < at_least
        if failed >= ARGO_FAILURES:
            return check * CHECK_S
    return None


def _share(chance: np.random.Generator, rps: float, rate: float) -> float | None:
    total = int(chance.poisson(rps * CHECK_S))
    return None if total == 0 else 1 - int(chance.binomial(total, rate)) / total
