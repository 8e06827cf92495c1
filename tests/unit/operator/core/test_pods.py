"""What gray's pods say of themselves: when it is a reason to roll back, and when it is not."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.builders import a_plan
from tests.support.world import START, World, a_container, a_pod, a_template, a_workload

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.pods import EVICTIONS, PATIENCE, due, trouble, why_not_ready
from faceblur_operator.core.snapshot import Pod, Snapshot
from faceblur_operator.core.state import Stage, State

NOW = START + timedelta(minutes=5)
RUNNING = State(stage=Stage.STEPPING, started_at=START + timedelta(microseconds=7), weight=5)
LATER = START + timedelta(minutes=1)
BEFORE = START - timedelta(hours=1)
HICCUP = "failed to pull: unexpected status: 503 Service Unavailable"
PRESSURE = "The node was low on resource: memory."


def seen(*pods: Pod, stable_ready: int = 3) -> Snapshot:
    stable = a_workload("face-blur-stable", a_template(), ready=stable_ready)
    return replace(World(stable=stable).snapshot(), gray_pods=pods)


def told(*pods: Pod, state: State = RUNNING, **more: Any) -> tuple[Reason, str] | None:
    return trouble(a_plan(), state, seen(*pods, **more), NOW)


def reason(*pods: Pod, **more: Any) -> Reason | None:
    found = told(*pods, **more)
    return found[0] if found else None


def waiting(why: str, message: str = "", **more: Any) -> Pod:
    return a_pod(a_container(waiting=why, message=message), **more)


def crashed(**changes: Any) -> Pod:
    values = {"ended": "Error", "exit_code": 1, "restarts": 2, "ended_at": LATER} | changes
    return a_pod(a_container(**values))


def evicted(name: str, message: str = PRESSURE, **changes: Any) -> Pod:
    return a_pod(name=name, phase="Failed", reason="Evicted", message=message, **changes)


@pytest.mark.parametrize(
    ("pod", "want"),
    [
        pytest.param(a_pod(a_container(is_ready=True), is_ready=True), None, id="all is well"),
        pytest.param(waiting("ContainerCreating"), None, id="it is being made"),
        pytest.param(waiting("CrashLoopBackOff"), Reason.GRAY_CRASHING, id="crash loop"),
        pytest.param(crashed(restarts=1), None, id="one crash"),
        pytest.param(crashed(), Reason.GRAY_CRASHING, id="two crashes"),
        pytest.param(crashed(exit_code=0, ended="Completed"), None, id="ends without an error"),
        pytest.param(crashed(ended_at=BEFORE), None, id="crashes before this release"),
        pytest.param(
            replace(crashed(), created=BEFORE), None, id="restarts, most before this release"
        ),
        pytest.param(
            replace(crashed(), is_ending=True),
            None,
            id="a pod that is deleted may do what it likes",
        ),
        pytest.param(
            crashed(restarts=0, ended="OOMKilled", exit_code=137),
            Reason.GRAY_OUT_OF_MEMORY,
            id="out of memory once",
        ),
        pytest.param(
            crashed(restarts=9, ended="OOMKilled", exit_code=137, ended_at=BEFORE),
            None,
            id="out of memory before this release",
        ),
        pytest.param(
            crashed(ended="OOMKilled", exit_code=137, ended_at=START),
            Reason.GRAY_OUT_OF_MEMORY,
            id="the kubelet's times have no fractions",
        ),
        pytest.param(
            waiting("ErrImagePull", "not found"), Reason.GRAY_IMAGE_NOT_PULLABLE, id="no such image"
        ),
        pytest.param(
            waiting("ImagePullBackOff", "Back-off pulling image"),
            Reason.GRAY_IMAGE_NOT_PULLABLE,
            id="backing off, an older kubelet says no cause",
        ),
        pytest.param(
            waiting("ImagePullBackOff", HICCUP, created=NOW - PATIENCE + timedelta(seconds=1)),
            None,
            id="a hiccup of the registry",
        ),
        pytest.param(
            waiting("ImagePullBackOff", HICCUP, created=NOW - PATIENCE),
            Reason.GRAY_IMAGE_NOT_PULLABLE,
            id="a hiccup that stays",
        ),
        pytest.param(
            waiting("InvalidImageName"), Reason.GRAY_IMAGE_NOT_PULLABLE, id="no image name"
        ),
        pytest.param(
            waiting("ErrImageNeverPull"), Reason.GRAY_IMAGE_NOT_PULLABLE, id="never to be pulled"
        ),
        pytest.param(
            waiting("CreateContainerConfigError", 'secret "x" not found'),
            Reason.GRAY_NOT_STARTABLE,
            id="a Secret is missing",
        ),
        pytest.param(
            waiting("CreateContainerConfigError", "failed to sync secret cache", created=NOW),
            None,
            id="the kubelet has not read the Secret yet",
        ),
        pytest.param(
            waiting("RunContainerError", "no such file"), Reason.GRAY_NOT_STARTABLE, id="no command"
        ),
        pytest.param(
            evicted("a", "Container processor exceeded its local ephemeral storage limit"),
            Reason.GRAY_EVICTED,
            id="evicted for a limit of its own",
        ),
        pytest.param(evicted("a"), None, id="evicted once because the node is short"),
        pytest.param(
            a_pod(reason="Unschedulable", message="0/1 nodes are available"),
            None,
            id="no room: waits for the deadline",
        ),
    ],
)
def test_one_pod(pod: Pod, want: Reason | None) -> None:
    assert reason(pod) == want


def test_the_sentence_names_pod_container_and_exit_code() -> None:
    pod = crashed(restarts=3, ended="OOMKilled", exit_code=137)

    assert told(pod) == (
        Reason.GRAY_OUT_OF_MEMORY,
        "pod gray-1, container processor was killed because it used more memory than its limit: "
        "OOMKilled, exit code 137, 3 restarts",
    )


def test_a_crash_loop_without_a_known_end_says_so() -> None:
    pod = a_pod(a_container(waiting="CrashLoopBackOff", restarts=1))

    assert told(pod) == (
        Reason.GRAY_CRASHING,
        "pod gray-1, container processor crashes again and again: CrashLoopBackOff, "
        "exit code unknown, 1 restart",
    )


def test_what_the_kubelet_says_is_told_on_one_line_and_not_at_length() -> None:
    found = told(waiting("InvalidImageName", "bad\nname " * 100))

    assert found is not None
    assert found[1].startswith(
        "pod gray-1, container processor: image ai-face-blur:1.1-gray: InvalidImageName: bad name "
    )
    assert len(found[1]) < 300


def test_a_pod_that_cannot_start_beside_one_that_runs_is_its_nodes_trouble() -> None:
    well = a_pod(a_container(is_ready=True), name="well", is_ready=True)
    stuck = waiting("CreateContainerError", "device busy")

    assert (reason(stuck), reason(stuck, well)) == (Reason.GRAY_NOT_STARTABLE, None)


@pytest.mark.parametrize(
    ("count", "stable_ready", "created", "want"),
    [
        pytest.param(EVICTIONS - 1, 3, LATER, None, id="too few"),
        pytest.param(EVICTIONS, 3, LATER, Reason.GRAY_EVICTED, id="again and again"),
        pytest.param(EVICTIONS, 2, LATER, None, id="stable suffers too: the cause is shared"),
        pytest.param(EVICTIONS, 3, BEFORE, None, id="before this release"),
    ],
)
def test_evictions_by_a_node_count_together(
    count: int, stable_ready: int, created: datetime, want: Reason | None
) -> None:
    pods = [evicted(f"gray-{number}", created=created) for number in range(count)]

    assert reason(*pods, stable_ready=stable_ready) == want


def test_evictions_without_a_stable_deployment_prove_nothing() -> None:
    pods = tuple(evicted(f"gray-{number}") for number in range(EVICTIONS))
    snapshot = replace(seen(*pods), stable=None)

    assert trouble(a_plan(), RUNNING, snapshot, NOW) is None


def lost(name: str, since: datetime = LATER, started: datetime | None = START) -> Pod:
    return a_pod(a_container(started=started), name=name, phase="Running", unready_since=since)


def well(name: str) -> Pod:
    return a_pod(a_container(is_ready=True), name=name, phase="Running", is_ready=True)


@pytest.mark.parametrize(
    ("pods", "weight", "want"),
    [
        pytest.param((lost("a"), lost("b"), well("c")), 100, Reason.GRAY_LOST_READINESS, id="most"),
        pytest.param((lost("a"), well("b"), well("c")), 100, None, id="one of three"),
        pytest.param((lost("a"), lost("b"), well("c")), 5, None, id="enough for this weight"),
        pytest.param((lost("a"), lost("b")), 0, None, id="no traffic yet"),
        pytest.param(
            (lost("a", started=LATER), lost("b", started=LATER), well("c")),
            100,
            None,
            id="fresh pods have lost nothing",
        ),
        pytest.param(
            (lost("a", started=None), lost("b", started=None), well("c")),
            100,
            None,
            id="pods that do not run",
        ),
    ],
)
def test_readiness_lost_by_some(pods: tuple[Pod, ...], weight: int, want: Reason | None) -> None:
    assert reason(*pods, state=replace(RUNNING, weight=weight)) == want


def test_readiness_is_lost_also_without_a_stable_deployment() -> None:
    snapshot = replace(seen(lost("a")), stable=None)

    assert trouble(a_plan(), RUNNING, snapshot, NOW) == (
        Reason.GRAY_LOST_READINESS,
        "1 of 1 pods needed are not ready any more: a",
    )


def test_a_release_that_has_no_beginning_counts_everything() -> None:
    assert reason(crashed(ended_at=BEFORE), state=State()) is Reason.GRAY_CRASHING


def test_patience_ends_at_a_known_time() -> None:
    pods = (waiting("ErrImagePull", HICCUP), waiting("ErrImagePull", "not found", name="b"))

    assert due(seen(*pods)) == [LATER + PATIENCE]


@pytest.mark.parametrize(
    ("pod", "want"),
    [
        pytest.param(well("a"), "", id="ready"),
        pytest.param(replace(lost("a"), is_ending=True), "", id="being deleted"),
        pytest.param(
            a_pod(reason="Unschedulable", message="0/1 nodes\nare available"),
            "pod gray-1: Unschedulable: 0/1 nodes are available",
            id="no room",
        ),
        pytest.param(
            waiting("ContainerCreating"),
            "pod gray-1, container processor: ContainerCreating",
            id="being made",
        ),
        pytest.param(
            crashed(restarts=1),
            "pod gray-1, container processor: Error, exit code 1, 1 restart",
            id="ended",
        ),
        pytest.param(lost("a"), "pod a, container processor runs but is not ready", id="running"),
        pytest.param(a_pod(), "pod gray-1 is Pending", id="nothing is known"),
        pytest.param(a_pod(a_container(), phase="Running"), "", id="running, nothing to say"),
    ],
)
def test_why_a_pod_is_not_ready(pod: Pod, want: str) -> None:
    assert why_not_ready([pod]) == want
