"""What people do with their hands in the middle of a release, and what becomes of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.support.in_memory import KEY, MADE_GRAY, InMemory, quick_spec
from tests.support.virtual_time import run_virtually

from faceblur_operator.ports.errors import ClusterError, RefusedError

HELD = quick_spec(steps=[{"weight": 30, "hold": "1h"}, {"weight": 100}])


async def at_30(spec: dict[str, Any] | None = None) -> InMemory:
    world = InMemory()
    world.install(spec or HELD)
    world.start()
    await world.until_weight(30)
    await asyncio.sleep(2)
    return world


def test_a_gray_service_that_is_deleted_is_made_again_at_once() -> None:
    async def story() -> None:
        world = await at_30()
        service = ("Service", "demo", "face-blur-service-gray")
        before = world.api.objects[service]["spec"]

        world.api.remove("Service", "face-blur-service-gray")
        async with asyncio.timeout(0.5):
            while service not in world.api.objects:
                await asyncio.sleep(0.01)

        assert world.api.objects[service]["spec"] == before
        assert (world.weight, world.status["phase"]) == (30, "Progressing")

    run_virtually(story())


def test_a_namespace_that_is_deleted_ends_everything_quietly() -> None:
    """Kubernetes deletes its objects in any order, and refuses whatever is made meanwhile."""

    async def story() -> None:
        world = await at_30()

        def terminating(path: str, _body: Any) -> ClusterError | None:
            why = "namespace demo is being terminated"
            return RefusedError(f'"{path}" is forbidden: unable to create new content: {why}')

        world.api.refuses = terminating
        gone = [item for item in world.api.objects if item[0] != "FaceBlurRollout"]
        for kind, space, name in gone:
            world.api.remove(kind, name, space=space)
            await asyncio.sleep(0.3)
        world.api.remove("FaceBlurRollout", KEY.name)
        await asyncio.sleep(1)
        world.api.calls.clear()
        await asyncio.sleep(300)

        assert world.api.calls == []
        assert world.scheduler.keys == frozenset()
        assert world.meter.rollouts == {}
        assert "Bug" not in world.meter.errors

    run_virtually(story())


@pytest.mark.parametrize("weight", [30, 100])
def test_a_stable_without_pods_gets_no_traffic_by_a_promotion(weight: int) -> None:
    """Nothing is ready to be promoted to; gray, which answers, keeps what it has."""

    async def story() -> None:
        steps = [{"weight": 30, "hold": "10s"}, {"weight": 100, "hold": "10s"}]
        world = await at_30(quick_spec(steps=steps))
        await world.until_weight(weight)

        world.api.change("Deployment", "face-blur-stable", {"spec": {"replicas": 0}})
        await asyncio.sleep(120)

        assert world.weight == weight
        assert "face-blur-stable" in world.status["message"]
        gray = world.api.objects["Deployment", "demo", MADE_GRAY]
        assert gray["spec"]["replicas"] >= 1
        world.api.change("Deployment", "face-blur-stable", {"spec": {"replicas": 3}})
        await world.until("Succeeded")

    run_virtually(story())


def test_a_bad_gray_is_taken_back_from_whatever_stable_is() -> None:
    async def story() -> None:
        world = await at_30()
        world.api.change("Deployment", "face-blur-stable", {"spec": {"replicas": 0}})
        await asyncio.sleep(5)

        world.counted.bad_share = 0.9
        took = await world.until_weight(0)

        assert took <= timedelta(seconds=3).total_seconds()

    run_virtually(story())
