"""The ladder of weights and the size of gray that each of them needs."""

from math import ceil

from faceblur_operator.core.plan import Plan


def replicas_for(plan: Plan, weight: int, stable_replicas: int) -> int:
    """Return how many gray pods carry `weight` percent of the traffic."""
    share = ceil(stable_replicas * weight / 100)
    return min(max(share, plan.min_replicas), plan.max_replicas)


def is_last(plan: Plan, step: int) -> bool:
    """Whether this step is the top of the ladder."""
    return step + 1 >= len(plan.steps)
