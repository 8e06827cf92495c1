"""What never happens, over long stories; `test_state_machine.py` explores the rest."""

from datetime import timedelta

from tests.support.builders import a_plan, a_ratio
from tests.support.world import World

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core.effects import Apply
from faceblur_operator.core.snapshot import NoSamples, Samples

PLAN = a_plan(
    hold=3,
    objectives=(a_ratio(), a_ratio("no-worse", allowed=None, unacceptable=None, max_ratio=2.0)),
    no_data_rollback_after=timedelta(seconds=60),
    progress_deadline=timedelta(seconds=120),
)


def test_nothing_but_passing_evidence_raises_a_weight_after_the_first() -> None:
    """Every verdict but Pass, for ever: the first step's weight is all that gray ever gets."""
    world = World()
    for _ in range(400):
        world.serve(gray=0, stable=100)
        world.tick(PLAN)
        world.settle()

    assert max(world.weights) == 5
    assert world.status["verdict"] == Verdict.INSUFFICIENT


def test_every_ingress_write_comes_before_every_other_write() -> None:
    world = World()
    for _ in range(120):
        world.serve(gray=60, stable=100)
        decision = world.tick(PLAN)
        world.settle()
        kinds = [isinstance(e, Apply) and e.kind == "Ingress" for e in decision.effects]
        assert kinds == sorted(kinds, reverse=True)


def test_empty_samples_are_not_no_samples() -> None:
    """An answer without series is NoData; no answer is Error; neither is a verdict on gray."""
    world = World()
    for _ in range(3):
        world.tick(PLAN)
        world.settle()

    world.tick(PLAN, samples=Samples(world.now, {}))
    empty = world.status["verdict"]
    world.tick(PLAN, samples=NoSamples(world.now, "down"))

    assert (empty, world.status["verdict"]) == (Verdict.NO_DATA, Verdict.ERROR)
