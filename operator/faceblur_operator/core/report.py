"""What users see of a decision: the status, and the events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from faceblur_operator.api.reasons import ConditionType, Phase, Reason, Verdict
from faceblur_operator.core import memo, outside_memo, record
from faceblur_operator.core.conditions import Condition, phase_of, stamp, stored
from faceblur_operator.core.decision import Event, Note
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.state import ACTIVE, SloState, Stage, State

# What matters is stored at once. Numbers that move at every tick are stored so often at most, and
# so often while somebody waits for them.
REFRESH_TURNED = timedelta(seconds=10)
REFRESH = timedelta(seconds=60)
# What speaks against gray is stored sooner once it has grown by more than this.
TURNED = 1.25
# While all objectives pass, Prometheus remembers the rest (`bridge.py`). Should it have forgotten,
# a restart loses what came since numbers were stored: so long, or no more than they were before.
REFRESH_PASSED = timedelta(minutes=10)
GROWN = 2
# A status is read and written whole, and the latest of it in full: what is older is kept short.
KEPT_HISTORY = 6
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
    about: record.About | None = None


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
    status |= {name: stamp(time) for name, time in times.items() if time is not None}
    return status | {"decisions": _record(state, before, stored_status, facts, status)}


def is_worth_storing(
    status: Mapping[str, Any],
    stored_status: Mapping[str, Any],
    *,
    written_at: datetime | None,
    now: datetime,
    state: State,
) -> bool:
    """Whether a status says something new, or its numbers are old enough to be refreshed."""
    if record.has_news(status["decisions"], stored_status.get("decisions") or []):
        return True
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
    if age < REFRESH_TURNED:
        return True
    if state.reason in COUNTING_UP:
        return False
    if any(_has_turned(against.get(one.name), one) for one in state.slos):
        return False
    if age < REFRESH:
        return True
    if state.read is None or any(one.verdict is not Verdict.PASS for one in state.slos):
        return False
    return age < REFRESH_PASSED or not any(
        _has_grown(against.get(one.name), one) for one in state.slos
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


def _has_grown(stored: SloState | None, slo: SloState) -> bool:
    """Whether a restart that Prometheus does not help would forget more than it would keep."""
    return stored is None or slo.gray.total > GROWN * stored.gray.total


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
    begun = record.beginning_of(state, before)
    if begun is not None:
        events.append(Event(*begun))
    if record.is_news(state, before) and state.reason is not Reason.WAITING_FOR_GRAY:
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


def _record(
    state: State,
    before: State,
    stored_status: Mapping[str, Any],
    facts: Facts,
    rest: Mapping[str, Any],
) -> Sequence[record.Entry]:
    look = record.Look(facts.now, facts.note, _hold(state, facts), facts.about, rest)
    return record.decisions(stored_status.get("decisions") or [], before, state, look)


def _hold(state: State, facts: Facts) -> tuple[Reason, str] | None:
    """Return why a release stays where it is, in a word and a sentence; None when it does not."""
    if state.stage not in ACTIVE:
        return None
    phase = phase_of(facts.conditions)
    by_type = {one.type: one.reason for one in facts.conditions}
    reason: Reason | None
    if phase is Phase.SUSPENDED:
        reason = by_type[ConditionType.SUSPENDED]
    elif phase is Phase.INVALID:
        reason = by_type[ConditionType.ACCEPTED]
    else:
        reason = record.hold_of(state, facts.verdict, facts.now, facts.about)
    return None if reason is None else (reason, _message(state, facts))


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
    shown = record.numbers(slo)
    return {
        "name": shown.pop("name"),
        "verdict": shown.pop("verdict"),
        "message": slo.message[:200],
        **shown,
    }


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
    # For how long data has been missing must not be forgotten.
    is_blind = "no_data_since" in memory.get("times", {})
    return *(memory.get(name) for name in kept), is_blind, str(memory.get("previous"))
