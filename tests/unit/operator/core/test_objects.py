"""The gray objects: what is copied from stable, what is not, and what is never matched."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.builders import a_plan
from tests.support.world import UID, World, a_service, a_template, a_workload, an_ingress

from faceblur_operator.core import objects
from faceblur_operator.core.snapshot import KubeObject

NGINX = "nginx.ingress.kubernetes.io/"


def gray_ingress(ingress: KubeObject, *, is_open: bool = True) -> dict[str, Any]:
    return objects.gray_ingress(a_plan(), World().snapshot(), ingress, weight=25, is_open=is_open)


def test_the_gray_ingress_is_stables_with_gray_behind_it() -> None:
    made = gray_ingress(an_ingress(tls=[{"hosts": ["a.example"]}]))

    applied = made["metadata"]["annotations"].pop(objects.APPLIED)
    assert len(applied) == 16
    assert made == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": "face-blur-ingress-gray",
            "namespace": "demo",
            "labels": {
                "faceblur.dev/rollout": "face-blur",
                "app.kubernetes.io/managed-by": "faceblur-operator",
            },
            "annotations": {
                "example.com/kept": "yes",
                f"{NGINX}canary": "true",
                f"{NGINX}canary-weight": "25",
                f"{NGINX}canary-by-header": "X-Gray-Enable",
                f"{NGINX}canary-by-header-value": "true",
                f"{NGINX}canary-by-cookie": "gray",
            },
            "ownerReferences": [
                {
                    "apiVersion": "faceblur.dev/v1alpha1",
                    "kind": "FaceBlurRollout",
                    "name": "face-blur",
                    "uid": UID,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": ["a.example"]}],
            "rules": [
                {
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {
                                    "service": {
                                        "name": "face-blur-gray-service",
                                        "port": {"number": 80},
                                    }
                                },
                            }
                        ]
                    }
                }
            ],
        },
    }


def test_a_closed_gray_ingress_lets_nobody_opt_in() -> None:
    annotations = gray_ingress(an_ingress(), is_open=False)["metadata"]["annotations"]

    assert [name for name in annotations if "-by-" in name] == []


def test_rules_without_paths_and_paths_of_other_services_are_left_out() -> None:
    """A rule with a host and no paths is legal; it must not end the process."""
    other = {"path": "/x", "backend": {"service": {"name": "other", "port": {"number": 80}}}}
    mine = an_ingress().manifest["spec"]["rules"][0]["http"]["paths"][0]

    made = gray_ingress(
        an_ingress(
            rules=[{"host": "a.example"}, {"host": "b.example", "http": {"paths": [other, mine]}}]
        )
    )

    assert [rule["host"] for rule in made["spec"]["rules"]] == ["b.example"]
    assert len(made["spec"]["rules"][0]["http"]["paths"]) == 1


def test_notes_of_other_tools_are_not_copied() -> None:
    source = an_ingress()
    noisy = {
        **source.manifest,
        "metadata": {
            "name": "face-blur-ingress",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "meta.helm.sh/release-name": "x",
                "cert-manager.io/cluster-issuer": "x",
                f"{NGINX}proxy-body-size": "20m",
            },
        },
    }

    made = gray_ingress(replace(source, manifest=noisy))

    kept = {
        name for name in made["metadata"]["annotations"] if not name.startswith(f"{NGINX}canary")
    }
    assert kept == {f"{NGINX}proxy-body-size", objects.APPLIED}


@pytest.mark.parametrize(
    ("selector", "want"),
    [
        pytest.param(
            {"app": "face-blur", "faceblur.dev/track": "stable"},
            {"app": "face-blur", "faceblur.dev/track": "gray"},
            id="the track tells them apart",
        ),
        pytest.param(
            {"app": "face-blur"},
            {"app": "gray-face-blur", "faceblur.dev/track": "gray"},
            id="nothing else would tell them apart",
        ),
    ],
)
def test_stables_service_never_matches_gray_pods(
    selector: dict[str, str], want: dict[str, str]
) -> None:
    service = a_service()
    manifest = {**service.manifest, "spec": {**service.manifest["spec"], "selector": selector}}
    service = replace(service, manifest=manifest)

    labels = objects.gray_labels(a_plan(), a_workload("s", a_template()), service)

    assert labels == {**want, "faceblur.dev/rollout": "face-blur"}
    assert not selector.items() <= labels.items()


def test_the_gray_service_selects_what_the_gray_deployment_makes() -> None:
    world, plan = World(), a_plan()
    stable = a_workload("face-blur-stable", a_template())

    service = objects.gray_service(plan, world.snapshot(), stable)
    deployment = objects.gray_deployment(plan, world.snapshot(), stable, a_template(), replicas=2)

    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": 5000}]
    assert "clusterIP" not in service["spec"]


@pytest.mark.parametrize(
    ("wanted", "found", "want"),
    [
        pytest.param({}, {"a": 1}, True, id="nothing wanted"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, True, id="more is there"),
        pytest.param({"a": 1}, {"a": 2}, False, id="another value"),
        pytest.param({"a": 1}, {}, False, id="missing"),
        pytest.param({"a": {}}, {}, True, id="an empty map may be absent"),
        pytest.param({"a": []}, {}, True, id="an empty list may be absent"),
        pytest.param({"a": [1]}, {"a": [1, 2]}, False, id="a longer list"),
        pytest.param([{"a": 1}], [{"a": 1, "b": 2}], True, id="items may have more"),
        pytest.param([1], "x", False, id="another kind"),
        pytest.param({"a": 1}, 3, False, id="no map at all"),
    ],
)
def test_matches(wanted: object, found: object, want: bool) -> None:
    assert objects.matches(wanted, found) is want


def test_a_weight_that_cannot_be_read_is_no_weight() -> None:
    source = an_ingress()

    assert objects.weight_on(source) is None
