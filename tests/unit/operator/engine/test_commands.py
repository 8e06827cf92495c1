"""Commands through engine, reader and writer, on an API server in memory."""

import asyncio

import pytest
from tests.support.in_memory import KEY, InMemory, quick_spec
from tests.support.virtual_time import run_virtually

from faceblur_operator.core.effects import ClearCommand
from faceblur_operator.ports.errors import ConflictError, RefusedError


def command_left(world: InMemory) -> str | None:
    metadata = world.api.objects["FaceBlurRollout", "demo", KEY.name]["metadata"]
    left: str | None = metadata.get("annotations", {}).get("faceblur.dev/command")
    return left


def test_approval_waits_for_a_command_that_is_taken_off_once_carried_out() -> None:
    async def story() -> None:
        world = InMemory()
        steps = [{"weight": 5, "hold": "3s", "approval": True}, {"weight": 100, "hold": "3s"}]
        world.install(quick_spec(steps=steps))
        world.start()
        await world.until("Paused")
        await asyncio.sleep(60)
        assert world.weight == 5

        world.command('{"verb": "promote", "by": "ann"}')
        await world.until("Succeeded")
        await asyncio.sleep(5)

        told = [event.message for _, event in world.events.sent if event.reason == "Commanded"]
        assert (world.weights, command_left(world)) == ([0, 5, 100, 0], None)
        assert told == ["promote by ann"]

    run_virtually(story())


def test_abort_takes_the_traffic_back_at_once_while_prometheus_hangs() -> None:
    async def story() -> None:
        world = InMemory()
        await world.blind_at_30()

        world.command("abort")
        took = await world.until_weight(0)
        await world.until("RolledBack")
        await asyncio.sleep(5)

        assert took <= 0.1
        assert command_left(world) is None

    run_virtually(story())


def test_undo_after_a_promotion_puts_stable_back_for_good() -> None:
    async def story() -> None:
        world = InMemory()
        world.install(quick_spec(gray={"env": [{"name": "FEATURE", "value": "on"}]}))
        world.start()
        await world.until("Succeeded")
        before = [
            {"name": "LOG_LEVEL", "value": "info"},
        ]

        world.command("undo")
        await world.until("RolledBack")
        await asyncio.sleep(120)

        stable = world.api.objects["Deployment", "demo", "face-blur-stable"]
        container = stable["spec"]["template"]["spec"]["containers"][0]
        assert (container["image"], container["env"]) == ("ai-face-blur:1.0", before)
        assert (world.status["phase"], world.weight) == ("RolledBack", 0)

    run_virtually(story())


def test_a_command_given_while_another_is_taken_off_stays() -> None:
    """The removal names the version it saw, so it meets a conflict and looks again."""

    async def story() -> None:
        world = InMemory(is_asleep=True)
        world.install(quick_spec(steps=[{"weight": 30, "hold": "1h"}, {"weight": 100}]))
        await world.reconciler.look(KEY)
        world.settle()
        await world.reconciler.look(KEY)
        world.command("pause")
        await world.reconciler.look(KEY)
        effect = ClearCommand("pause")
        item = world.api.objects["FaceBlurRollout", "demo", KEY.name]
        annotations = item["metadata"]["annotations"] | {"faceblur.dev/command": "resume"}
        newer = {**item["metadata"], "annotations": annotations, "resourceVersion": "9999"}
        world.api.objects["FaceBlurRollout", "demo", KEY.name] = {**item, "metadata": newer}

        with pytest.raises(ConflictError):
            await world.writer.apply(KEY, effect)

        assert command_left(world) == "resume"

    run_virtually(story())


def test_a_command_that_may_not_be_taken_off_is_obeyed_once_all_the_same() -> None:
    """A chart that is older than the operator gives no right to patch rollouts."""

    async def story() -> None:
        world = InMemory(is_asleep=True)
        world.install(quick_spec(steps=[{"weight": 30, "hold": "1h"}, {"weight": 100}]))
        await world.reconciler.look(KEY)
        world.settle()
        await world.reconciler.look(KEY)
        world.command("pause")
        await world.reconciler.look(KEY)

        for _ in range(5):
            world.api.broken = [RefusedError("forbidden")]
            await world.reconciler.look(KEY)

        told = [event for _, event in world.events.sent if event.reason == "Commanded"]
        assert (len(told), command_left(world)) == (1, "pause")
        world.api.broken = []
        await world.reconciler.look(KEY)
        assert command_left(world) is None

    run_virtually(story())


def test_what_is_gone_already_is_not_taken_off() -> None:
    async def story() -> None:
        world = InMemory(is_asleep=True)
        world.install(quick_spec())
        await world.reconciler.look(KEY)
        world.api.calls.clear()

        await world.writer.apply(KEY, ClearCommand("pause"))

        assert world.api.calls == []

    run_virtually(story())
