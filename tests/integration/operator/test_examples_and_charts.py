"""A real API server accepts the examples and the charts, and upgrades undo nothing."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cluster import Cluster, tools
from tests.support.examples import folders
from tests.support.helm import CHARTS, NAMESPACES

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ACCOUNT = "system:serviceaccount:faceblur-system:faceblur-operator"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start("examples", nodes=False) as started:
        yield started


@pytest.fixture(scope="module")
def helm(cluster: Cluster) -> Run:
    """Return Helm for the cluster."""
    return _program(tools.helm(), cluster.kubeconfig)


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster, helm: Run) -> Run:
    """Return kubectl for a cluster where both charts are installed."""
    for chart, namespace in NAMESPACES.items():
        done = helm(
            "install", chart, str(CHARTS / chart), "--namespace", namespace, "--create-namespace"
        )
        assert done.returncode == 0, done.stderr
    return _program(tools.kubectl(), cluster.kubeconfig)


def _program(program: Path, kubeconfig: Path) -> Run:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(program), f"--kubeconfig={kubeconfig}", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)

    return run


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_api_server_accepts_the_example(kubectl: Run, folder: Path) -> None:
    done = kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(folder))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "faceblurrollout.faceblur.dev/face-blur created (server dry run)\n"


@pytest.mark.parametrize(
    ("verb", "what", "namespace", "want"),
    [
        pytest.param("watch", "faceblurrollouts", "any", "yes", id="sees rollouts"),
        pytest.param("update", "faceblurrollouts/status", "any", "yes", id="reports"),
        pytest.param("patch", "faceblurrollouts", "any", "yes", id="takes a command off"),
        pytest.param("delete", "faceblurrollouts", "any", "no", id="but deletes no rollout"),
        pytest.param("patch", "deployments", "any", "yes", id="releases"),
        pytest.param("delete", "deployments", "any", "no", id="but deletes no Deployment"),
        pytest.param("delete", "ingresses", "any", "yes", id="removes the gray Ingress"),
        pytest.param("delete", "services", "any", "no", id="but no Service"),
        pytest.param("get", "secrets", "any", "yes", id="reads a Secret that pods use by its name"),
        pytest.param("list", "secrets", "any", "no", id="but lists none"),
        pytest.param("watch", "configmaps", "any", "no", id="and watches no ConfigMap"),
        pytest.param("create", "pods", "any", "no", id="starts no pod"),
        pytest.param("create", "leases", "faceblur-system", "yes", id="may lead"),
        pytest.param("create", "leases", "any", "no", id="but only at home"),
        pytest.param("list", "namespaces", "any", "no", id="does not look around"),
    ],
)
def test_operator_may_do_what_it_must_and_no_more(
    kubectl: Run, verb: str, what: str, namespace: str, want: str
) -> None:
    what, _, subresource = what.partition("/")
    words = ("auth", "can-i", verb, what, f"--subresource={subresource}")

    said = kubectl(*words, f"--as={ACCOUNT}", f"--namespace={namespace}")

    assert said.stdout.strip() == want


def test_an_upgrade_keeps_the_secret_key(kubectl: Run, helm: Run) -> None:
    words = ("get", "secret", "face-blur-service-key", "--namespace=faceblur", "-o", "json")
    before = json.loads(kubectl(*words).stdout)["data"]

    upgraded = helm("upgrade", "faceblur", str(CHARTS / "faceblur"), "--namespace", "faceblur")

    assert upgraded.returncode == 0, upgraded.stderr
    assert json.loads(kubectl(*words).stdout)["data"] == before
    assert sorted(before) == ["admin-token", "secret-key"]


def test_an_upgrade_does_not_undo_a_promotion_in_silence(kubectl: Run, helm: Run) -> None:
    """The operator owns the image it promoted: Helm says so, and goes on once told that image."""
    chart, namespace = str(CHARTS / "faceblur"), "--namespace=promoted"
    installed = helm("install", "promoted", chart, namespace, "--create-namespace")
    assert installed.returncode == 0, installed.stderr
    container = {"name": "processor", "image": "ai-face-blur:1.1-gray"}
    patch = json.dumps({"spec": {"template": {"spec": {"containers": [container]}}}})
    words = ("patch", "deployment", "face-blur-stable", namespace, f"--patch={patch}")
    promoted = kubectl(*words, "--field-manager=faceblur-operator")
    assert promoted.returncode == 0, promoted.stderr

    blind = helm("upgrade", "promoted", chart, namespace)
    told = helm("upgrade", "promoted", chart, namespace, "--set=image.tag=1.1-gray")

    assert blind.returncode != 0
    assert 'conflict with "faceblur-operator"' in blind.stderr
    assert told.returncode == 0, told.stderr
