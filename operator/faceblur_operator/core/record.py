"""The record of decisions that people read: every step, every rollback, every hold, and why.

A hold is written down when it begins or its reason changes, never once per look. One that comes
back is the same entry again with a higher count, so that a reason that flaps floods nothing.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from faceblur_operator.api.reasons import Reason, Verdict
from faceblur_operator.core.analysis import ORDER, terms_of, verdict_of
from faceblur_operator.core.conditions import stamp
from faceblur_operator.core.decision import Note
from faceblur_operator.core.plan import GaugeObjective, Objective, Plan
from faceblur_operator.core.proof import is_of_keen, is_shared, proof
from faceblur_operator.core.queries import GRAY, gauge_key, queries_for, ratio_keys
from faceblur_operator.core.snapshot import Snapshot
from faceblur_operator.core.state import ACTIVE, SloState, Stage, State

HOLD = "hold"
# A status is read and written whole: so many decisions, and of these so many bytes, or what the
# rest of the status leaves of all.
MOST = 16
MOST_BYTES = 3072
FEWEST_BYTES = 1024
MOST_OF_ALL = 9728
LONGEST = 160
# Objectives of one decision whose evidence is written down, the worst first.
MOST_OBJECTIVES = 8
# The queries of one decision share so many characters; none gets more than this.
QUERIES = 960
LONGEST_QUERY = 240
# What an evidence-bound hold is called, by the verdict that holds.
HELD_BY = {
    Verdict.PASS: Reason.HOLD_NOT_OVER,
    Verdict.INSUFFICIENT: Reason.TOO_LITTLE_EVIDENCE,
    Verdict.NO_DATA: Reason.NO_DATA,
    Verdict.ERROR: Reason.NOT_MEASURED,
}
RUNNING = frozenset(
    one.value for one in (Reason.TOO_LITTLE_EVIDENCE, Reason.SHARED_OUTAGE, Reason.OPTED_IN_BREACH)
)
# Why a release is at its weight, where that is no hold.
GOES_ON = frozenset(
    {Reason.STARTED, Reason.RESTARTED, Reason.RETRIED, Reason.WEIGHT_RAISED, Reason.PROMOTING}
)

Entry = Mapping[str, Any]
# What is released, on which cluster.
About = tuple[Plan, Snapshot]


class Look(NamedTuple):
    """What a record is told of one look.

    Attributes:
        note: what a person asked for.
        hold: why the release stays where it is, in a word and a sentence.
        about: what is released, on which cluster; None when that is not known.
        rest: the status without the record, to see how much room it leaves.
    """

    now: datetime
    note: Note | None
    hold: tuple[Reason, str] | None
    about: About | None
    rest: Mapping[str, Any]


def decisions(stored: Sequence[Entry], before: State, state: State, look: Look) -> Sequence[Entry]:
    """Return the record after a look, oldest first; the very same one when nothing is added."""
    at, note = {"time": stamp(look.now)}, look.note
    added: list[Entry] = []
    if note is not None:
        told = {"reason": note.reason.value, "message": note.message[:LONGEST]}
        added.append({**at, "action": note.action, **told, "by": note.by})
    if is_news(state, before):
        weights = {"fromWeight": before.weight, "toWeight": state.weight}
        reason, why = beginning_of(state, before) or (state.reason, _why(state, before))
        told = {"reason": reason.value, "message": why[:LONGEST]}
        shown = _shown(_deciding(state, before), before, look)
        added.append({**at, "action": state.stage.value, **weights, **told, **shown})
    kept = [*stored, *added]
    if look.hold is not None:
        kept = _held(kept, before, state, look.hold, look)
    if not added and kept == stored:
        return stored
    return _bounded(kept, min(MOST_BYTES, max(FEWEST_BYTES, MOST_OF_ALL - _size(look.rest))))


def is_news(state: State, before: State) -> bool:
    """Whether the state moved in a way that belongs into events and decisions."""
    return (state.stage, state.step, state.weight, state.revision) != (
        before.stage,
        before.step,
        before.weight,
        before.revision,
    ) and not (state.stage is Stage.ROLLED_BACK and before.stage is Stage.ROLLING_BACK)


def beginning_of(state: State, before: State) -> tuple[Reason, str] | None:
    """Return how a release begins in this look, in a word and a sentence; None when none does."""
    if state.revision == before.revision or state.stage is not Stage.STEPPING:
        return None
    was_running = before.stage in ACTIVE | {Stage.ROLLING_BACK}
    reason = Reason.RESTARTED if was_running else Reason.STARTED
    return reason, f"releasing {state.image}; {state.stable_image} stays stable"


def hold_of(state: State, verdict: Verdict, now: datetime, about: About | None) -> Reason | None:
    """Return why a release stays where it is, in one word; None when it does not.

    Args:
        state: where it stands.
        verdict: the worst among its objectives.
        now: the time of this look.
        about: what is released, on which cluster; None when that is not known.
    """
    if state.stage is not Stage.STEPPING or state.reason in GOES_ON:
        return None
    if state.reason is not Reason.HOLDING:
        return state.reason
    if state.weight == 0:
        return Reason.HOLD_NOT_OVER
    if verdict is Verdict.INSUFFICIENT and about is not None:
        terms = terms_of(about[0], state, now)
        pairs = _pairs(state.slos, about[0])
        shared = [one for one in pairs if is_shared(*one, terms)]
        if shared:
            is_keen = all(is_of_keen(*one, terms) for one in shared)
            return Reason.OPTED_IN_BREACH if is_keen else Reason.SHARED_OUTAGE
    return HELD_BY.get(verdict, Reason.TOO_LITTLE_EVIDENCE)


def has_news(record: Sequence[Entry], stored: Sequence[Entry]) -> bool:
    """Whether a record says something that has to be stored at once.

    That a hold came back has not; nor what one for want of evidence is due to, which may change at
    every look: it is stored when the numbers are.
    """
    return record is not stored and not _news(record) <= _news(stored)


def _news(record: Sequence[Entry]) -> frozenset[tuple[object, ...]]:
    return frozenset(
        (one.get("time"), one.get("action"), one.get("reason"))
        for one in record
        if one.get("reason") not in RUNNING
    )


def _held(
    kept: list[Entry], before: State, state: State, hold: tuple[Reason, str], look: Look
) -> list[Entry]:
    """Return the record with a hold: as it was while that goes on."""
    reason, message = hold
    begin = max((at + 1 for at, one in enumerate(kept) if "fromWeight" in one), default=0)
    holds = [one for one in kept[begin:] if one["action"] == HOLD]
    if holds and holds[-1].get("reason") == reason:
        return kept
    same = next((one for one in holds if one.get("reason") == reason), None)
    entry: dict[str, Any] = {
        "time": same["time"] if same else stamp(look.now),
        "action": HOLD,
        "toWeight": state.weight,
        "reason": reason.value,
        "message": message[:LONGEST],
        **_shown(_holding(state, look), before, look),
    }
    if same:
        entry |= {"count": same.get("count", 1) + 1, "lastTime": stamp(look.now)}
    return [*(one for one in kept if one is not same), entry]


def _why(state: State, before: State) -> str:
    """Return the sentence of a decision; one that goes on tells what the evidence was."""
    if not _goes_on(state, before):
        return state.message
    return "; ".join([state.message, *(f"{slo.name}: {slo.message}" for slo in state.slos)])


def _goes_on(state: State, before: State) -> bool:
    return before.stage is Stage.STEPPING and state.reason in (
        Reason.WEIGHT_RAISED,
        Reason.PROMOTING,
    )


def _deciding(state: State, before: State) -> Sequence[SloState]:
    """Return the objectives that decided: all of them to go on, the broken ones to go back."""
    if _goes_on(state, before):
        return state.slos
    verdicts = {
        Reason.SLO_BREACHED: (Verdict.BREACH,),
        Reason.NO_DATA_TOO_LONG: (Verdict.NO_DATA, Verdict.ERROR),
    }.get(state.reason, ())
    return [slo for slo in state.slos if slo.verdict in verdicts]


def _holding(state: State, look: Look) -> Sequence[SloState]:
    """Return the objectives that hold a release: those with the worst verdict."""
    if state.reason is not Reason.HOLDING or look.about is None:
        return []
    verdict = verdict_of(look.about[0], state, look.now)
    is_held = verdict is not Verdict.PASS and state.weight > 0
    return [slo for slo in state.slos if is_held and slo.verdict is verdict]


def _shown(slos: Sequence[SloState], before: State, look: Look) -> dict[str, Any]:
    """Return the evidence of these objectives as JSON; nothing without any."""
    if not slos or look.about is None:
        return {}
    plan, snapshot = look.about
    terms, asked = terms_of(plan, before, look.now), queries_for(plan, snapshot)
    chosen = sorted(slos, key=lambda slo: ORDER.index(slo.verdict))[:MOST_OBJECTIVES]
    longest = min(LONGEST_QUERY, QUERIES // len(chosen))
    evidence = []
    for slo, objective in _pairs(chosen, plan):
        shown = numbers(slo)
        found = proof(slo, objective, terms)
        if found is not None:
            shown |= {"logE": f"{found.log_e:.1f}", "threshold": f"{found.threshold:.1f}"}
        query = _query(objective, asked)
        shown |= {"query": _cut(query, longest)} if query else {}
        evidence.append(shown)
    return {"evidence": evidence} if evidence else {}


def numbers(slo: SloState) -> dict[str, Any]:
    """Return what was counted or measured of an objective, and its verdict, as JSON."""
    shown: dict[str, Any] = {"name": slo.name, "verdict": slo.verdict.value}
    if slo.value is not None:
        shown["value"] = f"{slo.value:.4g}"
    if slo.bound is not None:
        shown["bound"] = f"{slo.bound:.4g}"
    if slo.gray.total:
        shown |= {"grayRequests": round(slo.gray.total), "grayBad": round(slo.gray.bad)}
    if slo.stable.total:
        shown |= {"stableRequests": round(slo.stable.total), "stableBad": round(slo.stable.bad)}
    return shown


def _pairs(slos: Sequence[SloState], plan: Plan) -> list[tuple[SloState, Objective]]:
    known = {one.name: one for one in plan.objectives}
    return [(slo, known[slo.name]) for slo in slos if slo.name in known]


def _query(objective: Objective, asked: Mapping[str, str]) -> str:
    """Return what Prometheus was asked about gray; empty when it was not."""
    if isinstance(objective, GaugeObjective):
        return asked.get(gauge_key(objective.name), "")
    bad, total = (asked.get(one, "") for one in ratio_keys(objective.name, GRAY))
    if not bad:
        return ""
    return f"{'1 - ' if objective.bad_is_good else ''}{bad} / {total}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _bounded(record: list[Entry], most_bytes: int) -> list[Entry]:
    """Return the record within its bounds.

    What goes first: numbers and queries of older entries (of holds, then of steps, then of
    rollbacks), then the oldest holds, then the oldest of all; of the latest, at last, the
    objectives that are least bad.
    """
    while len(record) > MOST:
        record.pop(_oldest_hold(record) or 0)
    while _size(record) > most_bytes:
        told = [(_worth(one), at) for at, one in enumerate(record[:-1]) if "evidence" in one]
        latest = record[-1].get("evidence") or ()
        if told:
            at = min(told)[1]
            record[at] = {key: value for key, value in record[at].items() if key != "evidence"}
        elif len(record) > 1:
            record.pop(_oldest_hold(record) or 0)
        elif len(latest) > 1:
            record[-1] = {**record[-1], "evidence": latest[:-1]}
        else:
            break
    return record


def _oldest_hold(record: Sequence[Entry]) -> int | None:
    return next((at for at, one in enumerate(record[:-1]) if one["action"] == HOLD), None)


def _worth(entry: Entry) -> int:
    """Return how long the evidence of an entry is worth keeping."""
    is_rollback = entry["action"] == Stage.ROLLING_BACK.value
    return 0 if entry["action"] == HOLD else 1 + is_rollback


def _size(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
