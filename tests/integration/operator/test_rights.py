"""The operator does its work with the rights that its chart gives it, and meets no refusal."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster import Cluster, tools
from tests.support.eventually import Patience, eventually
from tests.support.examples import EXAMPLES
from tests.support.helm import CHARTS, NAMESPACES

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

STARTED = Patience("the operator leads and has made gray", 40)
DELETED = Patience("the operator has noticed a deletion", 20)


@dataclass(frozen=True)
class Operator:
    """An operator that runs here under the service account of the chart."""

    kubeconfig: Path
    log: Path

    def kubectl(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(tools.kubectl()), f"--kubeconfig={self.kubeconfig}", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def read(self, *words: str) -> dict[str, Any]:
        """Return an object of the demo namespace, nothing when there is none."""
        done = self.kubectl("get", *words, "--namespace=faceblur", "-o", "json")
        loaded: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return loaded

    def events(self) -> set[str]:
        """Return the reasons of the events about the rollout."""
        found = self.read("events", "--field-selector=involvedObject.kind=FaceBlurRollout")
        return {one["reason"] for one in found.get("items", [])}


def _as_account(kubeconfig: Path, token: str, to: Path) -> None:
    """Write a kubeconfig that has only the token of the service account."""
    loaded = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    for user in loaded["users"]:
        user["user"] = {"token": token}
    to.write_text(yaml.safe_dump(loaded), encoding="utf-8")


@pytest.fixture(params=["", "watchNamespaces={faceblur}"], ids=["everywhere", "one namespace"])
def operator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Operator]:
    with Cluster.start("rights", nodes=False) as cluster:
        for chart, namespace in NAMESPACES.items():
            words = ["install", chart, str(CHARTS / chart), "--namespace", namespace]
            flags = ["--create-namespace", f"--kubeconfig={cluster.kubeconfig}"]
            if request.param and chart == "faceblur-operator":
                flags += ["--set", request.param]
            subprocess.run(
                [str(tools.helm()), *words, *flags], check=True, stdout=subprocess.DEVNULL
            )
        started = Operator(cluster.kubeconfig, tmp_path / "operator.log")
        account = ("token", "faceblur-operator", "--namespace=faceblur-system")
        limited = tmp_path / "account.kubeconfig"
        _as_account(cluster.kubeconfig, started.kubectl("create", *account).stdout, limited)
        environment = os.environ | {
            "KUBECONFIG": str(limited),
            "POD_NAME": "here",
            "POD_NAMESPACE": "faceblur-system",
            "FACEBLUR_OPERATOR_PORT": "0",
            "FACEBLUR_OPERATOR_NAMESPACES": "faceblur" if request.param else "*",
            "FACEBLUR_OPERATOR_PROMETHEUS_URL": "http://127.0.0.1:9",
        }
        with started.log.open("wb") as log:
            command = [sys.executable, "-m", "faceblur_operator"]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        yield started
        process.terminate()
        process.wait(timeout=20)


def test_the_rights_of_the_chart_are_enough(operator: Operator) -> None:
    applied = operator.kubectl("apply", "-f", str(EXAMPLES / "good-release" / "rollout.yaml"))
    assert applied.returncode == 0, applied.stderr

    eventually(
        lambda: operator.read("rollout", "face-blur").get("status", {}),
        lambda status: status.get("phase") == "Progressing",
        within=STARTED,
        what="the status is written",
    )
    eventually(
        operator.events, lambda seen: "Started" in seen, within=STARTED, what="an event is sent"
    )
    made = {
        kind: operator.read(kind, name)["metadata"]["ownerReferences"][0]["kind"]
        for kind, name in (
            ("deployment", "face-blur-gray"),
            ("service", "face-blur-gray-service"),
        )
    }
    gone = operator.kubectl("delete", "service", "face-blur-gray-service", "--namespace=faceblur")
    assert gone.returncode == 0, gone.stderr
    eventually(
        lambda: operator.read("service", "face-blur-gray-service"),
        bool,
        within=DELETED,
        what="the gray Service is made again",
    )

    command = ("annotate", "rollout", "face-blur", "faceblur.dev/command=abort")
    assert operator.kubectl(*command, "--namespace=faceblur").returncode == 0
    eventually(
        lambda: operator.read("rollout", "face-blur")["metadata"].get("annotations", {}),
        lambda left: "faceblur.dev/command" not in left,
        within=DELETED,
        what="the command is carried out and taken off",
    )

    log = operator.log.read_text(encoding="utf-8")
    assert made == {"deployment": "FaceBlurRollout", "service": "FaceBlurRollout"}
    assert "leading" in log
    assert "forbidden" not in log.lower()
