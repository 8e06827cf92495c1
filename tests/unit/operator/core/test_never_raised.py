"""What does not raise a weight: opted-in evidence, a stable without pods, an undone release."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

from tests.support.builders import a_plan
from tests.support.world import World

from faceblur_operator.api.reasons import Phase, Verdict
from faceblur_operator.core.plan import Plan, Step

FOR_THOSE_WHO_ASK_FIRST = a_plan(
    steps=(
        Step(0, timedelta(seconds=20)),
        Step(50, timedelta(seconds=1)),
        Step(100, timedelta(seconds=1)),
    )
)
LADDER = a_plan(hold=3)


def second(world: World, plan: Plan, *, gray: int = 60) -> None:
    world.serve(gray=gray, stable=200)
    world.tick(plan)
    world.settle()


def ends(world: World, phase: Phase) -> None:
    for _ in range(200):
        second(world, LADDER)
    assert world.phase is phase


def test_what_those_who_opted_in_showed_before_promotes_nothing() -> None:
    """They are no sample of all users: with the first weight the evidence begins anew."""
    world, plan = World(), FOR_THOSE_WHO_ASK_FIRST
    while world.weight == 0:
        second(world, plan)
    assert world.memory is not None
    assert world.memory.state.slos == ()

    for _ in range(300):
        second(world, plan, gray=0)

    assert max(world.weights) == 50
    assert world.status["verdict"] == Verdict.INSUFFICIENT


def test_no_weight_rises_while_stable_has_no_pods_and_goes_on_with_them() -> None:
    world = World()
    while world.weight == 0:
        second(world, LADDER)
    assert world.stable is not None
    size = world.stable.replicas
    world.stable = replace(world.stable, replicas=0)

    for _ in range(120):
        second(world, LADDER)

    assert max(world.weights) == 5
    assert "is scaled to 0, so nobody answers beside gray" in world.status["message"]
    world.stable = replace(world.stable, replicas=size)
    for _ in range(120):
        second(world, LADDER)
    assert world.phase is Phase.SUCCEEDED


def test_what_was_undone_stays_so_after_a_restart() -> None:
    """Also when somebody edits stable, which makes another revision of the same release."""
    world = World()
    ends(world, Phase.SUCCEEDED)
    world.command("undo")
    ends(world, Phase.ROLLED_BACK)
    assert world.stable is not None
    template = deepcopy(dict(world.stable.template))
    template["spec"]["terminationGracePeriodSeconds"] = 77

    world.memory, before = None, len(world.weights)
    world.stable = replace(world.stable, template=template)
    for _ in range(120):
        second(world, LADDER)

    assert (world.phase, max(world.weights[before:], default=0)) == (Phase.ROLLED_BACK, 0)
    assert world.stable.template == template
