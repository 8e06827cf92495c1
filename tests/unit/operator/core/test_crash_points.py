"""The operator dies after any write of a release and is started again: the end is the same."""

import pytest
from tests.support.builders import a_plan
from tests.support.world import World

from faceblur_operator.api.reasons import Phase

PLAN = a_plan(hold=3)
TICKS = 120
GOOD = {"gray": 60, "stable": 100}
BAD = {"gray": 60, "bad": 30, "stable": 100}


def release(
    crash_at: int | None, crash_after: int, *, bad_from: int | None = None
) -> tuple[World, list[int]]:
    """Run one release; at tick `crash_at` the process is gone after `crash_after` writes."""
    world = World()
    weights = []
    for tick in range(TICKS):
        is_bad = bad_from is not None and world.weight > 0 and tick >= bad_from
        world.serve(**(BAD if is_bad else GOOD))
        world.tick(PLAN, crash_after=crash_after if tick == crash_at else None)
        world.settle()
        weights.append(world.weight)
    return world, weights


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_good_release_ends_promoted_wherever_the_operator_dies(writes: int) -> None:
    for crash_at in range(50):
        world, weights = release(crash_at, writes)

        assert world.phase is Phase.SUCCEEDED, f"died at tick {crash_at} after {writes} writes"
        assert world.stable is not None
        assert world.stable.template["spec"]["containers"][0]["image"] == PLAN.image
        assert (weights[-1], world.gray_ingress) == (0, None)


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_bad_release_ends_rolled_back_wherever_the_operator_dies(writes: int) -> None:
    for crash_at in range(30):
        world, weights = release(crash_at, writes, bad_from=10)

        assert world.phase is Phase.ROLLED_BACK, f"died at tick {crash_at} after {writes} writes"
        assert world.stable is not None
        assert world.stable.template["spec"]["containers"][0]["image"] == "ai-face-blur:1.0"
        assert weights[-1] == 0
