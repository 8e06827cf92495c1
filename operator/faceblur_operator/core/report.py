"""What users see of a decision: the status, and the events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from faceblur_operator.api.reasons import Phase, Reason, Verdict
from faceblur_operator.core import memo, outside_memo
from faceblur_operator.core.conditions import Condition, phase_of, stamp, stored
from faceblur_operator.core.decision import Event, Note
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.state import ACTIVE, SloState, Stage, State

# What matters is stored at once. Of numbers that move at every tick a restart loses what came since
# they were stored: of what speaks against gray so much at most, of the rest so much.
REFRESH_TURNED = timedelta(seconds=10)
REFRESH = timedelta(seconds=60)
# What speaks against gray is stored sooner once it has grown by more than this.
TURNED = 1.25
# A status is read and written whole, and the latest of it in full: what is older is kept short.
KEPT_DECISIONS = 8
KEPT_HISTORY = 6
LONGEST = 160
LONGEST_OF_HISTORY = 80
LONGEST_ENV = 300
# Their sentences tell how far something is that a person waits for.
COUNTING_UP = frozenset({Reason.WAITING_FOR_GRAY, Reason.PROMOTING, Reason.PREFLIGHT_NOT_MET})
WARNINGS = frozenset(
    {
        Reason.SLO_BREACHED,
        Reason.NO_DATA_TOO_LONG,
        Reason.GRAY_NOT_READY,
        Reason.GRAY_LOST_READINESS,
        Reason.GRAY_CRASHING,
        Reason.GRAY_OUT_OF_MEMORY,
        Reason.GRAY_IMAGE_NOT_PULLABLE,
        Reason.GRAY_NOT_STARTABLE,
        Reason.GRAY_EVICTED,
        Reason.IMAGE_MOVED,
        Reason.STABLE_NOT_READY,
    }
)

Against = Mapping[str, SloState]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report is made of, besides the state."""

    generation: int
    steps: int
    verdict: Verdict
    conditions: tuple[Condition, ...]
    now: datetime
    note: Note | None = None
    env: tuple[tuple[str, str], ...] = ()


def status_of(
    state: State, before: State, stored_status: Mapping[str, Any], facts: Facts
) -> dict[str, Any]:
    """Return the whole status as JSON."""
    old_conditions: Sequence[Mapping[str, Any]] = stored_status.get("conditions") or []
    conditions = stored(
        facts.conditions, old_conditions, generation=facts.generation, now=facts.now
    )
    status: dict[str, Any] = {
        "phase": phase_of(facts.conditions).value,
        "observedGeneration": facts.generation,
        "revision": state.revision,
        "currentStepIndex": state.step,
        "step": f"{state.step + 1}/{facts.steps}" if state.stage is not Stage.IDLE else "",
        "grayWeight": state.weight,
        "grayImage": state.image,
        "stableImage": state.stable_image,
        "verdict": facts.verdict.value if state.stage is not Stage.PROMOTED else "",
        "message": _message(state, facts)[:400],
        "slos": [_slo(one) for one in state.slos],
        "decisions": _decisions(state, before, stored_status, facts),
        "history": _history(state, before, stored_status, facts),
        "conditions": conditions,
        "memory": memo.dump(state),
        **outside_memo.shown(state),
    }
    times = {
        "startedAt": state.started_at,
        "stepStartedAt": state.weighted_since,
        "finishedAt": state.finished_at,
    }
    return status | {name: stamp(time) for name, time in times.items() if time is not None}


def is_worth_storing(
    status: Mapping[str, Any],
    stored_status: Mapping[str, Any],
    *,
    written_at: datetime | None,
    now: datetime,
    state: State,
) -> bool:
    """Whether a status says something new, or its numbers are old enough to be refreshed."""
    if _essence(status) != _essence(stored_status):
        return True
    if status["slos"] == stored_status.get("slos") and status["message"] == stored_status.get(
        "message"
    ):
        return False
    return not is_fresh(written_at, now, against_of(stored_status), state)


def against_of(stored_status: Mapping[str, Any]) -> Against:
    """Return what the stored status holds against gray."""
    return {one.name: one for one in memo.load(stored_status).slos}


def is_fresh(written_at: datetime | None, now: datetime, against: Against, state: State) -> bool:
    """Whether the stored numbers are too young to be refreshed, or as good as those of now."""
    if written_at is None:
        return False
    age = now - written_at
    return age < REFRESH_TURNED or (
        age < REFRESH
        and state.reason not in COUNTING_UP
        and not any(_has_turned(against.get(one.name), one) for one in state.slos)
    )


def _has_turned(stored: SloState | None, slo: SloState) -> bool:
    """Whether a restart would forget too much of what speaks against gray."""
    if stored is None:
        return slo.gray.bad > 0 or slo.breaches > 0 or slo.restarts > 0
    return (
        slo.gray.bad > TURNED * stored.gray.bad
        or slo.breaches > stored.breaches
        or slo.restarts != stored.restarts
    )


def events_of(
    state: State,
    before: State,
    *,
    drift: str | None,
    told: Refusal | None,
    note: Note | None = None,
) -> tuple[Event, ...]:
    """Return the events of one decision."""
    events: list[Event] = []
    if drift is not None:
        events.append(Event(Reason.REPAIRED, drift, is_warning=True))
    if note is not None:
        is_refused = note.reason is Reason.COMMAND_REFUSED
        events.append(Event(note.reason, note.message, is_warning=is_refused))
    if told is not None:
        events.append(Event(told.reason, told.message, is_warning=True))
    if state.revision != before.revision and state.stage is Stage.STEPPING:
        was_running = before.stage in ACTIVE | {Stage.ROLLING_BACK}
        reason = Reason.RESTARTED if was_running else Reason.STARTED
        from_image = f"{state.stable_image} stays stable"
        events.append(Event(reason, f"releasing {state.image}; {from_image}"))
    if _is_news(state, before) and state.reason is not Reason.WAITING_FOR_GRAY:
        events.append(Event(state.reason, state.message, is_warning=state.reason in WARNINGS))
    if state.stage is Stage.ROLLED_BACK and before.stage is Stage.ROLLING_BACK:
        events.append(Event(Reason.ROLLED_BACK, f"all traffic is on {state.stable_image}"))
    return tuple(events)


def _message(state: State, facts: Facts) -> str:
    phase = phase_of(facts.conditions)
    if phase in (Phase.INVALID, Phase.SUSPENDED):
        return next(
            one.message
            for one in facts.conditions
            if (one.type.value == "Accepted" and not one.status)
            or (one.type.value == "Suspended" and one.status)
        )
    return state.message


def _is_news(state: State, before: State) -> bool:
    """Whether the state moved in a way that belongs into events and decisions."""
    return (state.stage, state.step, state.weight, state.revision) != (
        before.stage,
        before.step,
        before.weight,
        before.revision,
    ) and not (state.stage is Stage.ROLLED_BACK and before.stage is Stage.ROLLING_BACK)


def _decisions(
    state: State, before: State, stored_status: Mapping[str, Any], facts: Facts
) -> list[dict[str, Any]]:
    kept = list(stored_status.get("decisions") or [])
    at = {"time": stamp(facts.now)}
    if facts.note is not None:
        told = {"reason": facts.note.reason.value, "message": facts.note.message[:LONGEST]}
        kept.append({**at, "action": facts.note.action, **told, "by": facts.note.by})
    if _is_news(state, before):
        weights = {"fromWeight": before.weight, "toWeight": state.weight}
        told = {"reason": state.reason.value, "message": _why(state)[:LONGEST]}
        kept.append({**at, "action": state.stage.value, **weights, **told})
    return kept[-KEPT_DECISIONS:]


def _why(state: State) -> str:
    """Return the sentence of a decision; one that goes on tells what the evidence was."""
    if state.reason not in (Reason.WEIGHT_RAISED, Reason.PROMOTING):
        return state.message
    return "; ".join([state.message, *(f"{slo.name}: {slo.message}" for slo in state.slos)])


def _history(
    state: State, before: State, stored_status: Mapping[str, Any], facts: Facts
) -> list[dict[str, Any]]:
    """Return how releases ended; one that was promoted with what an undo needs to put it back."""
    kept = list(stored_status.get("history") or [])
    if before.stage in ACTIVE and state.revision != before.revision:
        kept.append(_ended(before, "Superseded", f"{state.image} was asked for", facts))
    is_end = state.stage in (Stage.PROMOTED, Stage.ROLLED_BACK) and state.stage is not before.stage
    if is_end and state.reason is not Reason.ALREADY_STABLE:
        ended = _ended(state, _outcome(state), state.message, facts)
        if state.stage is Stage.PROMOTED:
            env = [{"name": name, "value": value} for name, value in facts.env]
            ended |= {"env": env} if len(str(env)) <= LONGEST_ENV else {}
        kept.append(ended)
    return kept[-KEPT_HISTORY:]


def _ended(state: State, outcome: str, message: str, facts: Facts) -> dict[str, Any]:
    return {
        "revision": state.revision,
        "image": state.image,
        "outcome": outcome,
        "time": stamp(facts.now),
        "message": message[:LONGEST_OF_HISTORY],
    }


def _outcome(state: State) -> str:
    if state.stage is Stage.PROMOTED:
        return "Promoted"
    return "Undone" if state.reason is Reason.UNDONE else "RolledBack"


def _slo(slo: SloState) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": slo.name,
        "verdict": slo.verdict.value,
        "message": slo.message[:200],
    }
    if slo.value is not None:
        shown["value"] = f"{slo.value:.4g}"
    if slo.bound is not None:
        shown["bound"] = f"{slo.bound:.4g}"
    if slo.gray.total:
        shown |= {"grayRequests": round(slo.gray.total), "grayBad": round(slo.gray.bad)}
    if slo.stable.total:
        shown |= {"stableRequests": round(slo.stable.total), "stableBad": round(slo.stable.bad)}
    return shown


def _essence(status: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what of a status is news: all but running numbers and the sentences with them."""
    conditions = tuple(
        (one["type"], one["status"], one["reason"], one["observedGeneration"])
        for one in status.get("conditions") or []
    )
    verdicts = tuple((one["name"], one["verdict"]) for one in status.get("slos") or [])
    kept = _remembered(status)
    return (
        *(status.get(name) for name in ("phase", "step", "grayWeight", "revision", "verdict")),
        *(status.get(name) for name in ("stepStartedAt", "finishedAt", "observedGeneration")),
        conditions,
        verdicts,
        kept,
        *(status.get(name) or [] for name in ("gates", "notifications", "grayDigest")),
    )


def _remembered(status: Mapping[str, Any]) -> object:
    """Return why the stored state is where it is, and what it would put back."""
    memory = memo.peek(status)
    kept = ("reason", "command", "granted", "paused_by", "rising", "judged", "undone")
    return *(memory.get(name) for name in kept), str(memory.get("previous"))
