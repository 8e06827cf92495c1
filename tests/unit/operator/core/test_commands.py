"""Commands of people: what each does at each stage, once, and what is written down about it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.builders import a_plan
from tests.support.world import World, a_template, an_ingress

from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core.commands import Command, Verb, read
from faceblur_operator.core.plan import Plan, Step
from faceblur_operator.core.snapshot import NoSamples

GOOD = {"gray": 50, "stable": 200}
BAD = {"gray": 50, "bad": 20, "stable": 200}
PLAN = a_plan()
OLD, NEW = "ai-face-blur:1.0", "ai-face-blur:1.1-gray"


def run(world: World, plan: Plan, seconds: int, traffic: dict[str, int] = GOOD) -> None:
    for _ in range(seconds):
        world.serve(**traffic)
        world.tick(plan)
        world.settle()


def until(world: World, plan: Plan, phase: Phase) -> World:
    for _ in range(300):
        if world.status and world.phase is phase:
            return world
        world.serve(**GOOD)
        world.tick(plan)
        if phase is not Phase.PROMOTING or world.phase is not Phase.PROMOTING:
            world.settle()
    raise AssertionError(f"never {phase}: {world.status['message']}")


def at_weight(weight: int, plan: Plan = PLAN) -> World:
    world = World()
    for _ in range(300):
        if world.weight == weight and world.status["grayWeight"] == weight:
            return world
        run(world, plan, 1)
    raise AssertionError(f"never reached {weight} %: {world.status['message']}")


def obey(world: World, plan: Plan, text: str) -> None:
    """Give a command and let the operator look until nothing of it is left."""
    world.command(text)
    for _ in range(6):
        world.serve(**GOOD)
        world.tick(plan)
        if not world.annotations:
            return
    raise AssertionError("the command stays on the rollout")


def image(world: World) -> str:
    assert world.stable is not None
    return str(world.stable.template["spec"]["containers"][0]["image"])


def last_reason(world: World) -> str:
    return str(world.decided[-1]["reason"])


def asking(weight: int) -> Plan:
    """Return a plan in which the step of this weight wants approval."""
    steps = tuple(replace(one, approval=one.weight == weight) for one in PLAN.steps)
    return replace(PLAN, steps=steps)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("promote", (Verb.PROMOTE, "promote", "a user", "", ""), id="a bare verb"),
        pytest.param(" abort\n", (Verb.ABORT, " abort ", "a user", "", ""), id="with white space"),
        pytest.param("undo=abc", (Verb.UNDO, "undo=abc", "a user", "", "abc"), id="a revision"),
        pytest.param("abort=abc", (None, "abort=abc", "a user", "", ""), id="only undo has one"),
        pytest.param("Promote", (None, "Promote", "a user", "", ""), id="another spelling"),
        pytest.param("", (None, "", "a user", "", ""), id="nothing"),
        pytest.param("{", (None, "{", "a user", "", ""), id="broken JSON"),
        pytest.param(
            '{"verb":"undo","by":"ann","at":"10:00","revision":"abc"}',
            (Verb.UNDO, "undo", "ann", "10:00", "abc"),
            id="everything",
        ),
        pytest.param('{"verb":7,"by":null}', (None, "7", "a user", "", ""), id="of other types"),
        pytest.param(
            '{"verb":"abort","by":"' + "a" * 99 + '"}',
            (Verb.ABORT, "abort", "a" * 64 + "…", "", ""),
            id="a name without end",
        ),
    ],
)
def test_a_command_is_read(text: str, want: tuple[Any, ...]) -> None:
    one = read(text)
    revision = "" if one.verb is None else one.revision

    assert (one.verb, one.said, one.by, one.at, revision) == want


def test_two_texts_are_two_commands() -> None:
    assert read('{"verb":"promote","id":"1"}').digest != read('{"verb":"promote","id":"2"}').digest
    assert isinstance(read("promote"), Command)


def test_promote_skips_the_hold_and_the_wait_for_evidence_of_one_step() -> None:
    plan = a_plan(hold=3600)
    world = at_weight(5, plan)

    world.command('{"verb":"promote","by":"ann","at":"2026-01-01T10:00:00Z"}')
    world.tick(plan)
    world.settle()
    run(world, plan, 20)

    assert world.weight == 25
    assert world.decided[-2] == {
        "time": "2026-01-01T00:00:03Z",
        "action": "promote",
        "reason": "Commanded",
        "message": "promote by ann at 2026-01-01T10:00:00Z",
        "by": "ann",
    }


@pytest.mark.parametrize("verb", ["promote", "promote-full"])
def test_promote_never_goes_past_a_breach(verb: str) -> None:
    world = at_weight(25)

    world.serve(**BAD)
    world.tick(PLAN)
    world.serve(**BAD)
    world.command(verb)
    world.tick(PLAN)

    assert (world.phase, world.weight) == (Phase.ROLLING_BACK, 0)


def test_promote_waits_until_gray_can_carry_the_weight() -> None:
    plan = a_plan(5, 100, hold=3600)
    world = at_weight(5, plan)

    world.command("promote")
    for _ in range(5):
        world.serve(**GOOD)
        world.tick(plan)

    assert (world.weight, world.status["message"]) == (5, "1 gray pods ready, 3 needed for 100 %")
    world.settle()
    world.tick(plan)
    assert world.weight == 100


def test_promote_goes_on_while_prometheus_is_down() -> None:
    world = at_weight(5)

    world.command("promote")
    for _ in range(3):
        world.tick(PLAN, samples=NoSamples(world.now, "connection refused"))

    assert world.weight == 25
    for _ in range(60):
        world.tick(PLAN, samples=NoSamples(world.now, "connection refused"))
        world.settle()
    assert world.weight == 25


def test_promote_full_goes_to_all_traffic_and_then_to_stable() -> None:
    plan = a_plan(hold=3600)
    world = at_weight(5, plan)

    world.command("promote-full")
    run(world, plan, 10)

    rungs = [w for w, b in zip(world.weights, [None, *world.weights], strict=False) if w != b]
    assert (rungs, world.phase, image(world)) == ([0, 5, 100, 0], Phase.SUCCEEDED, NEW)


def test_promote_full_before_the_first_traffic_needs_a_ready_gray_only() -> None:
    plan = a_plan(hold=3600)
    world = World()
    world.tick(plan)

    world.command("promote-full")
    world.tick(plan)
    assert world.weight == 0
    run(world, plan, 10)

    assert (world.phase, max(world.weights)) == (Phase.SUCCEEDED, 100)


def test_approval_is_asked_after_the_hold_and_waits_for_a_person() -> None:
    plan = asking(25)
    world = at_weight(25, plan)

    run(world, plan, 300)

    paused = next(one for one in world.status["conditions"] if one["type"] == "Paused")
    assert (world.phase, world.weight) == (Phase.PAUSED, 25)
    assert (paused["status"], paused["reason"]) == ("True", "WaitingForApproval")
    assert world.status["message"] == (
        "step 2 of 4 (25 %) is over and waits for a person: kubectl faceblur promote face-blur"
    )
    world.memory = None
    run(world, plan, 5)
    assert world.phase is Phase.PAUSED
    obey(world, plan, "promote")
    run(world, plan, 2)
    assert (world.phase, world.weight) == (Phase.PROGRESSING, 50)


def test_approval_of_one_revision_is_none_of_the_next() -> None:
    plan = asking(25)
    world = at_weight(25, plan)
    obey(world, plan, "promote")

    other = replace(plan, image="ai-face-blur:1.2")
    run(world, other, 300)

    assert (world.phase, world.weight) == (Phase.PAUSED, 25)


def test_approval_at_the_last_step_comes_before_the_promotion() -> None:
    plan = asking(100)
    world = at_weight(100, plan)

    run(world, plan, 100)
    assert (world.phase, image(world)) == (Phase.PAUSED, OLD)
    obey(world, plan, "promote")
    run(world, plan, 5)

    assert (world.phase, image(world)) == (Phase.SUCCEEDED, NEW)


def test_a_breach_while_a_person_thinks_rolls_back() -> None:
    plan = asking(25)
    world = until(at_weight(25, plan), plan, Phase.PAUSED)

    run(world, plan, 3, BAD)

    assert (world.phase, world.weight) == (Phase.ROLLING_BACK, 0)


def test_pause_keeps_the_weight_and_goes_on_judging() -> None:
    world = at_weight(25)
    obey(world, PLAN, '{"verb":"pause","by":"ann"}')

    run(world, PLAN, 100)

    assert (world.phase, world.weight) == (Phase.PAUSED, 25)
    assert world.memory is not None
    assert world.memory.state.slos[0].gray.total > 4000
    assert last_reason(world) == Reason.COMMANDED
    run(world, PLAN, 3, BAD)
    assert (world.phase, world.weight) == (Phase.ROLLING_BACK, 0)


@pytest.mark.parametrize("verb", ["resume", "promote"])
def test_what_is_paused_goes_on_when_somebody_says_so(verb: str) -> None:
    world = at_weight(25)
    obey(world, PLAN, "pause")
    world.memory = None
    run(world, PLAN, 60)

    obey(world, PLAN, verb)
    run(world, PLAN, 2)

    assert (world.phase, world.weight) == (Phase.PROGRESSING, 50)


def test_pause_before_the_first_traffic_gets_gray_ready_and_no_deadline_runs() -> None:
    plan = a_plan(progress_deadline=timedelta(seconds=60))
    world = World()
    world.tick(plan)
    obey(world, plan, "pause")

    run(world, plan, 200)

    assert (world.phase, world.weight) == (Phase.PAUSED, 0)
    obey(world, plan, "resume")
    run(world, plan, 2)
    assert world.weight == 5


@pytest.mark.parametrize("seconds", [0, 5, 30])
def test_abort_takes_all_traffic_back_and_stays_so(seconds: int) -> None:
    world = World()
    run(world, PLAN, seconds + 1)

    world.command('{"verb":"abort","by":"ann"}')
    world.tick(PLAN)
    assert (world.phase, world.weight) == (Phase.ROLLING_BACK, 0)
    run(world, PLAN, 300)

    rolled_back = next(one for one in world.status["conditions"] if one["type"] == "RolledBack")
    assert (world.phase, world.weight, image(world)) == (Phase.ROLLED_BACK, 0, OLD)
    assert (rolled_back["status"], rolled_back["reason"]) == ("True", "Aborted")
    assert rolled_back["message"] == "aborted by ann; retry or another image releases again"


def test_abort_during_the_promotion_puts_stable_back() -> None:
    world = until(World(), PLAN, Phase.PROMOTING)
    assert image(world) == NEW

    obey(world, PLAN, "abort")
    run(world, PLAN, 50)

    assert (world.phase, world.weight, image(world)) == (Phase.ROLLED_BACK, 0, OLD)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"suspended": True}, id="suspended"),
        pytest.param({"image": "ai-face-blur:1.2"}, id="another image in the same look"),
    ],
)
def test_abort_wins_over_everything_in_the_same_look(change: dict[str, Any]) -> None:
    world = at_weight(50)
    plan = replace(PLAN, **change)

    world.command("abort")
    world.tick(plan)

    assert world.weight == 0
    run(world, plan, 100)
    assert world.weight == 0
    assert world.gray_ingress is None


def test_abort_works_while_the_stable_ingress_is_gone() -> None:
    world = at_weight(50)
    world.ingress = None

    obey(world, PLAN, "abort")

    assert world.weight == 0


def test_retry_begins_again_with_fresh_evidence() -> None:
    world = at_weight(25)
    run(world, PLAN, 20, BAD)
    assert world.phase is Phase.ROLLED_BACK

    world.command("retry")
    world.tick(PLAN)
    assert (world.phase, world.status["slos"]) == (Phase.PROGRESSING, [])
    run(world, PLAN, 150)

    assert (world.phase, image(world)) == (Phase.SUCCEEDED, NEW)
    assert [one["outcome"] for one in world.status["history"]] == ["RolledBack", "Promoted"]


def stalled() -> tuple[World, Plan]:
    """Return a world in which stable did not become ready with the new version."""
    plan = a_plan(progress_deadline=timedelta(seconds=30))
    world = until(World(), plan, Phase.PROMOTING)
    for _ in range(40):
        world.serve(**GOOD)
        world.tick(plan)
    assert (world.phase, world.weight) == (Phase.PAUSED, 100)
    world.settle()
    return world, plan


def test_promote_tries_a_promotion_again_that_stable_was_not_ready_for() -> None:
    world, plan = stalled()

    obey(world, plan, "promote")
    run(world, plan, 5)

    assert (world.phase, image(world)) == (Phase.SUCCEEDED, NEW)


def test_retry_of_a_stalled_promotion_begins_at_zero() -> None:
    world, plan = stalled()

    world.command("retry")
    world.tick(plan)

    assert (world.phase, world.weight, image(world)) == (Phase.PROGRESSING, 0, OLD)


def test_abort_of_a_stalled_promotion_gives_stable_the_traffic() -> None:
    world, plan = stalled()

    obey(world, plan, "abort")

    assert (world.phase, world.weight, image(world)) == (Phase.ROLLING_BACK, 0, OLD)


def test_undo_of_a_running_release_is_an_abort() -> None:
    world = at_weight(25)

    obey(world, PLAN, "undo")

    assert (world.phase, world.weight) == (Phase.ROLLING_BACK, 0)
    assert last_reason(world) == Reason.ABORTED


def test_undo_after_a_promotion_puts_stable_back_and_releases_nothing_again() -> None:
    world = until(World(), PLAN, Phase.SUCCEEDED)
    run(world, PLAN, 40)

    obey(world, PLAN, '{"verb":"undo","by":"ann"}')
    assert world.stable is not None
    assert world.stable.template == a_template()
    assert world.phase is Phase.ROLLING_BACK
    run(world, PLAN, 300)

    assert (world.phase, world.weight, image(world)) == (Phase.ROLLED_BACK, 0, OLD)
    assert max(world.weights[-300:]) == 0
    assert world.status["stableImage"] == OLD
    assert [one["outcome"] for one in world.status["history"]] == ["Promoted", "Undone"]
    assert world.status["message"] == (f"stable runs {OLD} again, asked by ann; {NEW} is undone")


def test_an_undo_is_over_when_stable_is() -> None:
    world = until(World(), PLAN, Phase.SUCCEEDED)

    world.command("undo")
    for _ in range(20):
        world.tick(PLAN)

    assert world.status["phase"] == "RollingBack"
    world.settle()
    world.tick(PLAN)
    assert world.status["phase"] == "RolledBack"


def test_retry_after_an_undo_releases_it_again() -> None:
    world = until(World(), PLAN, Phase.SUCCEEDED)
    obey(world, PLAN, "undo")
    run(world, PLAN, 20)

    obey(world, PLAN, "retry")
    run(world, PLAN, 150)

    assert (world.phase, image(world)) == (Phase.SUCCEEDED, NEW)


def three_versions() -> tuple[World, Plan]:
    """Return a world in which 1.1, 1.2 and 1.3 were promoted, each with a variable of its own."""
    world, plan = World(), PLAN
    for version, env in (("1.1", "A"), ("1.2", "B"), ("1.3", "C")):
        plan = replace(PLAN, image=f"ai-face-blur:{version}", gray_env=((env, version),))
        run(world, plan, 120)
        assert world.phase is Phase.SUCCEEDED
    return world, plan


def test_undo_to_a_revision_brings_back_its_image_and_variables() -> None:
    world, plan = three_versions()
    first = world.status["history"][0]["revision"]
    assert world.stable is not None
    assert len(world.stable.template["spec"]["containers"][0]["env"]) == 4

    obey(world, plan, f"undo={first}")
    run(world, plan, 200)

    container = world.stable.template["spec"]["containers"][0]
    assert (world.phase, container["image"]) == (Phase.ROLLED_BACK, "ai-face-blur:1.1")
    assert container["env"] == [
        {"name": "LOG_LEVEL", "value": "info"},
        {"name": "A", "value": "1.1"},
    ]
    other = replace(plan, image="ai-face-blur:1.4")
    run(world, other, 150)
    assert (world.phase, image(world)) == (Phase.SUCCEEDED, "ai-face-blur:1.4")


def test_undo_can_go_further_back_after_an_undo() -> None:
    world, plan = three_versions()
    first = world.status["history"][0]["revision"]
    obey(world, plan, "undo")
    run(world, plan, 20)
    assert image(world) == "ai-face-blur:1.2"

    obey(world, plan, f"undo={first}")
    run(world, plan, 20)

    assert (world.phase, image(world)) == (Phase.ROLLED_BACK, "ai-face-blur:1.1")


def test_variables_too_long_to_be_kept_are_said_and_not_guessed() -> None:
    plan = replace(PLAN, gray_env=(("LONG", "x" * 1000),))
    world = until(World(), plan, Phase.SUCCEEDED)
    revision = world.status["history"][0]["revision"]

    obey(world, plan, f"undo={revision}")

    assert world.decided[-1]["message"] == (
        f"undo: the variables of {revision} were too long to be kept; release its image"
    )
    assert image(world) == NEW


SENSELESS = [
    pytest.param("deploy", "deploy is no command; use one of promote,", id="no verb"),
    pytest.param("resume", "resume: it is not paused", id="resume what is not paused"),
    pytest.param("retry", "retry: nothing to try again (it is stepping)", id="retry what runs"),
    pytest.param("undo=abc", "undo: only what is over can be undone", id="undo to what, running"),
]


@pytest.mark.parametrize(("text", "want"), SENSELESS)
def test_a_command_that_makes_no_sense_is_answered_and_changes_nothing(
    text: str, want: str
) -> None:
    world = at_weight(25)

    world.command(text)
    world.serve(**GOOD)
    decision = world.tick(PLAN)
    world.tick(PLAN)

    assert world.annotations == {}
    assert [event.reason for event in decision.events] == [Reason.COMMAND_REFUSED]
    assert decision.events[0].message.startswith(want)
    assert last_reason(world) == Reason.COMMAND_REFUSED
    assert (world.phase, world.weight) == (Phase.PROGRESSING, 25)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("promote", "promote: no step to go on from (it is promoted)", id="promote"),
        pytest.param("pause", "pause: no step to stay at (it is promoted)", id="pause"),
        pytest.param("abort", "abort: nothing is being released (it is promoted)", id="abort"),
        pytest.param("retry", "retry: nothing to try again (it is promoted)", id="retry"),
        pytest.param("undo=x", "undo: x is no promoted revision of the history", id="undo"),
    ],
)
def test_what_is_promoted_can_only_be_undone(text: str, want: str) -> None:
    world = until(World(), PLAN, Phase.SUCCEEDED)

    obey(world, PLAN, text)

    assert world.decided[-1]["message"].startswith(want)
    assert (world.phase, image(world)) == (Phase.SUCCEEDED, NEW)


def test_what_stable_ran_before_must_be_known_for_an_undo() -> None:
    world = at_weight(25)
    obey(world, PLAN, "abort")
    run(world, PLAN, 10)

    obey(world, PLAN, "undo")

    assert world.decided[-1]["message"].startswith("undo: what stable ran before")


@pytest.mark.parametrize(
    ("verb", "phase"), [("retry", Phase.ROLLED_BACK), ("undo", Phase.SUCCEEDED)]
)
def test_retry_and_undo_say_what_the_cluster_lacks(verb: str, phase: Phase) -> None:
    world = World()
    if phase is Phase.ROLLED_BACK:
        world = at_weight(5)
        obey(world, PLAN, "abort")
    until(world, PLAN, phase)
    world.ingress = None

    obey(world, PLAN, verb)

    told = world.decided[-1]["message"]
    assert told.startswith(f"{verb}: Ingress demo/face-blur-ingress does not exist")
    world.ingress = an_ingress()


def test_promote_before_the_first_traffic_and_pause_twice_make_no_sense() -> None:
    world = World()
    world.tick(PLAN)

    obey(world, PLAN, "promote")
    obey(world, PLAN, "pause")
    run(world, PLAN, 1)
    obey(world, PLAN, "pause")

    assert [one["message"] for one in world.decided][-3:] == [
        "promote: gray has no traffic yet, so there is nothing to skip",
        "pause by a user",
        "pause: a user has paused it already",
    ]


def test_nothing_but_abort_is_obeyed_while_suspended() -> None:
    world = at_weight(25)
    plan = replace(PLAN, suspended=True)

    obey(world, plan, "promote")

    assert world.decided[-1]["message"] == (
        "promote: spec.suspend is true; set it to false first (abort works)"
    )
    assert (world.phase, world.weight) == (Phase.SUSPENDED, 25)


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
@pytest.mark.parametrize("dies_at", [0, 1, 2, 3])
def test_a_command_is_obeyed_once_wherever_the_operator_dies(dies_at: int, writes: int) -> None:
    plan = a_plan(hold=3600)
    world = at_weight(5, plan)

    world.command(json.dumps({"verb": "promote", "id": "one"}))
    for tick in range(30):
        world.serve(**GOOD)
        world.tick(plan, crash_after=writes if tick == dies_at else None)
        world.settle()

    assert (world.weight, world.annotations) == (25, {})


def test_the_same_words_again_are_a_new_command() -> None:
    plan = a_plan(hold=3600)
    world = at_weight(5, plan)

    for want in (25, 50, 100):
        obey(world, plan, "promote")
        run(world, plan, 3)
        assert world.weight == want


def test_a_newer_command_is_not_removed_with_the_older_one() -> None:
    plan = a_plan(hold=3600)
    world = at_weight(5, plan)
    world.command("pause")
    world.tick(plan)
    world.command("resume")

    world.serve(**GOOD)
    world.tick(plan)

    assert world.phase is Phase.PROGRESSING
    assert [one["action"] for one in world.decided][-2:] == ["pause", "resume"]


def test_steps_at_weight_zero_are_for_those_who_opt_in_at_the_size_they_say() -> None:
    steps = (
        Step(0, timedelta(seconds=10), approval=True, size=100),
        Step(100, timedelta(seconds=10)),
    )
    plan = a_plan(steps=steps)
    world = World()
    run(world, plan, 60, {"gray": 1, "stable": 200})

    assert (world.phase, world.weight) == (Phase.PAUSED, 0)
    assert world.gray is not None
    assert world.gray.replicas == 3
    assert world.gray_ingress is not None
    annotations = world.gray_ingress.manifest["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/canary-by-header"] == "X-Gray-Enable"
    obey(world, plan, "promote")
    assert world.weight == 100
    run(world, plan, 60)
    assert (world.phase, image(world)) == (Phase.SUCCEEDED, NEW)


def test_a_breach_among_those_who_opted_in_rolls_back() -> None:
    plan = a_plan(steps=(Step(0, timedelta(hours=1), size=100), Step(100, timedelta(seconds=10))))
    world = World()
    run(world, plan, 5)

    run(world, plan, 20, BAD)

    assert (world.phase, world.gray_ingress) == (Phase.ROLLED_BACK, None)


def test_nobody_opting_in_is_no_lack_of_data() -> None:
    plan = a_plan(
        steps=(Step(0, timedelta(hours=1)), Step(100, timedelta(seconds=10))),
        no_data_rollback_after=timedelta(seconds=60),
    )
    world = World()

    for _ in range(200):
        world.tick(plan, samples=NoSamples(world.now, "connection refused"))
        world.settle()

    assert world.phase is Phase.PROGRESSING
    assert world.status["message"].endswith("only those who opted in reach gray")
