"""What was recorded of Prometheus and is decided about again leads to the same, bit by bit."""

from random import Random

import pytest
from tests.support.builders import a_plan, a_ratio
from tests.support.recording import read, written
from tests.support.world import World

from faceblur_operator.core.snapshot import NoSamples, Samples

PLAN = a_plan(hold=4, objectives=(a_ratio(), a_ratio("no-worse", max_ratio=1.5)))
LOOKS = 90


def lived(chance: Random, share: float) -> tuple[World, list[str]]:
    """Live through a release with traffic of chance; return what was answered, line by line."""
    world, lines = World(), []
    for _ in range(LOOKS):
        gray, stable = chance.randint(0, 60), chance.randint(0, 200)
        bad = sum(chance.random() < share for _ in range(gray))
        both = sum(chance.random() < 0.01 for _ in range(stable))
        world.serve(gray=gray, bad=bad, stable=stable, stable_bad=both)
        samples: Samples | NoSamples = world.samples(PLAN)
        if chance.random() < 0.05:
            samples = NoSamples(world.now, "not reachable")
        lines.append(written(samples))
        world.tick(PLAN, samples=samples)
        world.settle()
    return world, lines


@pytest.mark.parametrize("share", [0.0, 0.004, 0.05, 0.5])
def test_recorded_samples_lead_to_the_same_decisions(share: float) -> None:
    world, lines = lived(Random(3), share)

    again = World()
    for samples in read(lines):
        again.tick(PLAN, samples=samples)
        again.settle()

    assert again.status == world.status
    assert [one.effects for one in again.decisions] == [one.effects for one in world.decisions]
    assert [one.state for one in again.decisions] == [one.state for one in world.decisions]
