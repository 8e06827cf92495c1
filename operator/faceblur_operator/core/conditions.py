"""Conditions of a rollout from its state, and the phase from its conditions; one table each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from faceblur_operator.api.reasons import ConditionType, Phase, Reason
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.state import Stage, State


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, without its times."""

    type: ConditionType
    status: bool
    reason: Reason
    message: str


# Why a rollout that is not suspended stands where it stands: the reason of `Progressing` tells the
# stage, so that the stage can be read back from the conditions alone.
PROGRESSING: Mapping[Stage, tuple[bool, Reason]] = {
    Stage.IDLE: (False, Reason.STARTED),
    Stage.STEPPING: (True, Reason.STEPPING),
    Stage.PROMOTING: (True, Reason.PROMOTING),
    Stage.STALLED: (False, Reason.STABLE_NOT_READY),
    Stage.ROLLING_BACK: (True, Reason.ROLLING_BACK),
    Stage.ROLLED_BACK: (False, Reason.ROLLED_BACK),
    Stage.PROMOTED: (False, Reason.PROMOTED),
}
STAGES = {reason: stage for stage, (_, reason) in PROGRESSING.items()}


def conditions_for(
    state: State,
    refusal: Refusal | None,
    *,
    is_suspended: bool,
    drift: str | None,
    caution: Refusal | None = None,
) -> tuple[Condition, ...]:
    """Return every condition of a rollout; a `caution` is said, but nothing is refused for it."""
    is_running, stage_reason = PROGRESSING[state.stage]
    said = refusal or caution or Refusal(Reason.VALID, "the rollout can work on this cluster")
    accepted = Condition(ConditionType.ACCEPTED, refusal is None, said.reason, said.message)
    paused = _why_paused(state)
    was_undone = state.stage in (Stage.ROLLING_BACK, Stage.ROLLED_BACK)
    is_promoted = state.stage is Stage.PROMOTED
    return (
        accepted,
        Condition(ConditionType.PROGRESSING, is_running, stage_reason, state.message),
        Condition(
            ConditionType.PAUSED,
            paused is not None,
            paused or Reason.ACTIVE,
            state.message if paused else "",
        ),
        Condition(
            ConditionType.PROMOTED,
            is_promoted,
            state.reason if is_promoted else Reason.NOT_YET_PROMOTED,
            state.message if is_promoted else "",
        ),
        Condition(
            ConditionType.ROLLED_BACK,
            state.stage is Stage.ROLLED_BACK,
            state.reason if was_undone else Reason.ACTIVE,
            state.message if was_undone else "",
        ),
        Condition(
            ConditionType.SUSPENDED,
            is_suspended,
            Reason.SUSPENDED_BY_SPEC if is_suspended else Reason.ACTIVE,
            "spec.suspend is true: traffic stays as it is" if is_suspended else "",
        ),
        Condition(
            ConditionType.DRIFTED,
            drift is not None,
            Reason.REPAIRED if drift else Reason.IN_SYNC,
            drift or "",
        ),
    )


def _why_paused(state: State) -> Reason | None:
    """Return why a person is needed before it goes on, None when nobody is."""
    if state.stage is Stage.STALLED:
        return Reason.STABLE_NOT_READY
    if state.stage is not Stage.STEPPING:
        return None
    if state.paused_by:
        return Reason.PAUSED_BY_COMMAND
    is_asking = state.reason is Reason.WAITING_FOR_APPROVAL
    return Reason.WAITING_FOR_APPROVAL if is_asking else None


def phase_of(conditions: Sequence[Condition]) -> Phase:
    """Return the phase that these conditions mean."""
    by_type = {one.type: one for one in conditions}
    progressing = by_type[ConditionType.PROGRESSING]
    stage = STAGES[progressing.reason]
    if by_type[ConditionType.SUSPENDED].status:
        return Phase.SUSPENDED
    if not by_type[ConditionType.ACCEPTED].status and stage not in (
        Stage.ROLLING_BACK,
        Stage.ROLLED_BACK,
    ):
        return Phase.INVALID
    match stage:
        case Stage.IDLE:
            return Phase.PENDING
        case Stage.STEPPING:
            is_paused = by_type[ConditionType.PAUSED].status
            return Phase.PAUSED if is_paused else Phase.PROGRESSING
        case Stage.PROMOTING:
            return Phase.PROMOTING
        case Stage.STALLED:
            return Phase.PAUSED
        case Stage.ROLLING_BACK:
            return Phase.ROLLING_BACK
        case Stage.ROLLED_BACK:
            return Phase.ROLLED_BACK
        case Stage.PROMOTED:
            return Phase.SUCCEEDED


def stage_of(reason: str) -> Stage:
    """Return the stage that the reason of a stored `Progressing` condition tells."""
    return next((stage for known, stage in STAGES.items() if known.value == reason), Stage.IDLE)


def stored(
    conditions: Sequence[Condition],
    before: Sequence[Mapping[str, object]],
    *,
    generation: int,
    now: datetime,
) -> list[dict[str, object]]:
    """Return conditions as JSON; the transition time moves only when the status changes."""
    old = {str(one.get("type")): one for one in before}
    result: list[dict[str, object]] = []
    for one in conditions:
        status = "True" if one.status else "False"
        was = old.get(one.type.value)
        kept = was.get("lastTransitionTime") if was and was.get("status") == status else None
        result.append(
            {
                "type": one.type.value,
                "status": status,
                "reason": one.reason.value,
                "message": one.message[:400],
                "lastTransitionTime": kept or stamp(now),
                "observedGeneration": generation,
            }
        )
    return result


def stamp(time: datetime) -> str:
    """Return a time as Kubernetes writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
