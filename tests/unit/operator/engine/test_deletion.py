"""A rollout that is deleted, in whatever phase, with its operator alive or dead."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.support.in_memory import KEY, InMemory, quick_spec
from tests.support.virtual_time import run_virtually

STEPS = [{"weight": 30, "hold": "3s", "approval": True}, {"weight": 100, "hold": "3s"}]
Reach = Callable[[InMemory], Awaitable[None]]


async def waits_for_gray(world: InMemory) -> None:
    world.settles = False
    world.start()
    await asyncio.sleep(3)


async def holds(world: InMemory) -> None:
    world.start()
    await world.until_weight(30)


async def waits_for_a_person(world: InMemory) -> None:
    world.start()
    await world.until("Paused")


async def is_suspended(world: InMemory) -> None:
    await holds(world)
    world.api.change("FaceBlurRollout", KEY.name, {"spec": {"suspend": True}})
    await world.until("Suspended")


async def is_refused(world: InMemory) -> None:
    await holds(world)
    world.api.remove("Service", "face-blur-service")
    await world.until("Invalid")


async def promotes(world: InMemory) -> None:
    await waits_for_a_person(world)
    world.command("promote")
    await world.until_weight(100)
    world.settles = False
    await world.until("Promoting")
    await asyncio.sleep(1)


async def is_stalled(world: InMemory) -> None:
    await promotes(world)
    await world.until("Paused")


async def rolls_back(world: InMemory) -> None:
    await holds(world)
    world.command("abort")
    await world.until("RollingBack")


async def is_rolled_back(world: InMemory) -> None:
    await rolls_back(world)
    await world.until("RolledBack")


async def is_promoted(world: InMemory) -> None:
    world.start()
    await world.until_weight(30)
    world.command("promote-full")
    await world.until("Succeeded")


PHASES: list[Reach] = [
    waits_for_gray,
    holds,
    waits_for_a_person,
    is_suspended,
    is_refused,
    promotes,
    is_stalled,
    rolls_back,
    is_rolled_back,
    is_promoted,
]


def collect_garbage(world: InMemory) -> None:
    """Do what Kubernetes does for the children of an owner that is gone."""
    for (kind, space, name), item in list(world.api.objects.items()):
        owners = item["metadata"].get("ownerReferences") or []
        if any(one.get("kind") == "FaceBlurRollout" for one in owners):
            world.api.remove(kind, name, space=space)


def stable_of(world: InMemory) -> dict[str, Any]:
    return world.api.objects["Deployment", "demo", "face-blur-stable"]


@pytest.mark.parametrize("is_dead", [False, True], ids=["operator alive", "operator dead"])
@pytest.mark.parametrize("reach", PHASES)
def test_deleting_a_rollout_leaves_stable_and_nothing_else(reach: Reach, is_dead: bool) -> None:
    """No finalizer holds it, nothing is written after it, and no child is without an owner."""

    async def story() -> None:
        world = InMemory()
        world.install(quick_spec(steps=STEPS, progressDeadline="20s"))
        await reach(world)
        rollout = world.api.objects["FaceBlurRollout", "demo", KEY.name]
        assert "finalizers" not in rollout["metadata"]
        if is_dead:
            await world.scheduler.stop(patience=timedelta(0))
        stable = copy.deepcopy(stable_of(world)["spec"])

        world.api.remove("FaceBlurRollout", KEY.name)
        world.api.calls.clear()
        collect_garbage(world)
        await asyncio.sleep(120)

        assert world.weight == 0
        assert world.api.writes() == []
        assert stable_of(world)["spec"] == stable
        kinds = {kind for kind, _, name in world.api.objects if "gray" in name}
        assert kinds <= {"ReplicaSet"}, "a child without an owner"
        if not is_dead:
            assert world.scheduler.keys == frozenset()

    run_virtually(story())
