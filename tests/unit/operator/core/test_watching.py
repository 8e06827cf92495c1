"""A release that cannot be followed any more is still watched: gray has users."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.builders import a_plan
from tests.support.specs import a_spec
from tests.support.world import World, a_container, a_pod, a_template, a_workload

from faceblur_operator.api import parse_spec
from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core.compiler import Defaults, compile_plan, watching
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.refusal import Refusal

WHY = Refusal(Reason.INVALID_SPEC, "SLO mine: {{typo}} is not a placeholder; see the reference")
PLAN = a_plan(no_data_rollback_after=timedelta(minutes=2))
REFUSED = replace(PLAN, objectives=(), prometheus_url="", refusal=WHY)
DEFAULTS = Defaults("http://prometheus:9090", (), timedelta(seconds=5))


def at_25() -> World:
    """Return a world with a quarter of the traffic on gray."""
    world = World()
    while world.weight < 25:
        world.serve(gray=50, stable=200)
        world.tick(PLAN)
        world.settle()
    return world


def edited(plan: Plan = REFUSED) -> World:
    """Return it after its specification became one that cannot be followed."""
    world = at_25()
    world.tick(plan, is_silent=True)
    return world


def test_a_release_that_cannot_be_followed_any_more_stays_where_it_is_and_says_so() -> None:
    world = edited()

    assert (world.weight, world.phase) == (25, Phase.INVALID)
    assert world.status["message"] == WHY.message


def test_it_is_aborted_as_any_other() -> None:
    world = edited()

    world.command("abort")
    world.tick(REFUSED, is_silent=True)

    assert (world.weight, world.phase) == (0, Phase.ROLLING_BACK)


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(REFUSED, id="the same image"),
        pytest.param(replace(REFUSED, image="ai-face-blur:1.2"), id="and another image"),
    ],
)
def test_gray_pods_that_crash_still_lose_its_traffic(plan: Plan) -> None:
    world = edited(plan)
    crashed = a_container(restarts=4, waiting="CrashLoopBackOff", ended="Error", exit_code=1)
    world.gray_pods = (a_pod(crashed),)

    world.tick(plan, is_silent=True)

    assert (world.weight, world.phase) == (0, Phase.ROLLING_BACK)
    assert world.status["decisions"][-1]["reason"] == Reason.GRAY_CRASHING


def test_a_gray_without_a_ready_pod_still_loses_its_traffic() -> None:
    world = edited()
    assert world.gray is not None
    world.gray = replace(world.gray, ready=0, available=0)

    world.tick(REFUSED, is_silent=True)

    assert (world.weight, world.phase) == (0, Phase.ROLLING_BACK)


def test_nothing_is_evidence_meanwhile_and_the_policy_ends_it() -> None:
    world = edited()

    for _ in range(20):
        world.tick(REFUSED, after=timedelta(seconds=10), is_silent=True)

    last = world.status["decisions"][-1]
    assert (world.weight, last["reason"]) == (0, Reason.NO_DATA_TOO_LONG)
    assert max(world.weights) == 25


def test_once_corrected_it_goes_on() -> None:
    world = edited()
    world.tick(REFUSED, after=timedelta(seconds=30), is_silent=True)

    for _ in range(120):
        world.serve(gray=50, stable=200)
        world.tick(PLAN)
        world.settle()

    assert (world.weight, world.phase) == (0, Phase.SUCCEEDED)


def test_a_new_rollout_that_is_refused_begins_nothing() -> None:
    world = World(gray=a_workload("face-blur-gray", a_template()))

    decision = world.tick(REFUSED, is_silent=True)

    assert decision.effects == ()
    assert world.phase is Phase.INVALID


def test_no_answer_at_all_is_a_lack_of_data_too() -> None:
    """Answers may stop without an error, as when gray has no pods that could be asked about."""
    world = at_25()

    for _ in range(20):
        world.tick(PLAN, after=timedelta(seconds=10), is_silent=True)

    assert world.status["decisions"][-1]["reason"] == Reason.NO_DATA_TOO_LONG
    assert max(world.weights) == 25


def test_a_specification_that_is_refused_still_names_what_runs() -> None:
    queries = {"bad": "sum({{typo}})", "total": "sum(x)"}
    slo = {"name": "mine", "ratio": queries, "atLeast": "99%"}
    spec = parse_spec(a_spec(analysis={"slos": [slo]}))
    why = compile_plan("demo", "face-blur", spec, DEFAULTS)
    assert isinstance(why, Refusal)

    plan = watching("demo", "face-blur", spec, DEFAULTS, why)

    assert isinstance(plan, Plan)
    assert (plan.refusal, plan.objectives) == (why, ())
    assert plan.stable_deployment == "face-blur-stable"


def test_without_an_ingress_there_is_nothing_to_watch() -> None:
    spec = parse_spec(a_spec(traffic={"httpRoutes": ["web"]}))
    why = compile_plan("demo", "face-blur", spec, DEFAULTS)
    assert isinstance(why, Refusal)

    assert watching("demo", "face-blur", spec, DEFAULTS, why) == why
