"""What the watch tells of gray's pods reaches the Ingress at once, whatever Prometheus does."""

import asyncio
from datetime import timedelta

from tests.support.in_memory import InMemory, a_gray_pod
from tests.support.virtual_time import run_virtually

# As a kubelet tells it.
CRASHED = {
    "name": "processor",
    "image": "ai-face-blur:1.1-gray",
    "restartCount": 1,
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"reason": "Error", "exitCode": 3}},
}


def test_a_crash_loop_takes_the_traffic_away_within_a_moment_while_prometheus_hangs() -> None:
    async def story() -> float:
        world = InMemory()
        world.install()
        world.start()
        await world.until_weight(5)
        world.api.add(a_gray_pod(world))
        await asyncio.sleep(1)
        world.prometheus.latency = timedelta(hours=1)

        world.api.change("Pod", "gray-1", {"status": {"containerStatuses": [CRASHED]}})
        seconds = await world.until_weight(0)
        await world.until("RolledBack")

        assert "exit code 3" in world.status["message"]
        assert world.status["history"][-1]["outcome"] == "RolledBack"
        return seconds

    assert run_virtually(story()) <= 0.1


def test_heartbeats_of_pods_wake_nobody() -> None:
    async def story() -> None:
        world = InMemory()
        world.install()
        world.start()
        await world.until_weight(5)
        world.api.add(a_gray_pod(world))
        await asyncio.sleep(0.2)
        before = len(world.meter.ticks)

        for second in range(50):
            world.api.change("Pod", "gray-1", {"status": {"hostIP": f"10.0.0.{second}"}})
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)

        assert len(world.meter.ticks) == before

    run_virtually(story())


def test_pods_that_were_there_before_this_process_are_seen_at_its_first_look() -> None:
    async def story() -> None:
        world = InMemory()
        world.install()
        world.start()
        await world.until_weight(5)
        await world.scheduler.stop(patience=timedelta(seconds=1))
        world.api.watchers = []
        world.api.add(a_gray_pod(world, containerStatuses=[CRASHED]))

        after = InMemory(api=world.api)
        after.start()
        seconds = await after.until_weight(0)

        assert seconds <= 0.1

    run_virtually(story())
