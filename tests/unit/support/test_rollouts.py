"""What is read off a rollout."""

from typing import Any

import pytest
from tests.support.rollouts import Sighting, sighting

STATUS: dict[str, Any] = {
    "observedGeneration": 3,
    "phase": "Progressing",
    "step": "2/4",
    "grayWeight": 25,
    "grayImage": "new",
    "verdict": "Pass",
    "message": "all pass",
    "decisions": [{"reason": "Started"}, {"reason": "WeightRaised"}],
}


@pytest.mark.parametrize(
    ("rollout", "want"),
    [
        pytest.param(
            {"metadata": {"generation": 1}},
            Sighting(7.0, False, "", "", 0, "", "", "", ""),
            id="nobody has looked at it yet",
        ),
        pytest.param(
            {"metadata": {"generation": 3}, "status": STATUS},
            Sighting(
                7.0, True, "Progressing", "2/4", 25, "new", "Pass", "all pass", "WeightRaised"
            ),
            id="in the middle",
        ),
        pytest.param(
            {"metadata": {"generation": 4}, "status": STATUS},
            Sighting(
                7.0, False, "Progressing", "2/4", 25, "new", "Pass", "all pass", "WeightRaised"
            ),
            id="the specification is newer than the status",
        ),
    ],
)
def test_sighting(rollout: dict[str, Any], want: Sighting) -> None:
    assert sighting(rollout, 7.0) == want
