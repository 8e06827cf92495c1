"""PromQL for one rollout: whose pods, which limits, and nothing injected."""

from dataclasses import replace

import pytest
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.world import World, a_template, a_workload

from faceblur_operator.core import builtins
from faceblur_operator.core.limits import Limits, limits_of
from faceblur_operator.core.queries import queries_for, unknown_placeholders


def test_nothing_is_asked_before_gray_has_pods_of_its_own() -> None:
    world = World()
    without_hash = World(gray=a_workload("face-blur-gray", a_template(), pod_hash=None))

    assert (
        queries_for(a_plan(), world.snapshot()),
        queries_for(a_plan(), without_hash.snapshot()),
    ) == (
        {},
        {},
    )


def test_gray_is_asked_by_revision_and_stable_by_its_own_pods() -> None:
    world = World(gray=a_workload("face-blur-gray", a_template(), pod_hash="abc12"))
    objectives = (a_ratio(bad='e{pod=~"{{pods}}"}', total='t{pod=~"{{gray}}-.*"}'), a_gauge())

    found = queries_for(a_plan(objectives=objectives), world.snapshot())

    assert found == {
        "success:gray:bad": 'e{pod=~"face-blur-gray-abc12-[a-z0-9]{5}"}',
        "success:gray:total": 't{pod=~"face-blur-gray-.*"}',
        "success:stable:bad": 'e{pod=~"face-blur-stable-[a-z0-9]+-[a-z0-9]{5}"}',
        "success:stable:total": 't{pod=~"face-blur-stable-.*"}',
        "queue:gray:value": "max(queue)",
    }


def test_latency_counts_the_answers_under_the_edge() -> None:
    world = World(gray=a_workload("face-blur-gray", a_template(), pod_hash="abc12"))
    slow = builtins.latency("latency", below_s=0.3, allowed=0.05, unacceptable=0.1)

    found = queries_for(a_plan(objectives=(slow,)), world.snapshot())

    pods = 'namespace="demo",pod=~"face-blur-gray-abc12-[a-z0-9]{5}"'
    assert found["latency:gray:bad"] == (
        f'faceblur_request_duration_seconds_bucket{{{pods},le=~"0[.]3([.]0)?"}}'
    )


def test_the_probe_is_asked_by_track_and_by_what_the_revisions_own_pods_run() -> None:
    world = World(gray=a_workload("face-blur-gray", a_template(), pod_hash="abc12"))
    recall = builtins.face_recall("seen", allowed=0.05, unacceptable=0.2, max_ratio=2.0)

    found = queries_for(a_plan(objectives=(recall,)), world.snapshot())

    def wanted(track: str, pods: str, results: str) -> str:
        return (
            f'faceblur_probe_faces_total{{namespace="demo",track="{track}",result=~"{results}"}} '
            f'and on (track, version) faceblur_info{{namespace="demo",pod=~"{pods}"}}'
        )

    gray, stable = "face-blur-gray-abc12-[a-z0-9]{5}", "face-blur-stable-[a-z0-9]+-[a-z0-9]{5}"
    assert found == {
        "seen:gray:bad": wanted("gray", gray, "missed"),
        "seen:gray:total": wanted("gray", gray, "found|missed"),
        "seen:stable:bad": wanted("stable", stable, "missed"),
        "seen:stable:total": wanted("stable", stable, "found|missed"),
    }


def test_stable_is_not_asked_about_what_gray_alone_counts() -> None:
    """Stable's counters stay at zero: to wait for them would keep a bad version for a minute."""
    world = World(gray=a_workload("face-blur-gray", a_template(), pod_hash="abc12"))
    agreement = builtins.face_agreement("seen", allowed=0.05, unacceptable=0.2)

    found = queries_for(a_plan(objectives=(agreement,)), world.snapshot())

    assert list(found) == ["seen:gray:bad", "seen:gray:total"]


def test_cpu_and_memory_are_shares_of_their_limits() -> None:
    world = World(gray=a_workload("face-blur-gray", a_template(), pod_hash="abc12"))
    gauges = (
        builtins.cpu("cpu", maximum=0.7, failure_limit=3),
        builtins.memory("memory", maximum=0.7, failure_limit=3),
    )

    found = queries_for(a_plan(objectives=gauges), world.snapshot())

    assert found["cpu:gray:value"].endswith(',container="processor"}[1m])) / 0.5')
    assert found["memory:gray:value"].endswith(',container="processor"}) / 536870912')


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("up{a='{{gray}}'}", [], id="known"),
        pytest.param("up{a='{{container}}'}", ["container"], id="only for built-in objectives"),
        pytest.param("{{nonsense}} + {{stable}}", ["nonsense"], id="unknown"),
    ],
)
def test_placeholders(text: str, want: list[str]) -> None:
    assert unknown_placeholders(text) == want


@pytest.mark.parametrize(
    ("cpu", "memory", "want"),
    [
        pytest.param(None, None, Limits(None, None), id="none"),
        pytest.param("500m", "512Mi", Limits(0.5, 536870912.0), id="as usual"),
        pytest.param(2, "1G", Limits(2.0, 1e9), id="a number, decimal bytes"),
        pytest.param("0.25", "128974848", Limits(0.25, 128974848.0), id="plain"),
    ],
)
def test_limits(cpu: object, memory: object, want: Limits) -> None:
    template = a_template()
    limits = {"cpu": cpu, "memory": memory}
    template["spec"]["containers"][0]["resources"]["limits"] = {
        name: value for name, value in limits.items() if value is not None
    }

    assert limits_of(template, "processor") == want


def test_limits_of_a_container_that_is_not_there() -> None:
    assert limits_of(a_template(), "sidecar") == Limits(None, None)


def test_other_rollouts_pods_do_not_match_stables_pattern() -> None:
    import re

    world = World(gray=a_workload("face-blur-gray", a_template(), pod_hash="abc12"))
    world.stable = replace(a_workload("face-blur", a_template()))
    query = queries_for(a_plan(objectives=(a_ratio(),)), world.snapshot())["success:stable:total"]
    pattern = query.split('"')[1]

    assert re.fullmatch(pattern, "face-blur-7d8f9c6b5-x2x4z")
    assert not re.fullmatch(pattern, "face-blur-gray-7d8f9c6b5-x2x4z")
