"""Whole releases through engine, reader and writer, on an API server in memory."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.support.fakes.kube_api import FakeKubeApi
from tests.support.in_memory import KEY, WEIGHT, InMemory, quick_spec
from tests.support.specs import a_resource
from tests.support.virtual_time import run_virtually

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core import memo


def test_good_version_steps_up_and_becomes_stable() -> None:
    async def story() -> None:
        world = InMemory()
        world.install()

        world.start()
        await world.until("Succeeded")
        await asyncio.sleep(10)

        stable = world.api.objects["Deployment", "demo", "face-blur-stable"]
        gray = world.api.objects["Deployment", "demo", "face-blur-stable-gray"]
        image = stable["spec"]["template"]["spec"]["containers"][0]["image"]
        assert world.weights == [0, 5, 50, 100, 0]
        assert (image, gray["spec"]["replicas"]) == ("ai-face-blur:1.1-gray", 0)

    run_virtually(story())


def test_variables_are_promoted_as_they_were_analysed_and_traffic_stays_until_stable_is_ready() -> (
    None
):
    """A merge that puts new variables first would make stable a revision nobody looked at."""

    async def story() -> None:
        world = InMemory()
        gray = {"env": [{"name": "ENABLE_GRAY_FEATURE", "value": "true"}]}
        world.install(quick_spec(gray=gray))
        world.start()
        await world.until_weight(100)
        world.settles = False
        await world.until("Promoting")
        await asyncio.sleep(5)

        assert (world.weight, world.status["phase"]) == (100, "Promoting")
        world.settle()
        await world.until("Succeeded")

        stable = world.api.objects["Deployment", "demo", "face-blur-stable"]
        container = stable["spec"]["template"]["spec"]["containers"][0]
        assert [one["name"] for one in container["env"]] == ["LOG_LEVEL", "ENABLE_GRAY_FEATURE"]
        assert world.status["history"][-1]["outcome"] == "Promoted"

    run_virtually(story())


def test_bad_version_is_rolled_back_within_two_looks_at_prometheus() -> None:
    async def story() -> None:
        world = InMemory()
        world.install()
        world.start()
        await world.until_weight(50)
        await asyncio.sleep(1.5)

        world.counted.bad_share = 0.9
        took = await world.until_weight(0)
        await world.until("RolledBack")

        assert took <= 2.1
        assert Reason.SLO_BREACHED in {event.reason for _, event in world.events.sent}
        stable = world.api.objects["Deployment", "demo", "face-blur-stable"]
        assert stable["spec"]["template"]["spec"]["containers"][0]["image"] == "ai-face-blur:1.0"

    run_virtually(story())


def test_gray_that_loses_readiness_is_rolled_back_while_prometheus_hangs() -> None:
    async def story() -> None:
        world = InMemory()
        await world.blind_at_30()

        world.settles = False
        world.api.settle("face-blur-stable-gray", ready=0)
        took = await world.until_weight(0)

        assert took <= 0.1

    run_virtually(story())


def test_weight_edited_by_hand_is_put_back_at_once() -> None:
    async def story() -> None:
        world = InMemory()
        world.install(quick_spec(steps=[{"weight": 30, "hold": "1h"}, {"weight": 100}]))
        world.start()
        await world.until_weight(30)

        annotations = {"metadata": {"annotations": {WEIGHT: "100"}}}
        world.api.change("Ingress", "face-blur-ingress-gray", annotations)
        took = await world.until_weight(30)

        assert took <= 0.1

    run_virtually(story())


def test_deleted_gray_ingress_is_made_again_at_once() -> None:
    async def story() -> None:
        world = InMemory()
        world.install(quick_spec(steps=[{"weight": 30, "hold": "1h"}, {"weight": 100}]))
        world.start()
        await world.until_weight(30)

        world.api.remove("Ingress", "face-blur-ingress-gray")
        took = await world.until_weight(30)

        assert took <= 0.1

    run_virtually(story())


def test_steady_rollout_writes_nothing_and_reads_nothing() -> None:
    async def story() -> None:
        world = InMemory()
        world.install(quick_spec(steps=[{"weight": 30, "hold": "10h"}, {"weight": 100}]))
        world.start()
        await world.until_weight(30)
        await asyncio.sleep(60)
        world.api.calls.clear()

        await asyncio.sleep(300)

        assert [call for call in world.api.calls if not call.startswith("GET")] == []

    run_virtually(story())


def test_process_killed_in_the_middle_ends_like_one_that_was_not() -> None:
    async def story() -> None:
        first = InMemory()
        first.install()
        first.start()
        await first.until_weight(50)
        await first.scheduler.stop(patience=first.prometheus.latency)

        second = InMemory(api=first.api)
        second.start()
        await second.until("Succeeded")

        assert second.weights == [50, 100, 0]

    run_virtually(story())


@pytest.mark.parametrize("remembers", [True, False])
def test_a_restart_in_a_hold_loses_no_request_while_prometheus_remembers(remembers: bool) -> None:
    async def story() -> None:
        first = InMemory()
        first.install(quick_spec(steps=[{"weight": 30, "hold": "10h"}, {"weight": 100}]))
        first.start()
        await first.until_weight(30)
        begun = first.counted("gray", "total")
        await asyncio.sleep(500)
        stored = memo.load(first.status)
        await first.scheduler.stop(patience=first.prometheus.latency)
        await asyncio.sleep(100)

        second = InMemory(api=first.api)
        second.counted = first.counted
        second.prometheus.answered = first.prometheus.answered
        second.prometheus.remembers = remembers
        second.start()
        # A restart stores what it knows; so nothing of this is of the stored status.
        await asyncio.sleep(30)

        read = memo.load(second.status).read
        [known] = memo.load(second.status).slos
        gone = first.counted("gray", "total") - begun - known.gray.total
        assert stored.read is not None
        assert second.prometheus.asked_of_past == [stored.read.at]
        assert read is not None
        assert read.at > stored.read.at
        # Two seconds before the first answer, and what came since it was stored.
        assert (gone <= 33 * 200) is remembers

    run_virtually(story())


def test_an_edit_that_cannot_be_followed_leaves_the_traffic_in_sight_of_aborts() -> None:
    async def story() -> None:
        world = InMemory()
        world.install(quick_spec(steps=[{"weight": 30, "hold": "1h"}, {"weight": 100}]))
        world.start()
        await world.until_weight(30)
        typo = {"bad": "sum({{typo}})", "total": "sum(x)"}
        slos = [{"name": "mine", "ratio": typo, "atLeast": "99%"}]
        world.api.change("FaceBlurRollout", KEY.name, {"spec": {"analysis": {"slos": slos}}})
        await world.until("Invalid")
        await asyncio.sleep(30)
        assert world.weight == 30

        world.command("abort")
        await world.until("RolledBack")

        assert world.weight == 0

    run_virtually(story())


def test_rollout_deleted_in_the_middle_ends_its_worker() -> None:
    async def story() -> None:
        world = InMemory()
        world.install()
        world.start()
        await world.until_weight(5)

        world.api.remove("FaceBlurRollout", KEY.name)
        await asyncio.sleep(1)

        assert world.scheduler.keys == frozenset()
        assert world.meter.rollouts == {}

    run_virtually(story())


def test_process_that_lost_the_lease_writes_nothing() -> None:
    async def story() -> None:
        api = FakeKubeApi()
        world = InMemory(api=api)
        world.install()
        world.fence.is_leading = False
        api.calls.clear()

        world.start()
        await asyncio.sleep(120)

        assert api.writes() == []

    run_virtually(story())


@pytest.mark.parametrize("bad_share", [0.0, 0.9])
@pytest.mark.parametrize("writes", range(0, 24, 2))
def test_process_that_dies_at_any_write_is_followed_to_the_same_end(
    writes: int, bad_share: float
) -> None:
    """Whatever was written and whatever was not, the next process goes on from there."""

    async def story() -> None:
        first = InMemory()
        first.install()
        first.counted.bad_share = bad_share
        end = "RolledBack" if bad_share else "Succeeded"
        first.start()
        while len(first.api.writes()) < writes and first.status.get("phase") != end:
            await asyncio.sleep(0.01)
        first.fence.is_leading = False
        await first.scheduler.stop(patience=timedelta(0))
        left_at = first.weight

        second = InMemory(api=first.api)
        second.counted = first.counted
        second.start()
        await second.until(end)
        await asyncio.sleep(10)

        risen = [weight for weight in second.weights if weight > left_at]
        stable = second.api.objects["Deployment", "demo", "face-blur-stable"]
        image = "ai-face-blur:1.0" if bad_share else "ai-face-blur:1.1-gray"
        assert stable["spec"]["template"]["spec"]["containers"][0]["image"] == image
        assert second.weight == 0
        assert risen == sorted(risen)

    run_virtually(story())


def test_newer_rollout_of_the_same_objects_takes_over_when_the_older_is_deleted() -> None:
    async def story() -> None:
        world = InMemory()
        world.install(quick_spec(steps=[{"weight": 30, "hold": "1h"}, {"weight": 100}]))
        newer = a_resource(quick_spec(image="ai-face-blur:1.2"), "newer")
        newer["metadata"]["namespace"] = "demo"
        world.api.add(newer)
        world.start()
        await world.until_weight(30)
        await asyncio.sleep(5)

        def status() -> dict[str, Any]:
            found: dict[str, Any] = world.api.objects["FaceBlurRollout", "demo", "newer"]["status"]
            return found

        said = status()["message"]
        assert (status()["phase"], world.weight) == ("Invalid", 30)
        assert "already belongs to the older FaceBlurRollout demo/face-blur" in said
        world.api.remove("FaceBlurRollout", KEY.name)
        # What Kubernetes does with what belonged to it.
        for kind, name in (
            ("Ingress", "face-blur-ingress-gray"),
            ("Service", "face-blur-service-gray"),
            ("Deployment", "face-blur-stable-gray"),
        ):
            world.api.remove(kind, name)
        async with asyncio.timeout(120):
            while status()["phase"] != "Succeeded":
                await asyncio.sleep(0.1)

        stable = world.api.objects["Deployment", "demo", "face-blur-stable"]
        container = stable["spec"]["template"]["spec"]["containers"][0]
        assert container["image"] == "ai-face-blur:1.2"

    run_virtually(story())
