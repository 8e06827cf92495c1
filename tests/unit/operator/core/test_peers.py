"""What was seen to go wrong in other release controllers, where no other test shows it."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from math import nan

import pytest
from tests.support.builders import a_plan, a_ratio
from tests.support.world import World

from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core.effects import Apply, Delete
from faceblur_operator.core.plan import Step
from faceblur_operator.core.snapshot import Samples, Series

PLAN = a_plan(progress_deadline=timedelta(seconds=60))


def second(world: World) -> None:
    world.serve(gray=50, stable=200)
    world.tick(PLAN)
    world.settle()


def at(weight: int) -> World:
    world = World()
    while world.weight < weight:
        second(world)
    return world


def never_ready(world: World, *, old: int = 0) -> int:
    """Let gray stay unready but for `old` pods of an earlier template; return the looks it took."""
    for looks in range(1, 200):
        if world.gray is not None:
            counts = {"ready": old, "available": old, "updated": 1, "total": 1 + old}
            world.gray = replace(world.gray, replicas=1, settled=True, **counts)  # type: ignore[arg-type]  # numbers
        world.tick(PLAN)
        if world.phase is Phase.ROLLING_BACK:
            return looks
    raise AssertionError(f"no end: {world.status['message']}")


def test_an_old_pod_that_is_ready_does_not_stop_the_deadline() -> None:
    """One controller's deadline did not fire while a pod of an earlier revision was ready."""
    world = World()

    looks = never_ready(world, old=1)

    assert looks <= 65
    assert max(world.weights) == 0
    assert "1 of an earlier version are left" in world.status["message"]
    assert world.status["decisions"][-1]["reason"] == Reason.GRAY_NOT_READY


def test_after_an_abort_the_next_try_still_has_its_deadline() -> None:
    """One controller never timed out after an earlier abort, and looked 200 times a second."""
    world = at(5)
    world.command("abort")
    for _ in range(60):
        second(world)
    world.command("retry")

    looks = never_ready(world)

    assert looks <= 65
    assert world.status["decisions"][-1]["reason"] == Reason.GRAY_NOT_READY


def test_waiting_for_gray_costs_no_writes_and_looks_again_only_when_time_matters() -> None:
    world = World()
    for _ in range(5):
        world.tick(PLAN)
    assert world.gray is not None
    world.gray = replace(world.gray, ready=0, available=0, updated=1, settled=True)
    world.tick(PLAN)
    before = len(world.decisions)

    for _ in range(40):
        world.tick(PLAN)

    waits = world.decisions[before:]
    assert sum(bool(one.effects) for one in waits) == 0
    assert sum(one.status is not None for one in waits) <= 4
    assert all(one.look_again is None or one.look_again > timedelta(seconds=1) for one in waits)


def test_after_an_abort_every_write_happens_once() -> None:
    """One controller changed a selector to and fro for 30 s after each abort."""
    world = at(25)
    before = len(world.decisions)
    world.command("abort")

    for _ in range(120):
        second(world)

    effects = [one for decision in world.decisions[before:] for one in decision.effects]
    counted = Counter(
        (type(one).__name__, one.kind) for one in effects if isinstance(one, Apply | Delete)
    )
    assert counted == {
        ("Apply", "Ingress"): 1,
        ("Delete", "Ingress"): 1,
        ("Apply", "Deployment"): 1,
    }


@pytest.mark.parametrize("value", [nan, float("inf")], ids=["NaN", "Inf"])
def test_a_hold_that_ends_without_numbers_is_followed_by_no_step(value: float) -> None:
    """One controller skipped all later pauses after NaN, and promoted within two seconds."""
    steps = tuple(Step(w, timedelta(seconds=3), approval=w == 50) for w in (5, 25, 50, 100))
    plan = replace(PLAN, steps=steps, objectives=(a_ratio(),))
    world = at(25)
    series = {
        f"success:{side}:{what}": (Series((("pod", f"{side}-1"),), value),)
        for side in ("gray", "stable")
        for what in ("bad", "total")
    }

    for _ in range(300):
        world.tick(plan, samples=Samples(world.now + timedelta(seconds=1), series))
        world.settle()

    assert max(world.weights) == 25
    assert world.phase is Phase.PROGRESSING
