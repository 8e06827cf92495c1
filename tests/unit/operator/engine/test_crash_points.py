"""The operator dies between any two writes, twice, and another one goes on: always the same end.

The write that a process does not live to do is refused by its fence, as it would be to one that
lost its Lease. 18 places of the first death, 15 of the second, a good and a bad release: 540.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
from tests.support.fakes.ports import FakeFence
from tests.support.in_memory import InMemory
from tests.support.virtual_time import run_virtually

from faceblur_operator.ports.errors import NotLeadingError

FIRST, SECOND = range(18), range(15)
ENDS = {0.0: "Succeeded", 0.9: "RolledBack"}
IMAGES = {0.0: "ai-face-blur:1.1-gray", 0.9: "ai-face-blur:1.0"}


@dataclass
class LastWrites(FakeFence):
    """Lets so many writes through; then the process is dead."""

    left: int = 0

    def check(self) -> timedelta:
        if self.left <= 0:
            self.is_leading = False
            raise NotLeadingError("died")
        self.left -= 1
        return super().check()


async def die(before: InMemory | None, writes: int, bad_share: float) -> InMemory:
    """Run a process that dies before its write number `writes`, or with the release over."""
    fence = LastWrites(left=writes)
    world = InMemory(fence=fence) if before is None else InMemory(api=before.api, fence=fence)
    if before is None:
        world.install()
        world.counted.bad_share = bad_share
    else:
        world.counted = before.counted
        world.prometheus.answered = before.prometheus.answered
    world.start()
    while fence.is_leading and world.status.get("phase") != ENDS[bad_share]:
        await asyncio.sleep(0.05)
    await world.scheduler.stop(patience=timedelta(0))
    return world


@pytest.mark.parametrize("bad_share", [0.0, 0.9])
@pytest.mark.parametrize("first", FIRST)
def test_whoever_dies_wherever_the_release_ends_the_same(first: int, bad_share: float) -> None:
    for second in SECOND:
        run_virtually(_story(first, second, bad_share))


async def _story(first: int, second: int, bad_share: float) -> None:
    one = await die(None, first, bad_share)
    two = await die(one, second, bad_share)
    left_at = two.weight
    last = InMemory(api=one.api)
    last.counted = one.counted
    last.prometheus.answered = one.prometheus.answered
    last.start()
    await last.until(ENDS[bad_share])
    await asyncio.sleep(10)

    where = f"died before writes {first} and {second}"
    stable = last.api.objects["Deployment", "demo", "face-blur-stable"]
    image = stable["spec"]["template"]["spec"]["containers"][0]["image"]
    assert (last.weight, image) == (0, IMAGES[bad_share]), where
    risen = [weight for weight in last.weights if weight > left_at]
    assert risen == sorted(risen), f"{where}: the weight went up and down: {last.weights}"


def test_a_process_that_begins_while_all_is_as_it_should_be_writes_no_object() -> None:
    """What a list tells of an object is less than what a read of it does."""

    async def story() -> list[str]:
        first = InMemory()
        await first.blind_at_30()
        await first.scheduler.stop(patience=timedelta(seconds=1))
        before = len(first.api.writes())
        second = InMemory(api=first.api)
        second.start()
        await asyncio.sleep(10)
        return [one for one in first.api.writes()[before:] if "faceblurrollouts" not in one]

    assert run_virtually(story()) == []
