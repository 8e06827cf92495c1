"""What kubectl shows to somebody who has never seen a FaceBlurRollout."""

import re

import pytest
from tests.e2e.scene import OPERATOR_ACTS, Scene
from tests.support import installation
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]


def test_get_and_describe_tell_where_the_release_is_and_why(scene: Scene) -> None:
    # Given a release at 5 %
    scene.release(5, 100)
    scene.waits_at(5)

    # When somebody looks
    head, row = eventually(
        lambda: scene.kubectl("get", "rollout").splitlines(),
        lambda lines: "Pass" in lines[-1],
        within=OPERATOR_ACTS,
        what="the row says Pass",
    )
    described = scene.kubectl("describe", "rollout", "face-blur")

    # Then the columns tell phase, step, weight, image, verdict, reason and age,
    wanted = ["NAME", "PHASE", "STEP", "WEIGHT", "IMAGE", "VERDICT", "MESSAGE", "AGE"]
    assert head.split() == wanted
    assert re.fullmatch(
        r"face-blur\s+Progressing\s+1/2\s+5\s+ai-face-blur:1\.1-gray\s+Pass\s+\S.*\S\s+\S+", row
    ), row
    # and the description has the events in their order.
    events = described[described.index("Events:") :]
    assert events.index("Started") < events.index("WeightRaised"), events
    assert f"releasing {installation.VERSION_GRAY}" in events
    assert "5 % to gray (step 1 of 2)" in events


def test_explain_describes_every_level(scene: Scene) -> None:
    # When somebody asks what a field means
    top = scene.kubectl("explain", "faceblurrollout.spec")
    step = scene.kubectl("explain", "rollout.spec.steps.weight")

    # Then there is a sentence with meaning, unit and default.
    for field in ("image", "stable", "gray", "traffic", "steps", "analysis", "suspend"):
        assert re.search(rf"^  {field}\t", top, re.MULTILINE), top
    assert "Percent of the traffic that goes to gray, 0 to 100" in " ".join(step.split())
