"""The chart of the operator gives it exactly the rights and settings its code needs."""

from typing import Any

import pytest
from tests.support.helm import Rendered, environment, render

from faceblur_operator.adapters import kube_api
from faceblur_operator.handlers import watches
from faceblur_operator.wiring.settings import read_settings

NAMESPACE = "faceblur-system"
NAME = "faceblur-operator"
READ = ["get", "list", "watch"]
MOUNTS: dict[str, list[str]] = {
    "apiGroups": [""],
    "resources": ["configmaps", "secrets"],
    "verbs": ["get"],
}
# One line per right: a change here needs a reason in the code.
RULES: list[dict[str, list[str]]] = [
    {"apiGroups": ["faceblur.dev"], "resources": ["faceblurrollouts"], "verbs": [*READ, "patch"]},
    {
        "apiGroups": ["faceblur.dev"],
        "resources": ["faceblurrollouts/status"],
        "verbs": ["update"],
    },
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": [*READ, "create", "patch"]},
    {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    {
        "apiGroups": ["autoscaling"],
        "resources": ["horizontalpodautoscalers"],
        "verbs": ["list", "watch"],
    },
    MOUNTS,
    {"apiGroups": [""], "resources": ["services"], "verbs": [*READ, "create", "patch"]},
    {
        "apiGroups": ["networking.k8s.io"],
        "resources": ["ingresses"],
        "verbs": [*READ, "create", "patch", "delete"],
    },
    {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "create", "patch"]},
]
LEASE: list[dict[str, list[str]]] = [
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": ["faceblur-operator"],
        "verbs": ["get", "update"],
    },
]


def _group(prefix: str) -> str:
    """Return the API group of a path such as apis/apps/v1; the core group has no name."""
    return prefix.split("/")[1] if prefix.startswith("apis/") else ""


def _bindings(made: Rendered) -> set[tuple[str, str, str, str]]:
    """Return every binding: its kind, namespace, role, and the account that gets it."""
    return {
        (
            one["kind"],
            one["metadata"].get("namespace", ""),
            f"{one['roleRef']['kind']}/{one['roleRef']['name']}",
            "/".join(f"{who['namespace']}/{who['name']}" for who in one["subjects"]),
        )
        for one in made.objects
        if one["kind"].endswith("Binding")
    }


def test_in_all_namespaces_it_has_exactly_these_rights() -> None:
    made = render(NAME, NAMESPACE)
    account = f"{NAMESPACE}/{NAME}"

    assert made.one("ClusterRole", NAME)["rules"] == RULES
    assert made.one("Role", f"{NAME}-lease", NAMESPACE)["rules"] == LEASE
    assert _bindings(made) == {
        ("ClusterRoleBinding", "", f"ClusterRole/{NAME}", account),
        ("RoleBinding", NAMESPACE, f"Role/{NAME}-lease", account),
    }


def test_in_named_namespaces_it_has_no_right_in_the_cluster() -> None:
    made = render(NAME, NAMESPACE, "watchNamespaces={demo,shop}")
    account = f"{NAMESPACE}/{NAME}"

    assert not any(one["kind"].startswith("Cluster") for one in made.objects)
    assert made.one("Role", NAME, "demo")["rules"] == RULES
    assert made.one("Role", NAME, "shop")["rules"] == RULES
    assert _bindings(made) == {
        ("RoleBinding", "demo", f"Role/{NAME}", account),
        ("RoleBinding", "shop", f"Role/{NAME}", account),
        ("RoleBinding", NAMESPACE, f"Role/{NAME}-lease", account),
    }


def test_without_reading_mounts_it_may_read_no_secret() -> None:
    made = render(NAME, NAMESPACE, "readMounts=false")

    assert made.one("ClusterRole", NAME)["rules"] == [one for one in RULES if one is not MOUNTS]


def test_roles_and_account_made_elsewhere_are_used() -> None:
    settings = ("rbac.create=false", "serviceAccount.create=false", "serviceAccount.name=mine")
    made = render(NAME, NAMESPACE, *settings)

    kinds = {one["kind"] for one in made.objects}
    assert kinds == {"Deployment", "Service", "PodDisruptionBudget"}
    pod = made.one("Deployment", NAME)["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "mine"


@pytest.mark.parametrize(
    ("settings", "want"),
    [
        pytest.param((), {"FACEBLUR_OPERATOR_NAMESPACES": "*"}, id="all namespaces"),
        pytest.param(
            ("watchNamespaces={a,b}",), {"FACEBLUR_OPERATOR_NAMESPACES": "a,b"}, id="two namespaces"
        ),
        pytest.param(
            ("prometheus.allow={*.monitoring,localhost}",),
            {
                "FACEBLUR_OPERATOR_NAMESPACES": "*",
                "FACEBLUR_OPERATOR_PROMETHEUS_ALLOW": "*.monitoring,localhost",
            },
            id="hosts that may be asked",
        ),
    ],
)
def test_environment(settings: tuple[str, ...], want: dict[str, Any]) -> None:
    container = render(NAME, NAMESPACE, *settings).container(NAME)

    assert environment(container) == {
        "POD_NAME": {"fieldRef": {"fieldPath": "metadata.name"}},
        "POD_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        "FACEBLUR_OPERATOR_PROMETHEUS_URL": "http://prometheus.monitoring:9090",
        "FACEBLUR_OPERATOR_DRAIN": "5",
        "FACEBLUR_OPERATOR_LOG_LEVEL": "INFO",
        **want,
    }


def test_every_setting_of_the_operator_is_set_by_the_chart() -> None:
    allow = ("prometheus.allow={a}", "notifications.allow={b}")
    given = environment(render(NAME, NAMESPACE, *allow).container(NAME))
    read = read_settings({name: "2" for name in given if name.endswith("DRAIN")})

    known = {
        field.upper() if field.startswith("pod_") else f"FACEBLUR_OPERATOR_{field.upper()}"
        for field in type(read).model_fields
    }
    # The port is the one that probes, Service and PodMonitor name.
    assert known - set(given) == {"FACEBLUR_OPERATOR_PORT"}
    assert set(given) <= known


def test_rights_are_about_exactly_the_kinds_the_code_touches() -> None:
    touched = {(prefix, plural) for prefix, plural in kube_api.KINDS.values()}
    granted = {
        (group, what.partition("/")[0])
        for rule in [*RULES, *LEASE]
        for group in rule["apiGroups"]
        for what in rule["resources"]
    }
    watched = {(group, plural) for group, _, plural in watches.KINDS.values()}
    watchable = {
        (rule["apiGroups"][0], rule["resources"][0]) for rule in RULES if "watch" in rule["verbs"]
    }

    assert granted == {(_group(prefix), plural) for prefix, plural in touched}
    assert watchable == watched


def test_two_replicas_with_probes_and_a_budget() -> None:
    made = render(NAME, NAMESPACE)

    container = made.container(NAME)
    assert made.one("Deployment", NAME)["spec"]["replicas"] == 2
    assert made.one("PodDisruptionBudget", NAME)["spec"]["maxUnavailable"] == 1
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_a_single_replica_has_no_budget_that_blocks_a_drain() -> None:
    made = render(NAME, NAMESPACE, "replicas=1")

    assert f"PodDisruptionBudget/{NAME}" not in made.names()


def test_metrics_are_found_by_annotation_service_and_pod_monitor() -> None:
    made = render(NAME, NAMESPACE, "podMonitor.enabled=true")
    selector = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME}

    annotations = made.one("Deployment", NAME)["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8080",
        "prometheus.io/path": "/metrics",
    }
    assert made.one("Service", f"{NAME}-metrics")["spec"] == {
        "clusterIP": "None",
        "selector": selector,
        "ports": [{"name": "http", "port": 8080, "targetPort": "http"}],
    }
    assert made.one("PodMonitor", NAME)["spec"] == {
        "selector": {"matchLabels": selector},
        "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "15s"}],
    }
