"""A write that is refused for ever must not keep a bad gray on its traffic."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.in_memory import MADE_GRAY, InMemory, quick_spec
from tests.support.virtual_time import run_virtually

from faceblur_operator.api.reasons import Reason
from faceblur_operator.ports.errors import ClusterError, RefusedError, UnreachableError

STEPS = [{"weight": 30, "hold": "3s"}, {"weight": 100, "hold": "3s"}]
LASTING = [
    pytest.param(RefusedError("an admission webhook denied the request"), id="refused"),
    pytest.param(UnreachableError("an admission webhook does not answer"), id="no answer"),
]


def at(part: str, error: ClusterError) -> Callable[[str, Any], ClusterError | None]:
    """Return a webhook that answers writes of some objects with an error."""
    return lambda path, _body: error if part in path else None


async def stuck_at_30(error: ClusterError) -> InMemory:
    """Return a release at 30 % whose gray Deployment cannot be scaled for the next step."""
    world = InMemory()
    world.install(quick_spec(steps=STEPS))
    world.start()
    await world.until_weight(30)
    world.api.refuses = at(f"deployments/{MADE_GRAY}", error)
    await asyncio.sleep(60)
    assert world.weight == 30
    return world


@pytest.mark.parametrize("error", LASTING)
def test_a_bad_gray_is_rolled_back_while_it_cannot_be_scaled(error: ClusterError) -> None:
    async def story() -> None:
        world = await stuck_at_30(error)

        world.counted.bad_share = 0.9
        took = await world.until_weight(0)

        assert took <= 12

    run_virtually(story())


@pytest.mark.parametrize("error", LASTING)
def test_an_abort_works_while_gray_cannot_be_scaled(error: ClusterError) -> None:
    async def story() -> None:
        world = await stuck_at_30(error)

        world.command("abort")
        took = await world.until_weight(0)

        assert took <= 5

    run_virtually(story())


def test_what_is_refused_is_told_once_tried_again_and_goes_on_when_it_is_not() -> None:
    async def story() -> None:
        world = await stuck_at_30(RefusedError("quota exceeded"))
        told = [event.message for _, event in world.events.sent if event.is_warning]
        world.api.refuses = lambda _path, _body: None

        await world.until("Succeeded")

        assert told == ["quota exceeded"]
        writes = [call for call in world.api.writes() if MADE_GRAY in call]
        assert len(writes) < 12

    run_virtually(story())


@pytest.mark.parametrize("error", LASTING)
def test_a_bad_gray_is_rolled_back_while_no_status_can_be_stored(error: ClusterError) -> None:
    async def story() -> None:
        world = InMemory()
        world.install(quick_spec(steps=[{"weight": 30, "hold": "1h"}, {"weight": 100}]))
        world.start()
        await world.until_weight(30)
        await asyncio.sleep(5)
        world.api.refuses = at("/status", error)

        world.counted.bad_share = 0.9
        await asyncio.sleep(120)
        assert world.weight == 0

        world.api.refuses = lambda _path, _body: None
        await world.until("RolledBack")

    run_virtually(story())


@pytest.mark.parametrize("failures", [1, 3])
def test_a_rollback_that_cannot_be_written_at_once_is_not_forgotten(failures: int) -> None:
    """Its evidence is not needed a second time: the write alone is tried again."""

    async def story() -> None:
        world = InMemory()
        slo = {"name": "success", "builtin": "blurSuccess", "atLeast": "90%"}
        analysis = {"interval": "5s", "warmup": "0s", "slos": [slo]}
        steps = [{"weight": 30, "hold": "1h"}, {"weight": 100}]
        world.install(quick_spec(steps=steps, analysis=analysis))
        world.start()
        await world.until_weight(30)
        await asyncio.sleep(30)
        tries: list[float] = []

        def webhook(path: str, _body: Any) -> ClusterError | None:
            if "ingresses" not in path or len(tries) == failures:
                return None
            tries.append(asyncio.get_running_loop().time())
            return UnreachableError("no answer")

        world.api.refuses = webhook
        world.counted.bad_share = 0.9
        await world.until_weight(0)

        assert asyncio.get_running_loop().time() - tries[0] <= 1
        assert Reason.SLO_BREACHED in {event.reason for _, event in world.events.sent}

    run_virtually(story())


def test_nobody_is_told_before_the_status_that_says_so_is_stored() -> None:
    """A process that dies meanwhile would tell it a second time."""

    async def story() -> None:
        world = InMemory()
        hook = {"name": "hook", "webhook": {"url": "http://hook.demo.svc"}, "on": ["RolledBack"]}
        steps = [{"weight": 30, "hold": "1h"}, {"weight": 100}]
        world.install(quick_spec(steps=steps, notifications=[hook]))
        world.start()
        await world.until_weight(30)
        world.api.refuses = at("/status", RefusedError("no"))
        world.counted.bad_share = 0.9
        await asyncio.sleep(60)
        assert (world.weight, world.outside.told) == (0, [])

        world.api.refuses = lambda _path, _body: None
        await world.until("RolledBack")
        await asyncio.sleep(10)

        assert len(world.outside.told) == 1
        reasons = [event.reason for _, event in world.events.sent]
        assert reasons.count(Reason.SLO_BREACHED) == 1
        history = [one["outcome"] for one in world.status["history"]]
        assert history == ["RolledBack"]

    run_virtually(story())
