"""Phases come from conditions, and the stage can be read back from them."""

from datetime import UTC, datetime

import pytest

from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core.conditions import conditions_for, phase_of, stage_of, stored
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.state import Stage, State

REFUSED = Refusal(Reason.SERVICE_NOT_FOUND, "Service demo/x does not exist; create it first")


@pytest.mark.parametrize(
    ("stage", "want"),
    [
        pytest.param(Stage.IDLE, Phase.PENDING, id="idle"),
        pytest.param(Stage.STEPPING, Phase.PROGRESSING, id="stepping"),
        pytest.param(Stage.PROMOTING, Phase.PROMOTING, id="promoting"),
        pytest.param(Stage.STALLED, Phase.PAUSED, id="stalled"),
        pytest.param(Stage.ROLLING_BACK, Phase.ROLLING_BACK, id="rolling back"),
        pytest.param(Stage.ROLLED_BACK, Phase.ROLLED_BACK, id="rolled back"),
        pytest.param(Stage.PROMOTED, Phase.SUCCEEDED, id="promoted"),
    ],
)
def test_each_stage_has_its_phase_and_comes_back_from_its_conditions(
    stage: Stage, want: Phase
) -> None:
    conditions = conditions_for(State(stage=stage), None, is_suspended=False, drift=None)

    assert phase_of(conditions) is want
    assert stage_of(conditions[1].reason) is stage


def test_a_refused_rollout_is_invalid_but_still_rolls_back() -> None:
    def phase(stage: Stage) -> Phase:
        return phase_of(conditions_for(State(stage=stage), REFUSED, is_suspended=False, drift=None))

    assert (phase(Stage.STEPPING), phase(Stage.ROLLING_BACK)) == (
        Phase.INVALID,
        Phase.ROLLING_BACK,
    )


def test_a_transition_time_moves_only_with_the_status() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    later = datetime(2026, 1, 2, tzinfo=UTC)
    idle = conditions_for(State(), None, is_suspended=False, drift=None)
    suspended = conditions_for(State(), None, is_suspended=True, drift=None)
    before = stored(idle, [], generation=1, now=first)

    after = stored(suspended, before, generation=2, now=later)

    moved = [one["type"] for one in after if one["lastTransitionTime"] == "2026-01-02T00:00:00Z"]
    assert moved == ["Suspended"]


def test_an_unknown_reason_is_idle() -> None:
    assert stage_of("SomethingElse") is Stage.IDLE
