"""Before gray gets its first request: what must be true, and that what is not known holds."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.world import World, a_container, a_pod, a_template, a_workload

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core import builtins, preflight
from faceblur_operator.core.baseline import NOTHING_COUNTED
from faceblur_operator.core.decide import queries
from faceblur_operator.core.plan import Plan, Preflight
from faceblur_operator.core.queries import queries_for
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.snapshot import NoSamples, Pod, Samples, Series, Workload
from faceblur_operator.core.state import Stage, State

DIGEST = "sha256:" + "a" * 64
POD_LABELS = (("pod", "stable-1"),)
PROBE = "preflight.probe:gray:"


def a_fit_template() -> dict[str, Any]:
    template = a_template()
    probe = {"httpGet": {"path": "/readyz", "port": 5000}}
    template["spec"]["containers"][0] |= {"readinessProbe": probe, "livenessProbe": probe}
    return template


def a_gray_pod(digest: str = f"docker.io/library/ai-face-blur@{DIGEST}", **changes: Any) -> Pod:
    container = a_container(image_id=digest, is_ready=True)
    return a_pod(container, phase="Running", is_ready=True, **changes)


def plan_of(**preflight: Any) -> Plan:
    asked = Preflight(**({"stable_healthy": False, "probe": None} | preflight))
    return a_plan(objectives=(a_ratio(allowed=0.1),), preflight=asked)


def ready(plan: Plan, **template: Any) -> World:
    """Return a world whose gray is ready, with one pod that runs a known digest."""
    made = a_fit_template()
    made["spec"]["containers"][0] |= template
    world = World(stable=a_workload("face-blur-stable", made))
    world.tick(plan)
    world.settle()
    world.gray_pods = (a_gray_pod(),)
    return world


def look(world: World, plan: Plan, **counted: float) -> str:
    """Let a second pass in which all counters grow by these, and return the message."""
    for key, grown in counted.items():
        TOTALS[key] = TOTALS.get(key, 0.0) + grown
    named = {
        "success:stable:total": "total",
        "success:stable:bad": "bad",
        f"{PROBE}total": "faces",
        f"{PROBE}bad": "missed",
    }
    series = {
        key: (Series(POD_LABELS, TOTALS.get(name, 0.0)),)
        for key, name in named.items()
        if name in TOTALS
    }
    world.now += timedelta(seconds=1)
    return world.tick(plan, after=timedelta(0), samples=Samples(world.now, series)).state.message


TOTALS: dict[str, float] = {}


@pytest.fixture(autouse=True)
def _no_totals() -> None:
    TOTALS.clear()


def test_without_a_preflight_nothing_is_asked() -> None:
    plan = a_plan()

    world = ready(plan, readinessProbe=None)
    world.tick(plan)

    assert world.weight == 5


def test_fit_gray_with_a_known_digest_gets_its_first_request_and_the_digest_is_recorded() -> None:
    plan = plan_of()
    world = ready(plan)

    world.tick(plan)

    assert (world.weight, world.status["grayDigest"]) == (5, DIGEST)


@pytest.mark.parametrize(
    ("template", "want"),
    [
        pytest.param({"readinessProbe": None}, "has no readinessProbe; set", id="readiness"),
        pytest.param({"livenessProbe": None}, "has no livenessProbe; set", id="liveness"),
        pytest.param(
            {"resources": {}}, "has no CPU limit, no memory limit; set", id="no limits at all"
        ),
        pytest.param(
            {"resources": {"limits": {"cpu": "1"}}}, "has no memory limit; set", id="one limit"
        ),
    ],
)
def test_what_the_container_lacks_is_said(template: dict[str, Any], want: str) -> None:
    plan = plan_of()
    world = ready(plan, **template)

    world.tick(plan)

    assert world.weight == 0
    assert want in world.status["message"]


@pytest.mark.parametrize(
    ("pods", "want"),
    [
        pytest.param((), "it is not known yet to which digest", id="no pod seen"),
        pytest.param((a_gray_pod(""),), "it is not known yet to which digest", id="not resolved"),
        pytest.param(
            (a_gray_pod("docker://x:1.1"),), "it is not known yet to which digest", id="no digest"
        ),
        pytest.param(
            (a_gray_pod(), a_gray_pod("x@sha256:bb")),
            "gray's pods run different images",
            id="two digests of one tag",
        ),
        pytest.param(
            (a_gray_pod(pod_hash="older"),), "it is not known yet to which digest", id="old pods"
        ),
        pytest.param(
            (a_gray_pod(is_ending=True),), "it is not known yet to which digest", id="ending"
        ),
    ],
)
def test_an_image_without_one_digest_holds(pods: tuple[Pod, ...], want: str) -> None:
    plan = plan_of()
    world = ready(plan)
    world.gray_pods = pods

    world.tick(plan)

    assert world.weight == 0
    assert want in world.status["message"]
    assert "grayDigest" not in world.status


@pytest.mark.parametrize(
    ("gray", "want"),
    [
        pytest.param(None, "preflight: there is no gray Deployment", id="no Deployment"),
        pytest.param(
            a_workload("face-blur-gray", {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}),
            "preflight: Deployment face-blur-gray lacks the container; set spec.container",
            id="two containers",
        ),
    ],
)
def test_gray_that_is_not_there_holds(gray: Workload | None, want: str) -> None:
    plan, state = plan_of(), State(stage=Stage.STEPPING)
    snapshot = World(gray=gray).snapshot()

    found = preflight.refusal(plan, state, NOTHING_COUNTED, snapshot)

    assert found == Refusal(Reason.PREFLIGHT_NOT_MET, want)
    assert preflight.resolved(plan, state, snapshot, is_current=True) == state


def test_pods_of_one_tag_and_two_digests_hold_without_a_recorded_one() -> None:
    plan = plan_of()
    world = ready(plan)
    world.gray_pods = (a_gray_pod(), a_gray_pod("x@sha256:bb"))

    found = preflight.refusal(plan, State(), NOTHING_COUNTED, world.snapshot())

    why = f"preflight: gray's pods run different images: {DIGEST}, sha256:bb"
    assert found == Refusal(Reason.PREFLIGHT_NOT_MET, why)


def test_more_bad_events_than_events_hold() -> None:
    plan = plan_of(stable_healthy=True)
    world = ready(plan)

    look(world, plan, total=0, bad=0)
    said = look(world, plan, total=30, bad=40)

    assert said == "preflight: stable, success: 40 of 30 requests bad, allowed 10.00%"


def test_a_probe_that_did_badly_gets_a_new_chance_after_a_minute() -> None:
    plan = plan_of(probe=0.95)
    world = ready(plan)

    look(world, plan, faces=0, missed=0)
    look(world, plan, faces=100, missed=50)
    for _ in range(62):
        said = look(world, plan, faces=0, missed=0)
    after = look(world, plan, faces=40, missed=0)

    assert said == "preflight: the probe of gray: 0 faces counted, 30 needed"
    assert after == "5 % to gray (step 1 of 4)"


def test_without_a_probe_only_stable_is_asked_about() -> None:
    plan = plan_of(stable_healthy=True)
    world = ready(plan)

    assert set(queries(plan, world.snapshot(), world.status)) == {
        "success:stable:bad",
        "success:stable:total",
    }


def test_a_healthy_stable_is_shown_by_its_own_requests() -> None:
    plan = plan_of(stable_healthy=True)
    world = ready(plan)

    first = look(world, plan, total=1000, bad=0)
    second = look(world, plan, total=29, bad=0)
    third = look(world, plan, total=1, bad=3)

    assert first == "preflight: stable, success: 0 requests counted, 30 needed"
    assert second == "preflight: stable, success: 29 requests counted, 30 needed"
    assert (third, world.weight) == ("5 % to gray (step 1 of 4)", 5)


def test_a_sick_stable_holds_and_gets_a_new_chance_after_a_minute() -> None:
    plan = plan_of(stable_healthy=True)
    world = ready(plan)

    look(world, plan, total=0, bad=0)
    said = look(world, plan, total=100, bad=20)
    for _ in range(61):
        look(world, plan, total=1, bad=0)

    assert said == "preflight: stable, success: 20 of 100 requests bad, allowed 10.00%"
    assert world.weight == 0
    for _ in range(30):
        look(world, plan, total=1, bad=0)
    assert world.weight == 5


def test_stable_without_data_holds() -> None:
    plan = plan_of(stable_healthy=True)
    world = ready(plan)

    for _ in range(100):
        said = look(world, plan)

    assert world.weight == 0
    assert said == "preflight: stable, success: Prometheus has no series for `bad` of stable"


def test_prometheus_that_cannot_be_asked_holds() -> None:
    plan = plan_of(stable_healthy=True)
    world = ready(plan)

    for _ in range(5):
        world.tick(plan, samples=NoSamples(world.now, "Prometheus: no answer"))

    assert world.weight == 0
    assert world.status["message"] == "preflight: stable, success: Prometheus: no answer"


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param((3.0,), "5 % to gray (step 1 of 4)", id="below"),
        pytest.param((30.0,), "preflight: stable, queue: 30, allowed 20", id="above"),
        pytest.param(
            (), "preflight: stable, queue: Prometheus has 0 usable values of stable", id="none"
        ),
        pytest.param(
            (1.0, 2.0),
            "preflight: stable, queue: Prometheus has 2 usable values of stable",
            id="two",
        ),
        pytest.param(
            (float("nan"),),
            "preflight: stable, queue: Prometheus has 1 usable values of stable",
            id="not a number",
        ),
    ],
)
def test_a_value_of_stable_is_held_against_its_maximum(
    values: tuple[float, ...], want: str
) -> None:
    plan = replace(plan_of(stable_healthy=True), objectives=(a_gauge(),))
    world = ready(plan)
    series = tuple(Series((("pod", str(n)),), one) for n, one in enumerate(values))

    world.tick(plan, samples=Samples(world.now, {"queue:stable:value": series}))

    assert world.status["message"] == want


def test_a_value_that_nobody_measured_yet_holds() -> None:
    plan = replace(plan_of(stable_healthy=True), objectives=(a_gauge(),))
    world = ready(plan)
    world.now += timedelta(seconds=1)

    decision = world.look(plan)

    assert decision.state.message == "preflight: stable, queue: not measured yet"


def test_what_is_measured_of_gray_only_is_not_asked_of_stable() -> None:
    shadow = a_ratio("agreement", bad="faceblur_shadow_faces_total", total="faceblur_shadow_x")
    only_compared = a_ratio("no-worse", allowed=None, unacceptable=None, max_ratio=1.5)
    plan = replace(plan_of(stable_healthy=True), objectives=(shadow, only_compared))
    world = ready(plan)

    world.tick(plan)

    assert world.weight == 5


def test_the_probe_must_find_its_share_of_faces_in_gray() -> None:
    plan = plan_of(probe=0.95)
    world = ready(plan)

    said = [
        look(world, plan),
        look(world, plan, faces=500, missed=0),
        look(world, plan, faces=29, missed=0),
        look(world, plan, faces=11, missed=3),
        look(world, plan, faces=20, missed=0),
    ]

    assert said == [
        "preflight: the probe of gray: Prometheus has no series for `bad` of gray",
        "preflight: the probe of gray: 0 faces counted, 30 needed",
        "preflight: the probe of gray: 29 faces counted, 30 needed",
        "preflight: the probe of gray: 3 of 40 faces bad, allowed 5.00%",
        "5 % to gray (step 1 of 4)",
    ]


def test_what_the_probe_counted_before_gray_was_ready_does_not_count() -> None:
    plan = plan_of(probe=0.95)
    world = ready(plan)
    assert world.gray is not None
    settled = world.gray

    world.gray = replace(settled, settled=False)
    look(world, plan, faces=500, missed=0)
    look(world, plan, faces=500, missed=0)
    world.gray = settled
    said = look(world, plan, faces=500, missed=0)

    assert said == "preflight: the probe of gray: 0 faces counted, 30 needed"


def test_the_preflight_asks_the_probe_what_the_objective_asks() -> None:
    plan = plan_of(probe=0.9)
    recall = builtins.face_recall("seen", allowed=0.1, unacceptable=0.2, max_ratio=None)
    world = ready(plan)

    asked = queries(plan, world.snapshot(), world.status)

    same = queries_for(replace(plan, objectives=(recall,)), world.snapshot())
    assert (asked[f"{PROBE}bad"], asked[f"{PROBE}total"]) == (
        same["seen:gray:bad"],
        same["seen:gray:total"],
    )


def test_stable_and_the_probe_are_asked_about_before_the_first_request_only() -> None:
    plan = plan_of(stable_healthy=True, probe=0.9)
    world = ready(plan)
    keys = {"success:stable:bad", "success:stable:total", f"{PROBE}bad", f"{PROBE}total"}

    before = queries(plan, world.snapshot(), world.status)
    look(world, plan, total=0, bad=0, faces=0, missed=0)
    look(world, plan, total=100, bad=0, faces=100, missed=0)
    after = queries(plan, world.snapshot(), world.status)

    assert (set(before), world.weight) == (keys, 5)
    assert before["success:stable:total"] == (
        'requests{pod=~"face-blur-stable-[a-z0-9]+-[a-z0-9]{5}"}'
    )
    assert f"{PROBE}bad" not in after


def test_a_preflight_that_holds_says_so_and_no_deadline_runs() -> None:
    plan = replace(plan_of(stable_healthy=True), progress_deadline=timedelta(minutes=1))
    world = ready(plan)

    for _ in range(200):
        look(world, plan, total=0, bad=0)

    assert (world.weight, world.phase.value) == (0, "Progressing")
    assert world.memory is not None
    assert world.memory.state.reason is Reason.PREFLIGHT_NOT_MET
