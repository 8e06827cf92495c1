"""Webhook gates: who else has to agree before the weight rises.

Only an agreement lets a rollout pass, and only for its moment, step and revision. A refusal and a
gate that does not answer hold it, for as long as it takes; neither ever delays a rollback.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.errands import Answer, Gate, GateState, Moment, Question, Reply, Report
from faceblur_operator.core.ladder import is_last
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.state import Stage, State

# A gate that refused, or did not answer, is asked again this long after.
ASK_AGAIN = timedelta(seconds=30)
HELD = frozenset({Reason.WAITING_FOR_GATE, Reason.GATE_REFUSED})
LONGEST_MESSAGE = 200


def refusal(plan: Plan, state: State, moment: Moment) -> Refusal | None:
    """Return why a gate holds the rollout at this moment, None when all that are asked agree."""
    step = _step_at(plan, state, moment)
    for gate in plan.gates:
        if gate.at is not moment:
            continue
        found = _answer_of(state, gate, step)
        host = urlsplit(gate.url).hostname
        if found is None:
            why = f"gate {gate.name} ({host}) is asked before {_next(plan, moment, step)}"
            return Refusal(Reason.WAITING_FOR_GATE, why)
        if found.answer is Answer.REFUSED:
            why = f"gate {gate.name} ({host}) refuses {_next(plan, moment, step)}: {found.message}"
            return Refusal(Reason.GATE_REFUSED, why)
        if found.answer is Answer.NO_ANSWER:
            why = f"gate {gate.name} ({host}) does not answer: {found.message}; asked every 30 s"
            return Refusal(Reason.WAITING_FOR_GATE, why)
    return None


def questions(plan: Plan, state: State, now: datetime) -> tuple[Question, ...]:
    """Return what the gates have to be asked now: nothing unless they alone hold the rollout."""
    return tuple(
        Question(
            id=_id(state, gate, step, found),
            namespace=plan.namespace,
            gate=gate,
            body=_body(plan, state, gate, step),
        )
        for gate, step, found in _open(plan, state)
        if found is None or now - found.time >= ASK_AGAIN
    )


def heard(plan: Plan, state: State, reports: Sequence[Report]) -> State:
    """Return the state with the answers to its open questions; others are of the past."""
    replies = {one.id: one for one in reports if isinstance(one, Reply)}
    for gate, step, found in _open(plan, state):
        reply = replies.get(_id(state, gate, step, found))
        if reply is None:
            continue
        kept = tuple(one for one in state.gates if one is not found)
        answer = GateState(
            name=gate.name,
            at=gate.at,
            step=step,
            answer=reply.answer,
            message=reply.message[:LONGEST_MESSAGE],
            time=reply.at.replace(microsecond=0),
            asked=(found.asked if found else 0) + 1,
        )
        state = replace(state, gates=(*kept, answer))
    return state


def next_question_at(plan: Plan, state: State) -> datetime | None:
    """Return when a gate has to be asked again, None when none has to."""
    times = [found.time + ASK_AGAIN for _, _, found in _open(plan, state) if found is not None]
    return min(times, default=None)


def _open(plan: Plan, state: State) -> list[tuple[Gate, int, GateState | None]]:
    """Return the gates that hold the rollout now, the step in question, the last answer."""
    if state.stage is not Stage.STEPPING or state.reason not in HELD:
        return []
    moment = _moment(plan, state)
    step = _step_at(plan, state, moment)
    asked = [(gate, step, _answer_of(state, gate, step)) for gate in plan.gates]
    return [
        (gate, at, found)
        for gate, at, found in asked
        if gate.at is moment and (found is None or found.answer is not Answer.AGREED)
    ]


def _moment(plan: Plan, state: State) -> Moment:
    if state.weighted_since is None:
        return Moment.START
    return Moment.PROMOTION if is_last(plan, state.step) else Moment.STEP


def _step_at(plan: Plan, state: State, moment: Moment) -> int:
    """Return the step that would follow: the one in question."""
    return min(state.step + 1, len(plan.steps) - 1) if moment is Moment.STEP else state.step


def _answer_of(state: State, gate: Gate, step: int) -> GateState | None:
    return next(
        (one for one in state.gates if (one.name, one.at, one.step) == (gate.name, gate.at, step)),
        None,
    )


def _id(state: State, gate: Gate, step: int, found: GateState | None) -> str:
    begun = state.started_at.isoformat() if state.started_at else ""
    asked = found.asked if found else 0
    return f"gate/{gate.name}/{gate.url}/{gate.at.value}/{state.revision}/{begun}/{step}/{asked}"


def _body(plan: Plan, state: State, gate: Gate, step: int) -> dict[str, object]:
    return {
        "rollout": plan.name,
        "namespace": plan.namespace,
        "revision": state.revision,
        "image": state.image,
        "step": step,
        "weight": plan.steps[step].weight,
        "at": gate.at.value,
    }


def _next(plan: Plan, moment: Moment, step: int) -> str:
    return "the promotion" if moment is Moment.PROMOTION else f"{plan.steps[step].weight} %"
