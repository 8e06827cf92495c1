"""The demo shows the examples: only the times are shortened."""

from typing import Any

import yaml
from tests.demo.releases import HOLD, SCALE_DOWN_DELAY, the_bad, the_good
from tests.support.installation import REPO, VERSION_BAD, VERSION_GRAY

from faceblur_operator.api import FaceBlurRolloutSpec


def test_the_two_releases_are_valid_and_known() -> None:
    good, bad = the_good(), the_bad()

    for one in (good, bad):
        FaceBlurRolloutSpec.model_validate(one.manifest["spec"])
    assert [(one.image, one.wanted, one.weights, one.slow_s) for one in (good, bad)] == [
        (VERSION_GRAY, "Succeeded", (5, 25, 50, 100), 0.3),
        (VERSION_BAD, "RolledBack", (5, 25, 50, 100), 0.3),
    ]


def test_nothing_that_is_judged_differs_from_the_example() -> None:
    example: dict[str, Any] = yaml.safe_load(
        (REPO / "examples" / "good-release" / "rollout.yaml").read_text()
    )

    for step in example["spec"]["steps"]:
        step["hold"] = HOLD
    example["spec"]["scaleDownDelay"] = SCALE_DOWN_DELAY
    assert the_good().manifest == example
