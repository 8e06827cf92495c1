"""Gates and the outbox in the status: shown to people, and read back after a restart.

What is shown is what is remembered; only the notices that are still to be told are in the memory.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from faceblur_operator.core.errands import (
    Answer,
    Cursor,
    GateState,
    Moment,
    Notice,
    Occasion,
    Outbox,
)
from faceblur_operator.core.state import State


def shown(state: State) -> dict[str, Any]:
    """Return what is shown of others and of the digest, none while there is nothing to show."""
    fields: dict[str, Any] = {
        "grayDigest": state.digest,
        "gates": [_gate(one) for one in state.gates],
        "notifications": [_cursor(one) for one in state.outbox.cursors],
    }
    return {name: value for name, value in fields.items() if value}


def dump(outbox: Outbox) -> dict[str, Any]:
    """Return what has to be remembered of an outbox besides what is shown."""
    memo: dict[str, Any] = {}
    if outbox.serial:
        memo["told"] = outbox.serial
    if outbox.notices:
        memo["notices"] = [
            [
                one.serial,
                one.occasion.value,
                one.reason,
                one.message,
                one.revision,
                one.image,
                one.weight,
                _stamp(one.time),
            ]
            for one in outbox.notices
        ]
    return memo


def load_gates(status: Mapping[str, Any]) -> tuple[GateState, ...]:
    """Return the answers that a status shows."""
    return tuple(
        GateState(
            name=str(one["name"]),
            at=Moment(one["at"]),
            step=int(one["step"]),
            answer=Answer(one["answer"]),
            message=str(one.get("message", "")),
            time=_time(one["time"]),
            asked=int(one["asked"]),
        )
        for one in status.get("gates") or []
    )


def load_outbox(memo: Mapping[str, Any], status: Mapping[str, Any]) -> Outbox:
    """Return the outbox that a status tells."""
    return Outbox(
        serial=int(memo.get("told", 0)),
        notices=tuple(
            Notice(
                serial=int(one[0]),
                occasion=Occasion(one[1]),
                reason=str(one[2]),
                message=str(one[3]),
                revision=str(one[4]),
                image=str(one[5]),
                weight=int(one[6]),
                time=_time(one[7]),
            )
            for one in memo.get("notices") or []
        ),
        cursors=tuple(
            Cursor(
                name=str(one["name"]),
                done=int(one.get("done", 0)),
                sending=int(one.get("sending", 0)),
                attempts=int(one.get("attempts", 0)),
                next_attempt=_time(one["nextAttempt"]) if one.get("nextAttempt") else None,
                message=str(one.get("message", "")),
            )
            for one in status.get("notifications") or []
        ),
    )


def _gate(one: GateState) -> dict[str, Any]:
    return {
        "name": one.name,
        "at": one.at.value,
        "step": one.step,
        "answer": one.answer.value,
        "message": one.message,
        "time": _stamp(one.time),
        "asked": one.asked,
    }


def _cursor(one: Cursor) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": one.name, "done": one.done}
    optional = {
        "sending": one.sending,
        "attempts": one.attempts,
        "nextAttempt": _stamp(one.next_attempt) if one.next_attempt else "",
        "message": one.message,
    }
    return shown | {name: value for name, value in optional.items() if value}


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
