"""A stable that its autoscaler made small while gray carried everything takes over by and by."""

from dataclasses import replace
from math import ceil

from tests.support.builders import a_plan
from tests.support.world import World, a_template, a_workload

from faceblur_operator.api.reasons import Phase
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import Scaler, Workload

PLAN = a_plan()
CAPACITY = 10
SCALER = Scaler("stable", 1, CAPACITY)


def size(workload: Workload, pods: int) -> Workload:
    counts = dict.fromkeys(("replicas", "ready", "updated", "available", "total"), pods)
    return replace(workload, **counts)  # type: ignore[arg-type]  # all of these are numbers


def shrunk(pods: int = 1, *, scaler: Scaler | None = SCALER) -> World:
    """Return a world in which gray has all traffic and stable, just updated, this many pods."""
    world = World(stable=a_workload("face-blur-stable", a_template(), replicas=CAPACITY))
    world.stable_scaler = scaler
    while world.weight < 100:
        second(world)
    assert world.stable is not None
    world.stable = size(world.stable, pods)
    while world.phase is not Phase.PROMOTING:
        second(world)
    return world


def second(world: World, plan: Plan = PLAN) -> None:
    world.serve(gray=50, stable=50)
    world.tick(plan)
    world.settle()


def load(world: World) -> float:
    """Return how busy stable's pods are; 1 is what they carried before the release."""
    assert world.stable is not None
    return (100 - world.weight) / 100 * CAPACITY / world.stable.replicas


def test_stable_never_gets_much_more_than_its_pods_carried_before() -> None:
    world, loads = shrunk(), []

    for second_ in range(600):
        second(world)
        loads.append(load(world))
        if world.phase is Phase.SUCCEEDED:
            break
        assert world.stable is not None
        if second_ % 15 == 14 and loads[-1] > 1.1:
            world.stable = size(world.stable, ceil(world.stable.replicas * loads[-1]))

    assert (world.phase, world.weight) == (Phase.SUCCEEDED, 0)
    assert max(loads) <= 1.55
    rungs = world.weights[world.weights.index(100) :]
    assert rungs == sorted(rungs, reverse=True)


def test_a_load_that_needs_no_more_pods_is_given_over_by_time() -> None:
    world = shrunk()

    for _ in range(330):
        second(world)

    assert (world.phase, world.weight) == (Phase.SUCCEEDED, 0)
    shares = list(dict.fromkeys(world.weights[world.weights.index(100) :]))
    assert shares == [100, 85, 42, 21, 10, 5, 0]


def test_pods_that_still_start_do_not_stop_it() -> None:
    world = shrunk()
    for _ in range(3):
        second(world)
    assert world.weight == 85

    for _ in range(330):
        assert world.stable is not None
        world.stable = replace(world.stable, replicas=CAPACITY, updated=2, total=2, available=1)
        world.serve(gray=50, stable=50)
        world.tick(PLAN)

    assert (world.phase, world.weight) == (Phase.SUCCEEDED, 0)


def test_without_an_autoscaler_stable_takes_over_at_once() -> None:
    world = shrunk(scaler=None)

    for _ in range(3):
        second(world)

    assert (world.phase, world.weight) == (Phase.SUCCEEDED, 0)


def test_as_many_pods_as_before_take_over_at_once() -> None:
    world = shrunk(CAPACITY)

    for _ in range(3):
        second(world)

    assert (world.phase, world.weight) == (Phase.SUCCEEDED, 0)


def test_other_steps_meanwhile_change_nothing() -> None:
    world = shrunk()
    for _ in range(3):
        second(world)

    for _ in range(3):
        second(world, a_plan(50, 100))

    assert (world.phase, world.weight) == (Phase.PROMOTING, 85)


def test_an_abort_meanwhile_takes_everything_back() -> None:
    world = shrunk()
    for _ in range(3):
        second(world)

    world.command("abort")
    second(world)

    assert (world.phase, world.weight) == (Phase.ROLLING_BACK, 0)


def test_a_promotion_tried_again_waits_for_stables_new_pods_first() -> None:
    """The weight that is left from before says nothing about the pods of this try."""
    world = shrunk()
    for _ in range(3):
        second(world)
    assert world.stable is not None
    world.stable = replace(world.stable, updated=1, total=3, available=3, replicas=3)

    world.serve(gray=50, stable=50)
    world.tick(PLAN)

    assert (world.phase, world.weight) == (Phase.PROMOTING, 85)
