"""Pods become small values; the book keeps those of rollouts that are looked at."""

from datetime import UTC, datetime
from typing import Any

import pytest

from faceblur_operator.adapters.kube_pods import MAX_AGE, PodBook, pod_of
from faceblur_operator.core.snapshot import Pod, PodContainer
from faceblur_operator.ports.cluster import Key

KEY = Key("demo", "face-blur")
HASH = "5d4f8c7b6"
NOBODY: frozenset[Key] = frozenset()
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
LATER = "2026-01-01T00:00:09Z"


def a_pod(version: int, name: str = "a", **changes: Any) -> dict[str, Any]:
    labels = {"faceblur.dev/rollout": "face-blur", "pod-template-hash": changes.pop("hash", HASH)}
    return {
        "metadata": {
            "name": name,
            "namespace": "demo",
            "uid": f"uid-{name}",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "resourceVersion": str(version),
            "labels": labels,
            **changes.pop("metadata", {}),
        },
        "status": {"phase": "Running", **changes},
    }


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def book() -> PodBook:
    made = PodBook(Clock())
    made.follow(KEY)
    return made


def names(book: PodBook, pod_hash: str = HASH) -> list[str]:
    return [one.name for one in book.of(KEY, pod_hash)]


@pytest.mark.parametrize(
    ("item", "want"),
    [
        pytest.param(
            {"metadata": a_pod(1)["metadata"]},
            Pod("a", "uid-a", CREATED, HASH, "Pending", "", "", False, False),
            id="as it was created",
        ),
        pytest.param(
            a_pod(1, conditions=[{"type": "Ready", "status": "True", "lastTransitionTime": LATER}]),
            Pod("a", "uid-a", CREATED, HASH, "Running", "", "", True, False),
            id="ready",
        ),
        pytest.param(
            a_pod(1, metadata={"deletionTimestamp": LATER}),
            Pod("a", "uid-a", CREATED, HASH, "Running", "", "", False, True),
            id="being deleted",
        ),
        pytest.param(
            a_pod(1, phase="Failed", reason="Evicted", message="low on memory"),
            Pod("a", "uid-a", CREATED, HASH, "Failed", "Evicted", "low on memory", False, False),
            id="evicted",
        ),
        pytest.param(
            a_pod(
                1,
                phase="Pending",
                conditions=[
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "no room",
                    }
                ],
            ),
            Pod("a", "uid-a", CREATED, HASH, "Pending", "Unschedulable", "no room", False, False),
            id="no room",
        ),
    ],
)
def test_pod(item: dict[str, Any], want: Pod) -> None:
    assert pod_of(item) == want


@pytest.mark.parametrize(
    ("status", "want"),
    [
        pytest.param({}, {}, id="nothing yet"),
        pytest.param(
            {"state": {"running": {"startedAt": LATER}}, "ready": True, "imageID": "sha"},
            {"started": CREATED.replace(second=9), "is_ready": True, "image_id": "sha"},
            id="running",
        ),
        pytest.param(
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {
                    "terminated": {
                        "reason": "Error",
                        "exitCode": 1,
                        "message": "no model",
                        "finishedAt": LATER,
                    }
                },
                "restartCount": 3,
            },
            {
                "waiting": "CrashLoopBackOff",
                "ended": "Error",
                "exit_code": 1,
                "message": "no model",
                "restarts": 3,
                "ended_at": CREATED.replace(second=9),
            },
            id="crash loop",
        ),
        pytest.param(
            {"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}},
            {"ended": "OOMKilled", "exit_code": 137},
            id="just killed",
        ),
    ],
)
def test_container(status: dict[str, Any], want: dict[str, Any]) -> None:
    told = {"name": "processor", "image": "gray", **status}
    blank = {"name": "processor", "image": "gray", "image_id": "", "is_ready": False, "restarts": 0}
    wanted: Any = blank | want

    (found,) = pod_of(a_pod(1, containerStatuses=[told])).containers

    assert found == PodContainer(**wanted)


def test_containers_that_prepare_come_first() -> None:
    one, two = {"name": "one"}, {"name": "two"}

    found = pod_of(a_pod(1, initContainerStatuses=[one], containerStatuses=[two])).containers

    assert [container.name for container in found] == ["one", "two"]


def test_only_pods_of_rollouts_that_are_looked_at_are_kept(book: PodBook) -> None:
    stranger = a_pod(1, metadata={"namespace": "else"})
    plain = a_pod(1, metadata={"labels": {}})

    assert book.observe(a_pod(1), is_gone=False) == {KEY}
    assert book.observe(stranger, is_gone=False) == NOBODY
    assert book.observe(plain, is_gone=False) == NOBODY
    assert book.of(Key("else", "face-blur"), HASH) == ()


def test_only_what_a_decision_looks_at_is_news(book: PodBook) -> None:
    book.observe(a_pod(1), is_gone=False)

    heartbeat = book.observe(a_pod(2, hostIP="10.0.0.1"), is_gone=False)
    repeated = book.observe(a_pod(2), is_gone=False)
    outdated = book.observe(a_pod(1, phase="Pending"), is_gone=False)
    changed = book.observe(a_pod(3, phase="Failed"), is_gone=False)

    news = [bool(one) for one in (heartbeat, repeated, outdated, changed)]
    assert news == [False, False, False, True]


def test_a_pod_that_is_gone_is_news_once(book: PodBook) -> None:
    book.observe(a_pod(1), is_gone=False)

    assert book.observe(a_pod(2), is_gone=True) == {KEY}
    assert book.observe(a_pod(2), is_gone=True) == NOBODY
    assert names(book) == []


def test_pods_of_another_template_are_kept_apart(book: PodBook) -> None:
    book.observe(a_pod(1, "a"), is_gone=False)
    book.observe(a_pod(1, "b", hash="6"), is_gone=False)

    assert (names(book), names(book, "6")) == (["a"], ["b"])


def test_a_list_is_the_whole_truth_but_for_what_is_newer(book: PodBook) -> None:
    book.observe(a_pod(3, "lost"), is_gone=False)
    book.observe(a_pod(4, "old", hash="6"), is_gone=False)
    book.observe(a_pod(9, "newer"), is_gone=False)

    book.put_list(KEY, HASH, [a_pod(2, "listed")], version=5)

    assert (names(book), names(book, "6")) == (["listed", "newer"], [])


def test_a_list_from_before_a_deletion_brings_nothing_back(book: PodBook) -> None:
    book.observe(a_pod(1), is_gone=False)
    book.observe(a_pod(7), is_gone=True)

    book.put_list(KEY, HASH, [a_pod(1)], version=6)

    assert (names(book), book.knows(KEY, HASH)) == ([], False)


def test_a_list_is_believed_for_a_while_and_for_its_template() -> None:
    clock = Clock()
    book = PodBook(clock)

    unknown = book.knows(KEY, HASH)
    book.put_list(KEY, HASH, [], version=1)
    fresh, other = book.knows(KEY, HASH), book.knows(KEY, "6")
    clock.now = MAX_AGE

    assert (unknown, fresh, other, book.knows(KEY, HASH)) == (False, True, False, False)


def test_nothing_is_left_of_a_rollout_that_is_forgotten(book: PodBook) -> None:
    book.put_list(KEY, HASH, [a_pod(1)], version=1)
    book.observe(a_pod(2), is_gone=True)

    book.forget(KEY)

    assert book.observe(a_pod(3), is_gone=False) == NOBODY
    assert (book._pods, book._listed, book._gone) == ({}, {}, {})
