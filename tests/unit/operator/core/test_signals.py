"""Signals of gray's pods and of its configuration, as stories of whole releases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.builders import a_plan
from tests.support.world import World, a_container, a_pod

from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core.decision import Event
from faceblur_operator.core.effects import Apply
from faceblur_operator.core.pods import PATIENCE
from faceblur_operator.core.report import REFRESH
from faceblur_operator.core.snapshot import Mount, NoSamples, Pod

PLAN = a_plan()
CRASH = a_container(waiting="CrashLoopBackOff", ended="Error", exit_code=3, restarts=1)
CRASHED = "pod gray-1, container processor crashes again and again: Error, exit code 3, 1 restart"
CONFIG = "faceblur.dev/config"


def at_five_percent(**changes: object) -> World:
    world = World(**changes)  # type: ignore[arg-type]  # fields of the world
    for _ in range(60):
        world.serve(gray=50, stable=200)
        world.tick(PLAN)
        world.settle()
        if world.weight == 5:
            return world
    raise AssertionError(world.status["message"])


def test_a_crash_loop_is_rolled_back_at_the_next_look_without_prometheus() -> None:
    world = at_five_percent()
    world.gray_pods = (a_pod(CRASH, created=world.now, phase="Running"),)

    decision = world.tick(PLAN, samples=NoSamples(world.now, "Prometheus is down"))

    assert (world.weight, world.phase) == (0, Phase.ROLLING_BACK)
    last = world.status["decisions"][-1]
    assert (last["reason"], last["message"], last["toWeight"]) == ("GrayCrashing", CRASHED, 0)
    told = [(one.reason, one.message, one.is_warning) for one in decision.events]
    assert told == [(Reason.GRAY_CRASHING, CRASHED, True)]


def test_a_crash_loop_before_any_traffic_ends_the_release() -> None:
    world = World()
    world.tick(PLAN)
    world.gray_pods = (a_pod(CRASH, created=world.now),)

    decision = world.tick(PLAN)
    assert decision.look_again is not None
    world.tick(PLAN, after=decision.look_again)

    # Nobody could reach gray, so there is nothing to drain.
    assert decision.look_again < timedelta(seconds=1)
    assert (world.phase, max(world.weights)) == (Phase.ROLLED_BACK, 0)
    assert world.status["message"] == CRASHED


def test_pods_of_the_template_before_are_not_blamed_on_the_new_one() -> None:
    world = at_five_percent()
    world.gray_pods = (a_pod(CRASH, created=world.now),)

    decision = world.tick(replace(PLAN, image="ai-face-blur:1.2"))

    assert [one.reason for one in decision.events] == [Reason.RESTARTED]
    assert world.phase is Phase.PROGRESSING


def test_what_keeps_gray_from_being_ready_is_in_the_message() -> None:
    world = World()
    world.tick(PLAN)
    world.gray_pods = (a_pod(reason="Unschedulable", message="0/1 nodes are available"),)

    world.tick(PLAN, after=REFRESH)
    waits = world.status["message"]
    world.tick(PLAN, after=PLAN.progress_deadline)

    assert waits.startswith(
        "0 gray pods ready (pod gray-1: Unschedulable: 0/1 nodes are available), 1 needed"
    )
    assert "pod gray-1: Unschedulable" in world.status["message"]
    assert world.status["decisions"][-1]["reason"] == "GrayNotReady"


def test_a_quota_that_stops_all_pods_is_in_the_message() -> None:
    world = World()
    world.tick(PLAN)
    assert world.gray is not None
    world.gray = replace(world.gray, failure="exceeded quota: pods")

    world.tick(PLAN, after=REFRESH)

    assert "(exceeded quota: pods)" in world.status["message"]


def test_patience_with_the_registry_is_looked_at_when_it_ends() -> None:
    world = World()
    world.tick(PLAN)
    pull = a_container(waiting="ErrImagePull", message="i/o timeout")
    world.gray_pods = (a_pod(pull, created=world.now),)

    decision = world.tick(PLAN)
    assert decision.look_again == PATIENCE - timedelta(seconds=1)
    assert world.phase is Phase.PROGRESSING
    world.tick(PLAN, after=decision.look_again)

    assert world.status["decisions"][-1]["reason"] == "GrayImageNotPullable"


def pulled(digit: str, name: str) -> Pod:
    image = a_container(image_id=f"registry/x@sha256:{digit * 64}", is_ready=True)
    return a_pod(image, name=name, phase="Running", is_ready=True)


def test_a_moved_tag_stops_every_raise_and_no_traffic_is_taken_away() -> None:
    world = at_five_percent()
    world.gray_pods = (pulled("1", "a"), pulled("2", "b"))

    for _ in range(60):
        world.serve(gray=50, stable=200)
        world.tick(PLAN)
        world.settle()

    assert (world.weight, world.phase) == (5, Phase.PROGRESSING)
    assert "the tag of ai-face-blur:1.1-gray was moved" in world.status["message"]


def test_a_tag_that_moves_before_stable_gets_it_never_becomes_stable() -> None:
    world = at_five_percent()
    for _ in range(300):
        world.serve(gray=50, stable=200)
        world.tick(PLAN)
        world.settle()
        if world.phase is Phase.PROMOTING:
            break
    world.gray_pods, world.stable_pods = (pulled("1", "gray"),), (pulled("2", "stable"),)

    for _ in range(5):
        world.tick(PLAN)
        world.settle()

    assert world.stable is not None
    image = world.stable.template["spec"]["containers"][0]["image"]
    assert (world.phase, world.weight, image) == (Phase.PAUSED, 100, "ai-face-blur:1.0")
    assert world.status["decisions"][-1]["reason"] == "ImageMoved"


def gray_config(world: World) -> str | None:
    assert world.gray is not None
    annotations = world.gray.template["metadata"].get("annotations") or {}
    return annotations.get(CONFIG)


def test_a_changed_config_map_begins_again_from_zero_with_new_pods() -> None:
    world = at_five_percent(mounts=(Mount("ConfigMap", "settings", "1"),))
    before = gray_config(world)
    world.mounts = (Mount("ConfigMap", "settings", "2"),)

    decision = world.tick(PLAN)

    why = "a ConfigMap or Secret that ai-face-blur:1.1-gray uses changed; beginning again from 0 %"
    told = [(one["reason"], one["message"]) for one in world.status["decisions"]]
    assert (world.weight, ("Restarted", why) in told) == (0, True)
    assert Event(Reason.RESTARTED, why) in decision.events
    for _ in range(20):
        world.serve(gray=50, stable=200)
        world.tick(PLAN)
        world.settle()
    assert before != gray_config(world) is not None


@pytest.mark.parametrize("mounts", [(), (Mount("ConfigMap", "settings", "1"),)])
def test_mounts_that_cannot_be_read_or_did_not_change_change_nothing(
    mounts: tuple[Mount, ...],
) -> None:
    world = at_five_percent(mounts=(Mount("ConfigMap", "settings", "1"),))
    before = gray_config(world)
    world.mounts, world.memory = mounts, None

    decision = world.tick(PLAN)

    assert (world.weight, gray_config(world)) == (5, before)
    assert not [one for one in decision.effects if isinstance(one, Apply)]


def test_mounts_that_are_seen_in_the_middle_only_renew_the_pods() -> None:
    world = at_five_percent()
    world.mounts = (Mount("Secret", "password", "1"),)

    world.tick(PLAN)
    world.settle()

    assert world.weight == 5
    assert gray_config(world) is not None


def test_a_change_after_a_rollback_or_a_promotion_starts_nothing() -> None:
    world = at_five_percent(mounts=(Mount("Secret", "password", "1"),))
    world.gray_pods = (a_pod(CRASH, created=world.now),)
    for _ in range(10):
        world.tick(PLAN)
    world.gray_pods = ()
    world.mounts = (Mount("Secret", "password", "2"),)

    world.tick(PLAN)

    assert world.phase is Phase.ROLLED_BACK
