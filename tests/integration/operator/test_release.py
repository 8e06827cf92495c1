"""The operator as a process on a real API server: releases, restarts, two replicas, repairs."""

import itertools
import logging
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from tests.cluster import Cluster
from tests.support.eventually import Patience, consistently, eventually
from tests.support.gate import a_gate
from tests.support.in_memory import WEIGHT, quick_spec
from tests.support.operation import Operation, an_operation, install_crd

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

GRAY, NEW, OLD = "face-blur-ingress-gray", "ai-face-blur:1.1-gray", "ai-face-blur:1.0"
AT_ONCE = Patience("at once", 2)
TAKEOVER = Patience("a takeover", 6)
LONG_HOLD = [{"weight": 30, "hold": "1h"}, {"weight": 100}]
LOG = logging.getLogger(__name__)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start("release", nodes=False) as started:
        install_crd(started)
        yield started


@pytest.fixture
def operation(cluster: Cluster, tmp_path: Path) -> Iterator[Operation]:
    with an_operation(cluster.kubeconfig, f"release-{next(_numbers)}", tmp_path) as opened:
        yield opened


def at_thirty(operation: Operation) -> None:
    operation.release(quick_spec(steps=LONG_HOLD))
    operation.until_weight(30)


def test_good_version_is_promoted_step_by_step(operation: Operation) -> None:
    operation.start_operator()
    variable = {"name": "ENABLE_GRAY_FEATURE", "value": "true"}

    operation.release(quick_spec(gray={"env": [variable]}))
    status = operation.until_phase("Succeeded")

    weights = [one["toWeight"] for one in status["decisions"] if "fromWeight" in one]
    assert list(dict.fromkeys(weights)) == [0, 5, 50, 100]
    assert [one["outcome"] for one in status["history"]] == ["Promoted"]
    assert operation.stable_image == NEW
    assert operation.weight == 0


def test_bad_version_is_rolled_back(operation: Operation) -> None:
    operation.start_operator()
    at_thirty(operation)

    operation.counters.counted.bad_share = 0.9
    took = operation.until_weight(0, within=Patience("a rollback at 1 s analysis", 4))
    operation.until_phase("RolledBack")

    LOG.info("%s: %s", "bad answers to weight 0, s", took)
    assert operation.stable_image == OLD


def test_gray_that_loses_readiness_is_rolled_back_without_prometheus(operation: Operation) -> None:
    operation.start_operator()
    at_thirty(operation)
    operation.counters.is_down = True

    operation.unready.add("gray")
    took = operation.until_weight(0, within=AT_ONCE)

    LOG.info("%s: %s", "gray unready to weight 0, s", took)


def test_prometheus_that_is_down_neither_raises_nor_lowers(operation: Operation) -> None:
    operation.start_operator()
    operation.release(quick_spec())
    operation.until_weight(5)

    operation.counters.is_down = True
    consistently(
        lambda: operation.weight,
        lambda weight: weight == 5,
        during=Patience("two holds", 6),
        what="the weight stays where it is",
    )

    operation.counters.is_down = False
    operation.until_phase("Succeeded")


def test_killed_process_is_followed_by_one_that_ends_the_release(operation: Operation) -> None:
    first = operation.start_operator("a")
    operation.release(quick_spec())
    operation.until_weight(50)

    first.kill()
    operation.start_operator("b")
    status = operation.until_phase("Succeeded")

    weights = [one["toWeight"] for one in status["decisions"] if "fromWeight" in one]
    assert list(dict.fromkeys(weights)) == [0, 5, 50, 100]
    assert operation.stable_image == NEW


def test_edited_weight_is_put_back_and_a_deleted_ingress_made_again(operation: Operation) -> None:
    operation.start_operator()
    at_thirty(operation)

    change = {"metadata": {"annotations": {WEIGHT: "100"}}}
    operation.net.patch_namespaced_ingress(GRAY, operation.namespace, change)
    edited = operation.until_weight(30, within=AT_ONCE)
    operation.net.delete_namespaced_ingress(GRAY, operation.namespace)
    deleted = operation.until_weight(30, within=AT_ONCE)

    LOG.info("%s: %s", "edited to repaired, deleted to made again, s", (edited, deleted))
    eventually(
        lambda: operation.told("Repaired"),
        lambda told: (
            told
            == [
                f"Ingress {GRAY} was changed by somebody else; put back to 30 %",
                f"Ingress {GRAY} was deleted by somebody else; made again",
            ]
        ),
        within=AT_ONCE,
        what="both repairs are told",
    )


def test_only_one_of_two_writes_and_the_other_takes_over_after_a_kill(operation: Operation) -> None:
    first, second = operation.start_operator("a"), operation.start_operator("b")
    at_thirty(operation)
    assert (first.is_leading, second.is_leading) == (True, False)
    assert second.metric("faceblur_operator_writes_total") == 0

    begun = monotonic()
    first.kill()
    operation.counters.counted.bad_share = 0.9
    eventually(lambda: second.is_leading, bool, within=TAKEOVER, what="the other one leads")
    led = monotonic() - begun
    operation.until_weight(0, within=TAKEOVER)

    LOG.info("%s: %s", "killed to led, to weight 0, s", (led, monotonic() - begun))
    assert led <= 5


def test_asked_to_end_it_hands_over_at_once_and_exits_0(operation: Operation) -> None:
    first, second = operation.start_operator("a"), operation.start_operator("b")
    at_thirty(operation)

    begun = monotonic()
    code = first.terminate()
    eventually(lambda: second.is_leading, bool, within=AT_ONCE, what="the other one leads")

    LOG.info("%s: %s", "SIGTERM to handed over, s", monotonic() - begun)
    assert code == 0


def test_leader_without_its_api_server_steps_down_and_goes_on_when_it_is_back(
    operation: Operation,
) -> None:
    with a_gate(operation.api_port) as gate:
        operator = operation.start_operator(api_port=gate.port)
        at_thirty(operation)

        gate.shut()
        eventually(
            lambda: operator.is_leading, lambda leads: not leads, within=TAKEOVER, what="it yields"
        )
        operation.net.delete_namespaced_ingress(GRAY, operation.namespace)
        gate.open()
        eventually(lambda: operator.is_leading, bool, within=TAKEOVER, what="it leads again")
        operation.until_weight(30)
        operation.counters.counted.bad_share = 0.9
        operation.until_phase("RolledBack")

    assert operator.process.poll() is None


def test_described_rollout_tells_its_story(cluster: Cluster, operation: Operation) -> None:
    operation.start_operator()
    operation.release(quick_spec())
    operation.until_phase("Succeeded")

    text = cluster.kubectl("describe", "rollout", "face-blur", "-n", operation.namespace)

    told = [line.split()[1] for line in text.partition("Events:")[2].splitlines()[3:]]
    assert told == ["Started", *["WeightRaised"] * 3, "Promoting", "Promoted"]
