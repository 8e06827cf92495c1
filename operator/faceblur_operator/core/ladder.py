"""The ladder of weights and the size of gray that each of them needs."""

from math import ceil

from faceblur_operator.core.plan import Plan
from faceblur_operator.core.state import Grant, State


def replicas_for(plan: Plan, weight: int, stable_replicas: int) -> int:
    """Return how many gray pods carry `weight` percent of the traffic."""
    share = ceil(stable_replicas * weight / 100)
    return min(max(share, plan.min_replicas), plan.max_replicas)


def size_at(plan: Plan, index: int, capacity: int) -> int:
    """Return how many gray pods a step wants: for its weight, or more where it says so."""
    step = plan.steps[index]
    return replicas_for(plan, max(step.weight, step.size), capacity)


def is_last(plan: Plan, step: int) -> bool:
    """Whether this step is the top of the ladder."""
    return step + 1 >= len(plan.steps)


def target_of(plan: Plan, state: State) -> int:
    """Return the index of the step whose weight comes next, or stays when it is the last."""
    last = len(plan.steps) - 1
    if state.granted is Grant.FULL:
        return last
    if state.weighted_since is None:
        return 0
    return min(state.step + 1, last)


def sized_for(plan: Plan, state: State) -> int:
    """Return the index of the step that gray's size follows: on the way up the next one's."""
    is_rising = state.rising or state.weighted_since is None
    return target_of(plan, state) if is_rising else min(state.step, len(plan.steps) - 1)
