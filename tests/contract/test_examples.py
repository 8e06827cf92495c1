"""Every example is valid, complete, and uses only what works."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.examples import EXAMPLES, folders, rollout
from tests.support.schema_check import problems

from faceblur_operator.api import parse_spec
from faceblur_operator.core.compiler import Defaults, compile_plan
from faceblur_operator.core.plan import Plan

DEFAULTS = Defaults("http://prometheus.monitoring:9090", (), timedelta(seconds=5))
each = pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)


def test_there_is_an_example_for_each_way_to_release() -> None:
    assert [folder.name for folder in folders()] == [
        "abort",
        "accuracy",
        "approval",
        "bad-release",
        "blue-green",
        "custom-query",
        "full-release",
        "gates",
        "gauge",
        "good-release",
        "header-opt-in",
        "ingress-metrics",
        "low-traffic",
        "shared-outage",
        "undo",
    ]


def test_the_index_lists_every_example_once() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"^\| \[(.+?)\]\(\1\) \|", text, re.MULTILINE)) == [
        folder.name for folder in folders()
    ]


@each
def test_example_passes_the_schema(folder: Path) -> None:
    assert problems(rollout(folder)) == []


@each
def test_example_uses_only_what_this_version_honours(folder: Path) -> None:
    resource = rollout(folder)
    name, namespace = resource["metadata"]["name"], resource["metadata"]["namespace"]

    plan = compile_plan(namespace, name, parse_spec(resource["spec"]), DEFAULTS)

    assert isinstance(plan, Plan), plan
    assert (plan.namespace, plan.name) == ("faceblur", "face-blur")


@each
def test_readme_has_a_title_and_applies_the_example(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert f"kubectl apply -f examples/{folder.name}/rollout.yaml" in text


def test_the_bad_release_differs_from_the_good_one_in_the_image_only() -> None:
    by_name = {folder.name: rollout(folder) for folder in folders()}
    good, bad = by_name["good-release"], by_name["bad-release"]

    assert good["spec"]["image"] == "ai-face-blur:1.1-gray"
    good["spec"]["image"] = "ai-face-blur:1.2-bad"
    assert bad == good
