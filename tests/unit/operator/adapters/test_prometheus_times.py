"""Prometheus may live in another time than the operator: what it counted is the same."""

import pytest

from faceblur_operator.adapters.prometheus import MARK, grouped
from faceblur_operator.core.snapshot import Vector

NOW = 1_767_225_600.0


@pytest.mark.parametrize("moment", [0.0, NOW - 3600, NOW, NOW + 3600, 4e9])
def test_a_sample_of_the_past_or_the_future_counts_as_what_it_is(moment: float) -> None:
    answer = [{"metric": {MARK: "slo:gray:bad", "pod": "gray-1"}, "value": [moment, "7"]}]

    found = grouped(answer, {"slo:gray:bad": "bad"}, {})

    assert found == {"slo:gray:bad": Vector(((("pod", "gray-1"),),), (7.0,))}
