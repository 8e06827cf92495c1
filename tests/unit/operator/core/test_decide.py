"""The life of a rollout as stories: what is set, in which order, and why."""

import json
from dataclasses import replace
from datetime import timedelta
from math import nan
from typing import Any

import pytest
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.world import World, a_template, a_workload, an_ingress

from faceblur_operator.api.reasons import Phase, Reason, Verdict
from faceblur_operator.core.effects import Apply, Delete, PatchTemplate
from faceblur_operator.core.plan import OnSharedBreach, Plan
from faceblur_operator.core.snapshot import KubeObject, NoSamples, Samples, Series

Traffic = dict[str, int]
GOOD: Traffic = {"gray": 50, "stable": 200}
BAD: Traffic = {"gray": 50, "bad": 20, "stable": 200}
OUTAGE: Traffic = {"gray": 50, "bad": 15, "stable": 200, "stable_bad": 60}


def run(world: World, plan: Plan, seconds: int, traffic: Traffic = GOOD) -> None:
    for _ in range(seconds):
        world.serve(**traffic)
        world.tick(plan)
        world.settle()


def at_weight(weight: int, plan: Plan, world: World | None = None) -> World:
    """Return a world in which this weight has just been set."""
    world = world or World()
    for _ in range(500):
        if world.weight == weight:
            return world
        run(world, plan, 1)
    raise AssertionError(f"never reached {weight} %: {world.status['message']}")


def at_promotion(plan: Plan) -> World:
    """Return a world in which stable has just got the new template and none of its pods is new."""
    world = at_weight(100, plan)
    world.settle()
    while world.phase is not Phase.PROMOTING:
        world.serve(**GOOD)
        world.tick(plan)
    return world


def images(world: World) -> list[str]:
    assert world.stable is not None
    return [one["image"] for one in world.stable.template["spec"]["containers"]]


def test_a_good_version_goes_up_the_ladder_and_becomes_stable() -> None:
    world, plan = World(), a_plan()

    run(world, plan, 120)

    rungs = [
        w for w, before in zip(world.weights, [None, *world.weights], strict=False) if w != before
    ]
    assert rungs == [0, 5, 25, 50, 100, 0]
    assert world.phase is Phase.SUCCEEDED
    assert images(world) == ["ai-face-blur:1.1-gray"]
    assert world.status["stableImage"] == "ai-face-blur:1.1-gray"
    assert world.gray_ingress is None
    assert world.gray is not None
    assert world.gray.replicas == 0


def test_every_decision_to_go_on_tells_its_evidence() -> None:
    world, plan = World(), a_plan()

    run(world, plan, 120)

    told = [one["message"] for one in world.decided]
    assert told[1] == "5 % to gray (step 1 of 4)"
    assert told[2].startswith("25 % to gray (step 2 of 4); success: 0 of ")
    assert told[5].startswith("stable gets ai-face-blur:1.1-gray; success: 0 of ")


def test_the_promoted_template_is_the_analysed_one_with_its_variables() -> None:
    world, plan = World(), a_plan()
    at_weight(100, plan, world)
    assert world.gray is not None
    analysed = world.gray.template["spec"]

    run(world, plan, 60)

    assert world.stable is not None
    assert world.stable.template["spec"] == analysed


def test_a_breach_takes_all_traffic_back_before_anything_else_is_written() -> None:
    plan = a_plan()
    world = at_weight(25, plan)

    world.serve(**BAD)
    world.tick(plan)
    world.serve(**BAD)
    decision = world.tick(plan)

    first = decision.effects[0]
    assert isinstance(first, Apply)
    annotations = first.manifest["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/canary-weight"] == "0"
    assert "nginx.ingress.kubernetes.io/canary-by-header" not in annotations
    assert (world.phase, world.weight) == (Phase.ROLLING_BACK, 0)
    assert [event.reason for event in decision.events] == [Reason.SLO_BREACHED]


def test_gray_keeps_its_pods_until_it_has_drained() -> None:
    plan = a_plan(drain=timedelta(seconds=5))
    world = at_weight(25, plan)

    run(world, plan, 5, BAD)

    assert (world.phase, world.gray and world.gray.replicas) == (Phase.ROLLING_BACK, 1)
    run(world, plan, 6)
    assert (world.phase, world.gray and world.gray.replicas) == (Phase.ROLLED_BACK, 1)
    run(world, plan, 30)
    assert (world.phase, world.gray and world.gray.replicas) == (Phase.ROLLED_BACK, 0)
    assert world.gray_ingress is None
    assert images(world) == ["ai-face-blur:1.0"]


def test_after_a_promotion_gray_drains_before_its_pods_go() -> None:
    """Without a delay too: its last answers are on their way when stable takes over."""
    plan = a_plan(drain=timedelta(seconds=5), scale_down_delay=timedelta(0))
    world = at_promotion(plan)
    while world.phase is not Phase.SUCCEEDED:
        run(world, plan, 1)

    run(world, plan, 4)
    assert (world.gray_ingress, world.gray and world.gray.replicas) == (None, 3)
    run(world, plan, 2)
    assert world.gray is not None
    assert world.gray.replicas == 0


def test_a_rolled_back_revision_stays_rolled_back() -> None:
    plan = a_plan()
    world = at_weight(25, plan)
    run(world, plan, 20, BAD)

    run(world, plan, 200)

    assert world.phase is Phase.ROLLED_BACK
    assert max(world.weights[-200:]) == 0


def test_another_image_after_a_rollback_is_a_new_rollout() -> None:
    plan = a_plan()
    world = at_weight(25, plan)
    run(world, plan, 20, BAD)

    run(world, replace(plan, image="ai-face-blur:1.1.1"), 120)

    assert (world.phase, images(world)) == (Phase.SUCCEEDED, ["ai-face-blur:1.1.1"])
    assert [one["outcome"] for one in world.status["history"]] == ["RolledBack", "Promoted"]


def test_another_image_in_the_middle_begins_again_from_zero() -> None:
    plan = a_plan()
    world = at_weight(50, plan)
    other = replace(plan, image="ai-face-blur:1.2")

    decision = world.tick(other)

    assert world.weight == 0
    assert isinstance(decision.effects[0], Delete)
    assert decision.events[0].reason is Reason.RESTARTED
    assert world.status["slos"] == []


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(lambda w: NoSamples(w.now, "connection refused"), id="Prometheus is down"),
        pytest.param(lambda w: Samples(w.now, {}), id="every answer is empty"),
        pytest.param(
            lambda w: Samples(w.now, {"success:gray:total": (Series((("pod", "a"),), nan),)}),
            id="NaN and half the series",
        ),
    ],
)
def test_no_data_neither_raises_nor_lowers_the_weight(samples: Any) -> None:
    plan = a_plan()
    world = at_weight(25, plan)

    for _ in range(300):
        world.tick(plan, samples=samples(world))
        world.settle()

    assert (world.phase, world.weight) == (Phase.PROGRESSING, 25)
    assert world.status["verdict"] in (Verdict.NO_DATA, Verdict.ERROR)


def test_no_data_for_longer_than_allowed_follows_the_policy() -> None:
    plan = a_plan(no_data_rollback_after=timedelta(seconds=60))
    world = at_weight(25, plan)

    for _ in range(70):
        world.tick(plan, samples=NoSamples(world.now, "connection refused"))

    assert world.phase is Phase.ROLLED_BACK
    assert "connection refused" in world.status["message"]


def test_old_samples_do_not_raise_the_weight() -> None:
    """Prometheus hangs: nothing arrives, the last verdict was Pass, and time goes by."""
    plan = a_plan(hold=30)
    world = at_weight(25, plan)
    run(world, plan, 10)
    assert world.status["verdict"] == Verdict.PASS

    for _ in range(100):
        world.now += timedelta(seconds=1)
        decision = world.look(plan)
        assert decision.effects == ()
        world.memory = decision.memory
        world.status = decision.status or world.status

    assert (world.status["verdict"], world.weight) == (Verdict.NO_DATA, 25)


def test_a_shared_outage_holds_and_its_end_lets_the_rollout_go_on() -> None:
    plan = a_plan()
    world = at_weight(25, plan)

    run(world, plan, 60, OUTAGE)

    assert (world.phase, world.weight) == (Phase.PROGRESSING, 25)
    run(world, plan, 200)
    assert world.phase is Phase.SUCCEEDED


def test_a_shared_outage_rolls_back_where_the_user_wants_it() -> None:
    plan = a_plan(on_shared_breach=OnSharedBreach.ROLLBACK)
    world = at_weight(25, plan)

    run(world, plan, 30, OUTAGE)

    assert world.phase is Phase.ROLLED_BACK


def test_worse_than_stable_is_a_breach_during_an_outage_too() -> None:
    plan = a_plan(objectives=(a_ratio(max_ratio=1.5),))
    world = at_weight(25, plan)

    run(world, plan, 20, {"gray": 50, "bad": 40, "stable": 200, "stable_bad": 20})

    assert world.phase is Phase.ROLLED_BACK
    assert (
        "worse than stable" in world.status["message"] or "bad, allowed" in world.status["message"]
    )


def test_low_traffic_holds_and_says_how_much_is_missing() -> None:
    plan = a_plan()
    world = at_weight(5, plan)

    for second in range(120):
        world.serve(gray=1 if second % 30 == 0 else 0, stable=5)
        world.tick(plan)
        world.settle()

    assert (world.phase, world.weight) == (Phase.PROGRESSING, 5)
    assert "more requests needed" in world.status["message"]


@pytest.mark.parametrize(
    ("breaches", "want"),
    [
        pytest.param(2, Phase.PROGRESSING, id="two of three in a row"),
        pytest.param(3, Phase.ROLLING_BACK, id="three in a row"),
    ],
)
def test_a_gauge_breaches_after_its_failure_limit(breaches: int, want: Phase) -> None:
    plan = a_plan(objectives=(a_ratio(), a_gauge(maximum=20.0, failure_limit=3)))
    world = at_weight(5, a_plan())
    world.memory, world.status["memory"] = None, world.status["memory"]

    for _ in range(breaches):
        world.serve(**GOOD)
        samples = world.samples(a_plan())
        queue = {"queue:gray:value": (Series((), 21.0),)}
        world.tick(plan, samples=Samples(world.now, {**samples.series, **queue}))

    assert world.phase is want


def test_a_gauge_with_several_series_is_an_error_not_a_guess() -> None:
    plan = a_plan(objectives=(a_gauge(),))
    world = at_weight(5, a_plan())

    two = (Series((("pod", "a"),), 1.0), Series((("pod", "b"),), 99.0))
    world.tick(plan, samples=Samples(world.now, {"queue:gray:value": two}))

    assert world.status["slos"][0]["verdict"] == Verdict.ERROR
    assert "2 series where one is wanted" in world.status["slos"][0]["message"]


def test_gray_is_ready_before_it_gets_its_weight() -> None:
    world, plan = World(), a_plan()

    for _ in range(10):
        decision = world.tick(plan)

    assert (world.weight, world.gray_ingress) == (0, None)
    assert decision.state.message == "0 gray pods ready, 1 needed for 5 %"
    world.settle()
    world.tick(plan)
    assert world.weight == 5


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"ready": 0}, id="settled but not ready"),
        pytest.param({"updated": 0}, id="the ready pod is an old one"),
        pytest.param({"settled": False}, id="the controller has not looked yet"),
    ],
)
def test_gray_gets_no_traffic_while_it_cannot_carry_it(state: dict[str, Any]) -> None:
    world, plan = World(), a_plan()
    world.tick(plan)
    world.settle()
    assert world.gray is not None
    world.gray = replace(world.gray, **state)

    world.tick(plan)

    assert world.weight == 0


def test_gray_that_never_gets_ready_is_given_up_at_the_deadline() -> None:
    world, plan = World(), a_plan(progress_deadline=timedelta(seconds=60))

    for _ in range(70):
        world.tick(plan)

    assert world.phase is Phase.ROLLED_BACK
    assert world.status["history"][-1]["message"].startswith("0 gray pods ready after 60 s")


def test_gray_that_loses_readiness_is_rolled_back_without_a_metric() -> None:
    plan = a_plan()
    world = at_weight(25, plan)
    assert world.gray is not None
    world.gray = replace(world.gray, ready=0, available=0)

    decision = world.look(plan)

    assert decision.events[0].reason is Reason.GRAY_LOST_READINESS


def test_stable_that_does_not_get_ready_is_put_back_and_gray_keeps_the_traffic() -> None:
    plan = a_plan(progress_deadline=timedelta(seconds=30))
    world = at_promotion(plan)

    for _ in range(40):
        world.serve(**GOOD)
        world.tick(plan)

    assert (world.phase, world.weight) == (Phase.PAUSED, 100)
    assert images(world) == ["ai-face-blur:1.0"]
    assert world.stable is not None
    assert world.stable.template["spec"] == a_template()["spec"]


def test_once_put_back_stable_belongs_to_its_owner_again() -> None:
    plan = a_plan(progress_deadline=timedelta(seconds=30))
    world = at_promotion(plan)
    for _ in range(40):
        world.serve(**GOOD)
        world.tick(plan)
    world.settle()

    world.stable = a_workload("face-blur-stable", a_template("ai-face-blur:1.0.1"))
    world.serve(**GOOD)
    decision = world.tick(plan)

    assert [one for one in decision.effects if isinstance(one, PatchTemplate)] == []
    assert images(world) == ["ai-face-blur:1.0.1"]


def test_a_breach_during_promotion_goes_back_to_the_old_version() -> None:
    plan = a_plan()
    world = at_promotion(plan)

    for _ in range(3):
        world.serve(**BAD)
        world.tick(plan)

    assert world.weight == 0
    assert images(world) == ["ai-face-blur:1.0"]


def test_an_image_that_stable_already_runs_needs_no_rollout() -> None:
    world = World(
        stable=a_workload("face-blur-stable", a_template("ai-face-blur:1.1-gray")), gray=None
    )

    decision = world.tick(a_plan(gray_env=()))

    assert (world.phase, decision.effects) == (Phase.SUCCEEDED, ())
    assert (
        world.status["message"] == "stable already runs ai-face-blur:1.1-gray; nothing to release"
    )


def test_suspend_leaves_the_traffic_as_it_is() -> None:
    plan = a_plan()
    world = at_weight(25, plan)

    for _ in range(60):
        world.serve(**BAD)
        decision = world.tick(replace(plan, suspended=True))
        assert decision.effects == ()

    assert (world.phase, world.weight) == (Phase.SUSPENDED, 25)


def test_a_weight_edited_by_hand_is_put_back_and_never_taken_as_truth() -> None:
    plan = a_plan()
    world = at_weight(25, plan)
    assert world.gray_ingress is not None
    manifest = world.gray_ingress.manifest
    edited = {
        **manifest,
        "metadata": {
            **manifest["metadata"],
            "annotations": {
                **manifest["metadata"]["annotations"],
                "nginx.ingress.kubernetes.io/canary-weight": "100",
            },
        },
    }
    world.gray_ingress = replace(world.gray_ingress, manifest=edited)

    decision = world.tick(plan)

    assert world.weight == 25
    assert decision.events[0].reason is Reason.REPAIRED
    drifted = next(one for one in world.status["conditions"] if one["type"] == "Drifted")
    assert drifted["message"] == (
        "Ingress face-blur-ingress-gray was changed by somebody else; put back to 25 %"
    )


def test_a_gray_ingress_deleted_by_hand_comes_back_at_its_weight() -> None:
    plan = a_plan()
    world = at_weight(25, plan)
    world.gray_ingress = None

    decision = world.tick(plan)

    assert (world.weight, decision.events[0].reason) == (25, Reason.REPAIRED)


def test_a_change_of_the_stable_ingress_flows_through_without_an_alarm() -> None:
    plan = a_plan()
    world = at_weight(25, plan)
    world.ingress = an_ingress(tls=[{"hosts": ["blur.example"], "secretName": "tls"}])

    decision = world.tick(plan)

    assert world.gray_ingress is not None
    assert world.gray_ingress.manifest["spec"]["tls"] == [
        {"hosts": ["blur.example"], "secretName": "tls"}
    ]
    assert decision.events == ()


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(None, id="the stable Ingress is gone"),
        pytest.param(an_ingress(rules=[{"host": "a.example"}]), id="its rule has no paths"),
    ],
)
def test_a_rollback_works_while_the_stable_ingress_is_broken(broken: KubeObject | None) -> None:
    plan = a_plan()
    world = at_weight(25, plan)
    world.ingress = broken

    run(world, plan, 20, BAD)

    assert (world.phase, world.weight) == (Phase.ROLLED_BACK, 0)


def test_a_broken_stable_ingress_stops_the_way_up() -> None:
    plan = a_plan()
    world = at_weight(25, plan)
    world.ingress = None

    run(world, plan, 100)

    assert (world.phase, world.weight) == (Phase.INVALID, 25)
    assert (
        world.status["message"] == "Ingress demo/face-blur-ingress does not exist; create it first"
    )


def test_a_second_look_at_the_same_world_writes_nothing() -> None:
    plan = a_plan()
    world = at_weight(25, plan)
    world.serve(**GOOD)
    world.tick(plan)
    world.settle()

    again = world.look(plan)

    assert (again.effects, again.events) == ((), ())


def test_a_restarted_operator_goes_on_from_the_evidence_in_the_status() -> None:
    plan = a_plan(hold=30)
    world = at_weight(25, plan)
    run(world, plan, 15)
    told = world.status["slos"][0]["grayRequests"]

    world.memory = None
    run(world, plan, 12)

    assert world.status["slos"][0]["grayRequests"] >= told
    assert world.weight == 25


def test_the_status_stays_small() -> None:
    slos = tuple(a_ratio(f"slo-{i}", max_ratio=1.5) for i in range(8))
    plan = a_plan(objectives=slos)
    world = at_weight(50, plan)
    run(world, plan, 5, {"gray": 333, "bad": 1, "stable": 777, "stable_bad": 2})

    assert len(world.status["memory"].encode()) < 4096


def test_a_long_life_does_not_make_the_status_grow() -> None:
    """Eight objectives, a full history, a breach in words: what people and we need, no more."""
    names = ("latency", "success", "accuracy", "recall", "errors", "no-worse", "own", "other")
    slos = tuple(a_ratio(name, max_ratio=1.5) for name in names)
    world, sizes = World(), []
    for version in range(10):
        plan = a_plan(objectives=slos, image=f"ai-face-blur:1.{version}", hold=2)
        traffic = GOOD if version % 2 else BAD
        run(world, plan, 60, traffic)
        text = json.dumps(world.status, separators=(",", ":"), ensure_ascii=False)
        sizes.append(len(text.encode()))

    assert len(world.status["history"]) == 6
    assert max(sizes) < 10240
    assert len(world.status["memory"].encode()) < 2500
