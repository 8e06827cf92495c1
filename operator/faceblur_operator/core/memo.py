"""The state as one line of JSON in `status.memory`, and back.

One line, because people read the status too. Floats are written in full, so that a restarted
operator goes on from exactly the same evidence.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from faceblur_operator.api.reasons import ConditionType, Reason, Verdict
from faceblur_operator.core import outside_memo
from faceblur_operator.core.conditions import stage_of
from faceblur_operator.core.evidence import RATIO_STEPS, ZERO, Counts
from faceblur_operator.core.state import (
    NOTHING_COMPARED,
    Grant,
    Previous,
    Reading,
    SloState,
    State,
)

TIMES = (
    "since",
    "started_at",
    "weighted_since",
    "traffic_since",
    "finished_at",
    "sampled_at",
    "no_data_since",
    "closing_since",
)
LONGEST_MESSAGE = 400
# Left out while empty: most rollouts have none of them.
WORDS = ("command", "paused_by", "judged", "undone", "config")


def dump(state: State) -> str:
    """Return what has to be remembered of a state."""
    times = {name: getattr(state, name) for name in TIMES}
    memo: dict[str, Any] = {
        "serial": state.serial,
        "revision": state.revision,
        "image": state.image,
        "stableImage": state.stable_image,
        "step": state.step,
        "weight": state.weight,
        "reason": state.reason.value,
        "message": state.message[:LONGEST_MESSAGE],
        "times": {name: time.isoformat() for name, time in times.items() if time is not None},
        "slos": {slo.name: _dump_slo(slo) for slo in state.slos},
    }
    memo |= {name: getattr(state, name) for name in WORDS if getattr(state, name)}
    optional = {"granted": state.granted.value, "rising": state.rising, "capacity": state.capacity}
    memo |= {name: value for name, value in optional.items() if value}
    if state.read is not None and state.read.print:
        read = state.read
        memo["read"] = [read.at.isoformat(), read.print, int(read.is_whole)]
    memo |= outside_memo.dump(state.outbox)
    if state.previous is not None:
        memo["previous"] = {
            "image": state.previous.image,
            "env": [{"name": name, "value": value} for name, value in state.previous.env],
        }
    return json.dumps(memo, separators=(",", ":"), ensure_ascii=False)


def peek(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a status remembers, as JSON; empty when that cannot be read."""
    try:
        memo = json.loads(status.get("memory") or "{}")
    except (TypeError, ValueError):
        return {}
    return memo if isinstance(memo, dict) else {}


def load(status: Mapping[str, Any]) -> State:
    """Return the state that a status tells; a fresh one when it tells none that can be read."""
    memo = peek(status)
    try:
        return _load(memo, status) if memo else State()
    except (AttributeError, KeyError, TypeError, ValueError):
        # Somebody wrote into it. Beginning again from 0 % is always safe.
        return State()


def serial_of(status: Mapping[str, Any]) -> int:
    """Return the serial of a stored status, 0 for an empty one."""
    serial = peek(status).get("serial", 0)
    return serial if isinstance(serial, int) else 0


def _load(memo: Mapping[str, Any], status: Mapping[str, Any]) -> State:
    conditions = status.get("conditions") or []
    progressing = ConditionType.PROGRESSING.value
    reason = next((one["reason"] for one in conditions if one["type"] == progressing), "")
    previous = memo.get("previous")
    # What people read already is not written twice.
    said = {str(one["name"]): str(one["message"]) for one in status.get("slos") or []}
    return State(
        stage=stage_of(reason),
        revision=str(memo["revision"]),
        image=str(memo["image"]),
        stable_image=str(memo["stableImage"]),
        step=int(memo["step"]),
        weight=int(memo["weight"]),
        reason=Reason(memo["reason"]),
        message=str(memo["message"]),
        slos=tuple(_load_slo(name, one, said.get(name, "")) for name, one in memo["slos"].items()),
        previous=_load_previous(previous) if previous else None,
        serial=int(memo["serial"]),
        digest=str(status.get("grayDigest") or ""),
        gates=outside_memo.load_gates(status),
        outbox=outside_memo.load_outbox(memo, status),
        granted=Grant(memo.get("granted", "")),
        rising=bool(memo.get("rising", False)),
        capacity=int(memo.get("capacity", 0)),
        command=str(memo.get("command", "")),
        paused_by=str(memo.get("paused_by", "")),
        judged=str(memo.get("judged", "")),
        undone=str(memo.get("undone", "")),
        config=str(memo.get("config", "")),
        read=_load_read(memo["read"]) if "read" in memo else None,
        **{name: datetime.fromisoformat(text) for name, text in memo["times"].items()},
    )


def _dump_slo(slo: SloState) -> dict[str, Any]:
    memo: dict[str, Any] = {"v": slo.verdict.value}
    if slo.gray.total or slo.stable.total:
        memo["n"] = [slo.gray.total, slo.gray.bad, slo.stable.total, slo.stable.bad]
    if slo.keen.total:
        memo["k"] = list(slo.keen)
    if any(slo.versus):
        memo["e"] = list(slo.versus)
    if slo.versus_after != slo.versus:
        memo["a"] = list(slo.versus_after)
    optional = {"r": slo.restarts, "b": slo.breaches, "x": slo.value, "y": slo.bound}
    return memo | {name: value for name, value in optional.items() if value}


def _load_slo(name: str, memo: Mapping[str, Any], message: str) -> SloState:
    counts = [float(one) for one in memo.get("n", (0, 0, 0, 0))]
    versus = _compared(memo.get("e", NOTHING_COMPARED))
    return SloState(
        name=name,
        verdict=Verdict(memo["v"]),
        message=message,
        gray=Counts(counts[0], counts[1]),
        stable=Counts(counts[2], counts[3]),
        versus=versus,
        restarts=int(memo.get("r", 0)),
        breaches=int(memo.get("b", 0)),
        versus_after=_compared(memo.get("a", versus)),
        value=memo.get("x"),
        bound=memo.get("y"),
        keen=Counts(*map(float, memo.get("k", ZERO))),
    )


def _load_read(memo: Sequence[Any]) -> Reading:
    at, fingerprint, is_whole = memo
    return Reading(datetime.fromisoformat(at), str(fingerprint), bool(is_whole))


def _compared(sums: Sequence[float]) -> tuple[float, ...]:
    """Return the sums of a comparison; those of another version's grid mean nothing on this one."""
    return tuple(map(float, sums)) if len(sums) == len(RATIO_STEPS) else NOTHING_COMPARED


def _load_previous(memo: Mapping[str, Any]) -> Previous:
    return Previous(str(memo["image"]), tuple((one["name"], one["value"]) for one in memo["env"]))
