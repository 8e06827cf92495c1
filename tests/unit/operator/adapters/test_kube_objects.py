"""From objects of the API server to values."""

from typing import Any

import pytest

from faceblur_operator.adapters import kube_objects
from faceblur_operator.core.snapshot import Scaler, Workload

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": [{"name": "c", "image": "i:1"}]},
}


def deployment(**changes: Any) -> dict[str, Any]:
    metadata = {"name": "web", "uid": "u", "generation": 3, "labels": {"a": "b"}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "x"}}, "template": TEMPLATE}
    return {"metadata": metadata, "spec": spec} | changes


def replica_set(pod_hash: str, *, image: str = "i:1", revision: int = 1, owner: str = "u") -> Any:
    labels = {"app": "x", "pod-template-hash": pod_hash}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "c", "image": image}]},
    }
    metadata = {
        "labels": labels,
        "annotations": {"deployment.kubernetes.io/revision": str(revision)},
        "ownerReferences": [{"uid": owner, "controller": True}],
    }
    return {"metadata": metadata, "spec": {"template": template}}


def test_deployment_without_a_status_has_no_pods_and_is_not_settled() -> None:
    assert kube_objects.workload_of(deployment(), None) == Workload(
        name="web",
        uid="u",
        replicas=2,
        ready=0,
        updated=0,
        available=0,
        total=0,
        settled=False,
        template=TEMPLATE,
        selector={"app": "x"},
        pod_hash=None,
        owner_uid=None,
        labels={"a": "b"},
    )


@pytest.mark.parametrize(
    ("sets", "want"),
    [
        pytest.param([], None, id="no ReplicaSet yet"),
        pytest.param([replica_set("h1")], "h1", id="the one with the present template"),
        pytest.param([replica_set("h1", image="i:0")], None, id="only one of an earlier template"),
        pytest.param([replica_set("h1", owner="other")], None, id="one of another Deployment"),
        pytest.param(
            [replica_set("h1", revision=2), replica_set("h2", revision=10)],
            "h2",
            id="two with the same template: the newer by number",
        ),
    ],
)
def test_pod_hash_is_that_of_the_present_template(sets: list[Any], want: str | None) -> None:
    assert kube_objects.pod_hash_of(deployment(), sets) == want


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({}, set(), id="a specification that says nothing"),
        pytest.param({"stable": "text", "traffic": {"ingresses": 7}}, set(), id="nonsense"),
        pytest.param(
            {"stable": {"deployment": "d", "service": "s"}, "traffic": {"ingresses": ["i"]}},
            {
                "Deployment/d",
                "Deployment/d-gray",
                "Service/s",
                "Service/s-gray",
                "Ingress/i",
            },
            id="gray is named after stable",
        ),
        pytest.param(
            {"stable": {"deployment": "d"}, "gray": {"deployment": "g", "service": "t"}},
            {"Deployment/d", "Deployment/g", "Service/t"},
            id="gray has names of its own",
        ),
    ],
)
def test_claims_are_read_from_good_and_bad_specifications(
    spec: dict[str, Any], want: set[str]
) -> None:
    assert kube_objects.claims_of({"spec": spec}) == want


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({}, set(), id="nothing"),
        pytest.param({"rules": [{"host": "x"}]}, set(), id="a rule with a host and nothing else"),
        pytest.param(
            {"defaultBackend": {"service": {"name": "a"}}}, {"a"}, id="the default backend"
        ),
        pytest.param(
            {"defaultBackend": {"resource": {"kind": "Bucket"}}}, set(), id="no Service at all"
        ),
        pytest.param(
            {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "b"}}}]}}]},
            {"b"},
            id="a path",
        ),
    ],
)
def test_services_of_an_ingress(spec: dict[str, Any], want: set[str]) -> None:
    assert kube_objects.services_of({"spec": spec}) == want


def test_only_the_controlling_owner_counts() -> None:
    owners = [{"uid": "a"}, {"uid": "b", "controller": True}]

    assert kube_objects.owner_of({"metadata": {"ownerReferences": owners}}) == "b"
    assert kube_objects.owner_of({"metadata": {}}) is None


@pytest.mark.parametrize(
    ("conditions", "want"),
    [
        pytest.param([], "", id="nothing is said"),
        pytest.param([{"type": "Available", "status": "True"}], "", id="all is well"),
        pytest.param([{"type": "ReplicaFailure", "status": "False"}], "", id="it was so"),
        pytest.param(
            [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}],
            "exceeded quota",
            id="a quota",
        ),
        pytest.param(
            [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}],
            "FailedCreate",
            id="a reason alone",
        ),
    ],
)
def test_why_a_deployment_makes_no_pods(conditions: list[dict[str, str]], want: str) -> None:
    found = kube_objects.workload_of(deployment(status={"conditions": conditions}), None)

    assert found.failure == want


@pytest.mark.parametrize(
    ("target", "want"),
    [
        pytest.param({"kind": "Deployment", "name": "web"}, {"Deployment/web"}, id="a Deployment"),
        pytest.param({"kind": "StatefulSet", "name": "web"}, set(), id="something else"),
        pytest.param(None, set(), id="nothing"),
    ],
)
def test_what_an_autoscaler_scales(target: dict[str, str] | None, want: set[str]) -> None:
    assert kube_objects.target_of({"spec": {"scaleTargetRef": target}}) == want


def test_an_autoscaler_without_a_minimum_has_one() -> None:
    item = {"metadata": {"name": "web"}, "spec": {"maxReplicas": 4}}

    assert kube_objects.scaler_of(item) == Scaler("web", 1, 4)
