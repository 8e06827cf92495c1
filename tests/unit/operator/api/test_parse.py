"""A broken specification becomes one sentence, a good one becomes values."""

from typing import Any

import pytest
from tests.support.specs import a_spec, an_slo, with_slos, with_steps

from faceblur_operator.api import FaceBlurRolloutSpec, OnNoData, SpecError, Step, parse_spec


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({}, "spec.image is missing; set it (and 3 more)", id="nothing at all"),
        pytest.param(
            a_spec(imagee="x"),
            "spec.imagee is not a field; check its spelling or remove it",
            id="a field with a typo",
        ),
        pytest.param(
            with_steps(-1, 100),
            "spec.steps[0].weight: input should be greater than or equal to 0; found -1",
            id="a number out of range, by its place in a list",
        ),
        pytest.param(
            with_steps(50),
            "spec: the last of steps must have weight 100",
            id="a rule over several fields, in the words of the CRD",
        ),
        pytest.param(
            with_slos(an_slo(value="q", max=True)),
            "spec.analysis.slos[0].max: input should be a valid string; found True",
            id="a truth value is no number",
        ),
        pytest.param(
            a_spec(stable="face-blur-stable"),
            "spec.stable: wanted an object with fields, found 'face-blur-stable'",
            id="a text instead of an object",
        ),
        pytest.param(
            a_spec(image="a " * 100),
            "spec.image: string should match pattern '^\\S+$'; found 'a a a a a a a a a a a a a a "
            "a a a a a a a a a a a a a a a a…",
            id="a long value is cut",
        ),
    ],
)
def test_parse_spec_says_in_one_sentence_what_to_change(spec: dict[str, Any], want: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(spec)

    assert str(caught.value) == want


def test_parse_spec_fills_in_the_documented_defaults() -> None:
    spec = parse_spec(a_spec())

    assert spec.steps == [Step(weight=weight, hold="10m") for weight in (5, 25, 50, 100)]
    assert spec.analysis.on_no_data == OnNoData(action="hold", rollback_after="15m")
    assert spec.model_dump(by_alias=True, exclude_none=True, exclude={"steps"}) == {
        "image": "ai-face-blur:1.1-gray",
        "stable": {"deployment": "face-blur-stable", "service": "face-blur-service"},
        "gray": {"env": [], "replicas": {"min": 1, "max": 10}},
        "traffic": {"ingresses": ["face-blur-ingress"], "httpRoutes": [], "sticky": False},
        "analysis": {
            "interval": "5s",
            "warmup": "30s",
            "evidence": {"falseRollback": "1%", "badPromotion": "1%"},
            "onNoData": {"action": "hold", "rollbackAfter": "15m"},
            "onSharedBreach": "hold",
            "slos": [
                {
                    "name": "success",
                    "builtin": "blurSuccess",
                    "atLeast": "99.5%",
                    "failureLimit": 3,
                }
            ],
        },
        "gates": [],
        "progressDeadline": "30m",
        "scaleDownDelay": "30s",
        "suspend": False,
        "notifications": [],
    }


def test_zero_means_never_rolled_back_without_data() -> None:
    assert OnNoData(rollback_after="0s").rollback_after is None
    assert OnNoData(rollback_after=None).rollback_after is None


def test_a_specification_cannot_be_changed() -> None:
    spec = FaceBlurRolloutSpec.model_validate(a_spec())

    with pytest.raises(ValueError, match="frozen"):
        spec.image = "another"  # type: ignore[misc] # that it is refused is the claim
