"""What the cluster must look like; each refusal names the object and says what to do."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.builders import a_plan
from tests.support.world import START, World, a_template, a_workload, an_ingress

from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core import builtins
from faceblur_operator.core.admission import admit, claims
from faceblur_operator.core.decide import Request, decide, queries, refuse
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.snapshot import KubeObject, NoSamples, Rival, Samples, Series, Snapshot


def snapshot(**changes: Any) -> Snapshot:
    return replace(World().snapshot(), **changes)


def a_rival(*, age: timedelta) -> Rival:
    return Rival("other", START - age, frozenset({"Deployment/face-blur-stable"}))


def two_containers() -> dict[str, Any]:
    template = a_template()
    template["spec"]["containers"].append({"name": "sidecar", "image": "x:1"})
    return template


def unlimited() -> dict[str, Any]:
    template = a_template()
    del template["spec"]["containers"][0]["resources"]
    return template


@pytest.mark.parametrize(
    ("found", "want"),
    [
        pytest.param(snapshot(), None, id="all is there"),
        pytest.param(
            snapshot(stable=None),
            (Reason.STABLE_NOT_FOUND, "Deployment demo/face-blur-stable does not exist"),
            id="no stable Deployment",
        ),
        pytest.param(
            snapshot(stable_service=None),
            (Reason.SERVICE_NOT_FOUND, "Service demo/face-blur-service does not exist"),
            id="no stable Service",
        ),
        pytest.param(
            snapshot(ingress=None),
            (Reason.INGRESS_NOT_FOUND, "Ingress demo/face-blur-ingress does not exist"),
            id="no Ingress",
        ),
        pytest.param(
            snapshot(ingress=an_ingress(rules=[{"host": "a.example"}])),
            (Reason.INGRESS_WITHOUT_SERVICE, "no rule uses Service face-blur-service"),
            id="an Ingress without paths",
        ),
        pytest.param(
            snapshot(stable=a_workload("face-blur-stable", two_containers())),
            (Reason.CONTAINER_NOT_FOUND, "containers processor, sidecar, not one of them"),
            id="which container",
        ),
        pytest.param(
            snapshot(rivals=(a_rival(age=timedelta(hours=1)),)),
            (Reason.CONFLICTED, "belongs to the older FaceBlurRollout demo/other"),
            id="an older rollout has the Deployment",
        ),
        pytest.param(
            snapshot(rivals=(a_rival(age=-timedelta(hours=1)),)), None, id="a younger one waits"
        ),
        pytest.param(
            snapshot(gray_ingress=KubeObject("face-blur-ingress-gray", "u", None, {})),
            (Reason.GRAY_NOT_OURS, "exists and does not belong to this rollout"),
            id="somebody else's gray Ingress",
        ),
    ],
)
def test_admission(found: Snapshot, want: tuple[Reason, str] | None) -> None:
    refusal = admit(a_plan(), found)

    if want is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.reason is want[0]
        assert want[1] in refusal.message


def test_a_share_of_a_limit_needs_the_limit() -> None:
    plan = a_plan(objectives=(builtins.memory("memory", maximum=0.7, failure_limit=3),))

    refusal = admit(plan, snapshot(stable=a_workload("face-blur-stable", unlimited())))

    assert refusal == Refusal(
        Reason.INVALID_SPEC,
        "SLO memory needs a limit on container processor of face-blur-stable",
    )


def test_a_variable_that_stable_takes_from_elsewhere_cannot_be_set() -> None:
    template = a_template()
    template["spec"]["containers"][0]["env"].append(
        {"name": "ENABLE_GRAY_FEATURE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    )

    refusal = admit(a_plan(), snapshot(stable=a_workload("face-blur-stable", template)))

    assert refusal is not None
    assert refusal.message.startswith("spec.gray.env sets ENABLE_GRAY_FEATURE, which Deployment")


def test_a_default_backend_counts_as_a_rule() -> None:
    backend = {"service": {"name": "face-blur-service", "port": {"number": 80}}}

    assert admit(a_plan(), snapshot(ingress=an_ingress(rules=[], defaultBackend=backend))) is None


def test_a_rollout_claims_all_it_writes() -> None:
    assert claims(a_plan()) == {
        "Deployment/face-blur-stable",
        "Deployment/face-blur-gray",
        "Service/face-blur-service",
        "Service/face-blur-gray-service",
        "Ingress/face-blur-ingress",
    }


def test_a_refused_rollout_touches_nothing_and_says_why() -> None:
    world = World(ingress=None)

    decision = world.tick(a_plan())

    assert decision.effects == ()
    assert world.phase is Phase.INVALID
    assert [(one.reason, one.is_warning) for one in decision.events] == [
        (Reason.INGRESS_NOT_FOUND, True)
    ]
    assert world.tick(a_plan()).events == ()


def test_another_ingress_on_the_same_service_is_said_once_and_not_refused() -> None:
    world, plan = World(), a_plan()
    shared = replace(world.snapshot(), ingress_siblings=("admin",))

    first = decide(Request(plan, shared, {}, None, START))
    assert first.status is not None
    again = decide(Request(plan, shared, first.status, first.memory, START))

    accepted = first.status["conditions"][0]
    assert (accepted["status"], accepted["reason"]) == ("True", "SharedService")
    assert accepted["message"].startswith("Ingress admin uses Service face-blur-service too")
    assert [one.reason for one in first.events] == [Reason.SHARED_SERVICE, Reason.STARTED]
    assert again.events == ()


@pytest.mark.parametrize(
    ("replicas", "want"),
    [
        pytest.param(10, "Valid", id="as many as gray may have"),
        pytest.param(20, "GrayTooSmall", id="twice as many"),
    ],
)
def test_a_gray_that_may_not_become_as_big_as_stable_is_said_and_not_refused(
    replicas: int, want: str
) -> None:
    world = World(stable=a_workload("face-blur-stable", a_template(), replicas=replicas))

    world.tick(a_plan(max_replicas=10))

    accepted = next(one for one in world.status["conditions"] if one["type"] == "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("True", want)
    assert ("carries 2.0 times" in accepted["message"]) == (replicas == 20)


def test_a_specification_that_cannot_work_is_refused_once() -> None:
    refusal = Refusal(Reason.NOT_SUPPORTED, "spec.gates is not supported by this version")

    first = refuse(refusal, generation=3, stored_status={}, now=START)
    assert first.status is not None
    again = refuse(refusal, generation=3, stored_status=first.status, now=START)

    assert (first.status["phase"], first.status["message"]) == (Phase.INVALID, refusal.message)
    assert [one.reason for one in first.events] == [Reason.NOT_SUPPORTED]
    assert (again.status, again.events) == (None, ())


SLOW = builtins.latency("latency", below_s=0.3, allowed=0.05, unacceptable=0.1)


def with_edges(*edges: str) -> Samples:
    series = tuple(Series((("le", edge),), 1.0) for edge in edges)
    return Samples(START, {"latency:stable:edges": series})


@pytest.mark.parametrize(
    ("samples", "want"),
    [
        pytest.param(None, Phase.PROGRESSING, id="not asked yet"),
        pytest.param(NoSamples(START, "down"), Phase.PROGRESSING, id="Prometheus is down"),
        pytest.param(Samples(START, {}), Phase.PROGRESSING, id="stable has no histogram yet"),
        pytest.param(with_edges("0.3", "+Inf"), Phase.PROGRESSING, id="an edge"),
        pytest.param(with_edges("0.25", "0.5", "+Inf"), Phase.INVALID, id="no edge"),
        pytest.param(with_edges("x"), Phase.PROGRESSING, id="nothing that can be read"),
        pytest.param(
            Samples(START, {"latency:stable:edges": (Series((), 1.0),)}),
            Phase.PROGRESSING,
            id="buckets without their edges",
        ),
    ],
)
def test_a_latency_limit_must_be_an_edge(samples: Samples | NoSamples | None, want: Phase) -> None:
    world, plan = World(), a_plan(objectives=(SLOW,))

    world.tick(plan, samples=samples or NoSamples(START, "not asked"))

    assert world.phase is want


def test_a_limit_that_is_no_edge_names_the_edges_and_stays_refused() -> None:
    world, plan = World(), a_plan(objectives=(SLOW,))
    world.tick(plan, samples=with_edges("0.25", "0.5", "+Inf"))
    world.settle()

    decision = world.look(plan)

    assert world.status["message"] == (
        "SLO latency: 300ms is no edge of the histogram; use one of 250ms, 500ms"
    )
    assert (decision.effects, world.weight) == ((), 0)


def test_the_edges_are_asked_before_gray_gets_traffic() -> None:
    world, plan = World(), a_plan(objectives=(SLOW, *a_plan().objectives))

    found = queries(plan, world.snapshot(), {})

    pods = 'namespace="demo",pod=~"face-blur-stable-[a-z0-9]+-[a-z0-9]{5}"'
    assert found == {
        "latency:stable:edges": (
            f"group by (le) (faceblur_request_duration_seconds_bucket{{{pods}}})"
        )
    }
    assert queries(plan, snapshot(stable=None), {}) == {}
