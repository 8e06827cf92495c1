"""Edits in the middle: what is followed, what begins anew, and that no edit raises a weight."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.builders import a_plan, a_ratio
from tests.support.world import World, a_template, an_ingress

from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core.effects import Apply
from faceblur_operator.core.plan import Plan, Step
from faceblur_operator.core.snapshot import NoSamples, Scaler

GOOD = {"gray": 50, "stable": 200}
BAD = {"gray": 50, "bad": 20, "stable": 200}
PLAN = a_plan()
OLD, NEW, NEWER = "ai-face-blur:1.0", "ai-face-blur:1.1-gray", "ai-face-blur:1.2"


def run(world: World, plan: Plan, seconds: int, traffic: dict[str, int] = GOOD) -> World:
    for _ in range(seconds):
        world.serve(**traffic)
        world.tick(plan)
        world.settle()
    return world


def at_weight(weight: int, plan: Plan = PLAN) -> World:
    world = World()
    for _ in range(300):
        if world.weight == weight:
            return world
        run(world, plan, 1)
    raise AssertionError(f"never reached {weight} %: {world.status['message']}")


def promoting(plan: Plan = PLAN) -> World:
    world = at_weight(100, plan)
    for _ in range(100):
        if world.status["phase"] == "Promoting":
            return world
        world.settle()
        world.serve(**GOOD)
        world.tick(plan)
    raise AssertionError("never promoting")


def stalled() -> World:
    plan = replace(PLAN, progress_deadline=timedelta(seconds=20))
    world = promoting(plan)
    for _ in range(30):
        world.serve(**GOOD)
        world.tick(plan)
    assert world.phase is Phase.PAUSED
    return world


def rolling_back() -> World:
    world = promoting()
    for _ in range(3):
        world.serve(**BAD)
        world.tick(PLAN)
    assert world.phase is Phase.ROLLING_BACK
    return world


def image(world: World) -> str:
    assert world.stable is not None
    return str(world.stable.template["spec"]["containers"][0]["image"])


PHASES = [
    pytest.param(lambda: run(World(), PLAN, 1), id="before the first traffic"),
    pytest.param(lambda: at_weight(25), id="at a step"),
    pytest.param(promoting, id="while stable is replaced"),
    pytest.param(stalled, id="after stable was not ready"),
    pytest.param(rolling_back, id="while it rolls back"),
    pytest.param(lambda: run(at_weight(25), PLAN, 30, BAD), id="after a rollback"),
    pytest.param(lambda: run(World(), PLAN, 150), id="after a promotion"),
]


@pytest.mark.parametrize("reach", PHASES)
def test_another_image_begins_at_zero_and_ends_promoted_from_everywhere(reach: Any) -> None:
    world = reach()
    before = len(world.weights)

    run(world, replace(PLAN, image=NEWER), 1)
    assert world.weight in (0, 5)
    run(world, replace(PLAN, image=NEWER), 200)

    assert list(dict.fromkeys(world.weights[before:])) == [0, 5, 25, 50, 100]
    assert (world.phase, image(world)) == (Phase.SUCCEEDED, NEWER)


@pytest.mark.parametrize(
    "reach", [pytest.param(promoting, id="promoting"), pytest.param(rolling_back, id="taken back")]
)
def test_a_broken_off_promotion_is_taken_back_from_stable_first(reach: Any) -> None:
    world = reach()

    for _ in range(3):
        world.tick(replace(PLAN, image=NEWER))

    assert image(world) == OLD
    assert world.status["stableImage"] == OLD


def test_gray_drains_before_its_pods_become_the_new_image() -> None:
    plan = replace(PLAN, drain=timedelta(seconds=5))
    world = at_weight(50, plan)
    other = replace(plan, image=NEWER)

    decision = world.tick(other)
    assert world.weight == 0
    assert [e for e in decision.effects if isinstance(e, Apply) and e.kind == "Deployment"] == []
    world.tick(other, after=timedelta(seconds=3))
    assert world.gray is not None
    assert world.gray.template["spec"]["containers"][0]["image"] == NEW
    world.tick(other, after=timedelta(seconds=3))

    assert world.gray.template["spec"]["containers"][0]["image"] == NEWER


def test_a_release_that_was_replaced_is_in_the_history() -> None:
    world = at_weight(50)

    run(world, replace(PLAN, image=NEWER), 200)

    history = [(one["image"], one["outcome"]) for one in world.status["history"]]
    assert history == [(NEW, "Superseded"), (NEWER, "Promoted")]


def test_back_to_the_image_that_stable_runs_ends_it() -> None:
    plan = replace(PLAN, gray_env=())
    world = promoting(plan)

    run(world, replace(plan, image=OLD), 20)

    assert (world.phase, image(world), world.weight) == (Phase.SUCCEEDED, OLD, 0)


@pytest.mark.parametrize("reach", PHASES[:3])
def test_another_template_of_stable_begins_again(reach: Any) -> None:
    world = reach()
    assert world.stable is not None
    template = a_template(image(world))
    template["spec"]["containers"][0]["resources"]["limits"]["memory"] = "1Gi"
    world.stable = replace(world.stable, template=template)

    world.serve(**GOOD)
    decision = world.tick(PLAN)

    assert world.weight == 0
    assert decision.events[0].reason is Reason.RESTARTED
    run(world, PLAN, 200)
    limits = world.stable.template["spec"]["containers"][0]["resources"]["limits"]
    assert (world.phase, image(world), limits["memory"]) == (Phase.SUCCEEDED, NEW, "1Gi")


def test_another_image_of_stable_begins_again() -> None:
    """Gray was held against a version that nobody runs any more."""
    world = at_weight(25, PLAN)
    assert world.stable is not None
    world.stable = replace(world.stable, template=a_template("ai-face-blur:1.0.1"))

    world.serve(**GOOD)
    decision = world.tick(PLAN)

    assert world.weight == 0
    assert decision.events[0].reason is Reason.RESTARTED
    assert "stable runs ai-face-blur:1.0.1 instead of" in decision.events[0].message
    assert world.status["stableImage"] == "ai-face-blur:1.0.1"
    run(world, PLAN, 200)
    assert (world.phase, image(world)) == (Phase.SUCCEEDED, NEW)
    world.command("undo")
    run(world, PLAN, 20)
    assert image(world) == "ai-face-blur:1.0.1"


@pytest.mark.parametrize(("replicas", "want"), [(6, 3), (1, 1)])
def test_other_replicas_of_stable_are_followed(replicas: int, want: int) -> None:
    plan = a_plan(hold=3600)
    world = at_weight(5, plan)
    world.command("promote-full")
    world = at_weight(50, a_plan())
    assert world.stable is not None
    assert world.gray is not None
    world.stable = replace(world.stable, replicas=replicas)

    run(world, PLAN, 2)

    assert (world.weight, world.gray.replicas) == (50, want)


def test_gray_does_not_shrink_with_a_stable_that_its_autoscaler_sees_idle() -> None:
    world = World()
    world.stable_scaler = Scaler("stable", 1, 10)
    while world.weight < 100:
        run(world, PLAN, 1)
    assert world.stable is not None
    world.stable = replace(world.stable, replicas=1, ready=1, updated=1, available=1, total=1)

    run(world, PLAN, 2)

    assert world.gray is not None
    assert world.gray.replicas == 3
    run(world, PLAN, 600)
    assert (world.phase, world.stable.replicas) == (Phase.SUCCEEDED, 1)


def test_an_autoscaler_of_gray_sets_its_size_between_the_raises() -> None:
    plan = a_plan(50, 100, hold=30)
    world = World()
    world.gray_scaler = Scaler("gray", 1, 8)
    while world.weight < 50:
        run(world, plan, 1)
    assert world.gray is not None
    world.gray = replace(world.gray, replicas=7)
    world.settle()

    run(world, plan, 5)

    assert world.gray.replicas == 7
    world.gray = replace(world.gray, replicas=1)
    world.settle()
    run(world, plan, 5)
    assert world.gray.replicas == 1
    while world.weight < 100:
        run(world, plan, 1)
    assert world.gray.replicas == 3
    run(world, plan, 100)
    assert (world.phase, world.gray.replicas) == (Phase.SUCCEEDED, 0)


def test_an_autoscaler_that_allows_too_little_is_named() -> None:
    plan = a_plan(100)
    world = World()
    world.gray_scaler = Scaler("gray", 1, 2)

    run(world, plan, 15)

    assert (world.weight, world.status["message"]) == (
        0,
        "2 gray pods ready, 3 needed for 100 %; HorizontalPodAutoscaler gray allows 2: "
        "raise its maximum",
    )


@pytest.mark.parametrize(
    ("weights", "want"),
    [
        pytest.param((5, 10, 25, 50, 100), 25, id="the weight is a later step"),
        pytest.param((25, 100), 25, id="the weight is an earlier step"),
        pytest.param((5, 20, 100), 20, id="the next lower step"),
        pytest.param((25, 26, 27, 100), 25, id="many steps close by"),
        pytest.param((30, 100), 0, id="no step is as low: from the beginning"),
    ],
)
def test_other_steps_keep_or_lower_the_weight(weights: tuple[int, ...], want: int) -> None:
    world = at_weight(25)
    edited = replace(PLAN, steps=a_plan(*weights, hold=3600).steps)

    world.serve(**GOOD)
    world.tick(edited)

    assert world.weight == want
    index = world.status["currentStepIndex"]
    assert weights[index] == want or want == 0


@pytest.mark.parametrize("reach", PHASES[2:])
def test_one_step_instead_of_four_harms_no_phase(reach: Any) -> None:
    world = reach()
    before = world.weight

    run(world, replace(PLAN, steps=a_plan(100).steps), 1)

    assert world.weight <= before


def test_other_objectives_are_judged_from_nothing_before_the_weight_rises() -> None:
    world = at_weight(25)
    run(world, PLAN, 9)
    assert world.status["verdict"] == "Pass"
    edited = replace(PLAN, objectives=(a_ratio(allowed=0.001), a_ratio("another")))

    for _ in range(30):
        world.now += timedelta(seconds=1)
        decision = world.look(edited)
        assert decision.effects == ()
        world.status = decision.status or world.status
        world.memory = decision.memory

    assert (world.status["verdict"], world.weight) == ("Insufficient", 25)
    run(world, edited, 20)
    assert world.weight > 25


def test_a_status_without_digest_keeps_its_evidence() -> None:
    world = at_weight(25)
    run(world, PLAN, 3)
    assert world.memory is not None
    world.memory = replace(world.memory, settled=replace(world.memory.state, judged=""), spell=None)
    counted = world.memory.state.slos[0].gray.total

    run(world, PLAN, 1)

    assert world.memory is not None
    assert world.memory.state.slos[0].gray.total == counted > 0


def test_the_end_of_a_suspension_proves_nothing() -> None:
    """Hold over, verdict Pass, and an hour of silence: the weight waits for new samples."""
    world = at_weight(25)
    run(world, PLAN, 9)
    for _ in range(60):
        world.tick(replace(PLAN, suspended=True), after=timedelta(minutes=1))
    assert (world.phase, world.weight) == (Phase.SUSPENDED, 25)

    for _ in range(30):
        world.tick(PLAN, samples=NoSamples(world.now, "connection refused"))
    assert (world.phase, world.weight) == (Phase.PROGRESSING, 25)
    run(world, PLAN, 5)
    assert world.weight in (25, 50)
    run(world, PLAN, 100)
    assert world.phase is Phase.SUCCEEDED


def test_a_suspension_of_the_wait_for_gray_does_not_count_for_its_deadline() -> None:
    plan = a_plan(progress_deadline=timedelta(minutes=5))
    world = World()
    world.tick(plan)
    for _ in range(10):
        world.tick(replace(plan, suspended=True), after=timedelta(minutes=1))

    world.tick(plan)

    assert world.phase is Phase.PROGRESSING


def test_a_broken_ingress_and_another_image_together_leave_gray_as_it_was() -> None:
    """What gray serves may not change before it is at 0 %."""
    world = at_weight(50)
    world.ingress = None

    run(world, replace(PLAN, image=NEWER), 5)

    assert world.gray is not None
    assert (world.weight, world.gray.template["spec"]["containers"][0]["image"]) == (50, NEW)
    world.ingress = an_ingress()
    run(world, replace(PLAN, image=NEWER), 1)
    assert world.weight == 0


def test_edited_steps_before_the_first_traffic_begin_with_the_first() -> None:
    world = World()
    world.tick(PLAN)

    run(world, replace(PLAN, steps=a_plan(40, 100).steps), 3)

    assert (world.weight, world.status["step"]) == (40, "1/2")


@pytest.mark.parametrize("reach", PHASES)
def test_everything_made_belongs_to_the_rollout(reach: Any) -> None:
    """So a deletion at any phase leaves stable with its traffic, whether we run or not."""
    world = reach()

    made = [one for one in (world.gray_service, world.gray_ingress) if one is not None]
    for one in made:
        [owner] = one.manifest["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == ("rollout-uid", True)
        assert "finalizers" not in one.manifest["metadata"]
    assert world.gray is not None
    assert world.gray.owner_uid == "rollout-uid"


def test_gray_that_is_deleted_under_traffic_loses_it() -> None:
    world = at_weight(25)
    world.gray = None

    world.serve(**GOOD)
    decision = world.tick(PLAN)

    assert decision.events[0].reason is Reason.GRAY_LOST_READINESS
    assert (world.weight, world.phase) == (0, Phase.ROLLING_BACK)


def test_a_hold_of_the_lower_step_begins_anew() -> None:
    world = at_weight(50)
    edited = replace(PLAN, steps=(Step(40, timedelta(seconds=30)), Step(100, timedelta(0))))

    run(world, edited, 20)
    assert world.weight == 40
    run(world, edited, 20)

    assert world.weight == 100 or world.phase is not Phase.PROGRESSING
