"""The command line."""

import subprocess
import sys

import yaml

from faceblur_operator.api.crd import crd


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "faceblur_operator", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_crd_is_printed() -> None:
    assert yaml.safe_load(run("crd").stdout) == crd()


def test_wrong_setting_ends_it_with_one_sentence() -> None:
    done = run(FACEBLUR_OPERATOR_PORT="many")

    assert done.returncode == 1
    assert done.stderr.startswith("faceblur-operator: FACEBLUR_OPERATOR_PORT: ")
    assert len(done.stderr.splitlines()) == 1
