"""A real API server holds users to the CRD: every rule has an object that passes and one that not.

The table is the one the types are held to, so that CEL and Python cannot come apart.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kubernetes import client, config
from tests.cluster import Cluster, tools
from tests.support.eventually import Patience, eventually
from tests.support.specs import CASES, Case, Spec, a_resource, a_spec

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

ROOT = Path(__file__).resolve().parents[3]
CRD = ROOT / "crds" / "faceblur.dev_faceblurrollouts.yaml"
STATUS = {
    "phase": "Progressing",
    "step": "2/4",
    "currentStepIndex": 1,
    "grayWeight": 25,
    "verdict": "Insufficient",
    "message": "holding at 25 %: 120 more requests are needed",
    "stableImage": "ai-face-blur:1.0",
    "revision": "5d4f8c7b6",
    "memory": '{"serial":3}',
}
ESTABLISHING = Patience("establishing a CRD", 30)
ESTABLISHED = '{.status.conditions[?(@.type=="Established")].status}'
Kubectl = Callable[..., subprocess.CompletedProcess[str]]
# Tries to create an object and returns what the API server says against it, None: nothing.
Try = Callable[[Spec], str | None]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start("crd-rules", nodes=False) as started:
        yield started


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    """Return kubectl for an API server that knows the CRD; extra text is its input."""

    def run(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(tools.kubectl()), f"--kubeconfig={cluster.kubeconfig}", *words]
        return subprocess.run(
            command, input=given, capture_output=True, text=True, check=False, timeout=60
        )

    assert run("apply", "--server-side", "-f", str(CRD)).returncode == 0
    # `kubectl wait` gives up on an object that has no conditions yet.
    eventually(
        lambda: run("get", "-f", str(CRD), "-o", f"jsonpath={ESTABLISHED}").stdout,
        lambda said: said == "True",
        within=ESTABLISHING,
        what="a CRD that is established",
    )
    return run


@pytest.fixture(scope="module")
def refusal(cluster: Cluster, kubectl: Kubectl) -> Iterator[Try]:
    """Return a way to try an object; a client in this process takes a tenth of kubectl's time."""
    assert kubectl("get", "rollout").returncode == 0
    # This function of the client has no types, hence the ignore.
    connect = config.new_client_from_config(str(cluster.kubeconfig))  # type: ignore[no-untyped-call]
    with connect as connection:
        objects = client.CustomObjectsApi(connection)

        def attempt(resource: Spec) -> str | None:
            try:
                objects.create_namespaced_custom_object(
                    "faceblur.dev",
                    "v1alpha1",
                    "default",
                    "faceblurrollouts",
                    resource,
                    dry_run="All",
                    field_validation="Strict",
                )
            except client.ApiException as err:
                return str(json.loads(err.body or "{}")["message"])
            return None

        yield attempt


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_api_server_accepts_and_refuses_what_the_table_says(refusal: Try, case: Case) -> None:
    said = refusal(a_resource(case.spec))

    assert (said is None) == (case.refused is None), said
    assert (case.refused or "") in (said or "")


@pytest.mark.parametrize(
    ("name", "want"),
    [
        pytest.param("n" * 40, "", id="forty characters"),
        pytest.param("n" * 41, "metadata.name must have at most 40 characters", id="one more"),
    ],
)
def test_long_names_are_refused(refusal: Try, name: str, want: str) -> None:
    said = refusal(a_resource(a_spec(), name)) or ""

    assert bool(said) == bool(want), said
    assert want in said


RENAMED: dict[str, Spec] = {
    "stable": {"stable": {"deployment": "another", "service": "face-blur-service"}},
    "its Service": {"stable": {"deployment": "face-blur-stable", "service": "another"}},
    "gray": {"gray": {"deployment": "another"}},
    "gray's Service": {"gray": {"service": "another"}},
    "the Ingress": {"traffic": {"ingresses": ["another"]}},
    "the way in": {"traffic": {"ingresses": None, "httpRoutes": ["another"]}},
}


@pytest.mark.parametrize("change", RENAMED)
def test_what_is_being_released_keeps_its_name_until_the_release_is_over(
    kubectl: Kubectl, change: str
) -> None:
    """What a release has made is found by these names; another one would leave traffic behind."""
    name = "renamed-" + re.sub("[^a-z]+", "-", change)
    assert (
        kubectl("create", "-f", "-", given=json.dumps(a_resource(a_spec(), name))).returncode == 0
    )

    def patch(given: Spec, *words: str) -> subprocess.CompletedProcess[str]:
        text = json.dumps(given)
        return kubectl("patch", "rollout", name, "--type=merge", f"--patch={text}", *words)

    def say(phase: str, **more: object) -> None:
        told = patch({"status": {"phase": phase, "grayWeight": 25, **more}}, "--subresource=status")
        assert told.returncode == 0, told.stderr

    spec = {"spec": RENAMED[change]}
    dry = "--dry-run=server"
    assert patch(spec, dry).returncode == 0
    for phase in ("Progressing", "Promoting", "RollingBack", "Paused", "Suspended"):
        say(phase)
        assert "abort the release first" in patch(spec, dry).stderr
    say("Progressing")
    assert patch({"spec": {"image": "ai-face-blur:1.2", "suspend": True}}, dry).returncode == 0
    say("Invalid", stepStartedAt="2026-01-01T00:00:00Z")
    assert "abort the release first" in patch(spec, dry).stderr
    say("Invalid", stepStartedAt=None)
    assert patch(spec, dry).returncode == 0
    for phase in ("Succeeded", "RolledBack"):
        say(phase)
        assert patch(spec, dry).returncode == 0


def test_two_objectives_of_one_name_are_refused(refusal: Try) -> None:
    same = [{"name": "a", "builtin": "errors", "atLeast": "9%"}] * 2

    said = refusal(a_resource(a_spec(analysis={"slos": same}))) or ""

    assert "every objective needs a name of its own" in said
    assert "Duplicate value" in said


def test_a_typo_is_refused(refusal: Try) -> None:
    said = refusal(a_resource(a_spec(imagee="x"))) or ""

    assert 'unknown field "spec.imagee"' in said


def test_explain_tells_meaning_unit_and_default(kubectl: Kubectl) -> None:
    # The document that explains a resource is published a moment after the resource.
    said = eventually(
        lambda: kubectl("explain", "faceblurrollout.spec.analysis").stdout,
        lambda text: text != "",
        within=ESTABLISHING,
        what="an explanation",
    )

    words = " ".join(said.split())
    assert "How often to ask; up to five times as often" in words
    assert "A duration of at least 1s, default 5s." in words
    assert "slos <[]Object> -required-" in words


def test_get_shows_the_columns(kubectl: Kubectl) -> None:
    made = kubectl("create", "-f", "-", given=json.dumps(a_resource(a_spec(), "shown")))
    assert made.returncode == 0, made.stderr
    patch = json.dumps({"status": STATUS})
    told = kubectl(
        "patch", "rollout", "shown", "--subresource=status", "--type=merge", f"--patch={patch}"
    )
    assert told.returncode == 0, told.stderr

    narrow = kubectl("get", "rollout", "shown").stdout.splitlines()
    wide = kubectl("get", "fbr", "shown", "-o", "wide").stdout.splitlines()
    kept = json.loads(kubectl("get", "rollout", "shown", "-o", "json").stdout)["status"]

    columns = ["NAME", "PHASE", "STEP", "WEIGHT", "IMAGE", "VERDICT", "MESSAGE", "AGE"]
    assert narrow[0].split() == columns
    assert narrow[1].split()[:6] == [
        "shown",
        "Progressing",
        "2/4",
        "25",
        "ai-face-blur:1.1-gray",
        "Insufficient",
    ]
    assert wide[0].split() == [*columns, "STABLE", "REVISION", "STARTED", "FINISHED"]
    assert kept == STATUS
