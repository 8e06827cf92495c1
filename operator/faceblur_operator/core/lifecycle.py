"""The life of a rollout: from one state to the next, one rule per stage.

Nothing here writes. A weight goes up in one place only (`_raise`), after gray is ready for it and
the step before it has passed; it goes to zero in one place only (`roll_back`).
"""

from dataclasses import replace
from datetime import datetime

from faceblur_operator.api.reasons import Reason, Verdict
from faceblur_operator.core.analysis import explain, is_analysing, verdict_of
from faceblur_operator.core.ladder import is_last, replicas_for
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.snapshot import Workload
from faceblur_operator.core.state import ACTIVE, Stage, State
from faceblur_operator.core.view import Moment, View


def begin(state: State, view: View) -> State:
    """Return a fresh state when the specification asks for another revision than before."""
    if view.problem is not None or state.revision == view.revision:
        return state
    plan = view.plan
    fresh = State(
        revision=view.revision,
        image=plan.image,
        stable_image=view.stable_image,
        since=view.now,
        started_at=view.now,
        serial=state.serial,
    )
    if view.is_released:
        return replace(
            fresh,
            stage=Stage.PROMOTED,
            finished_at=view.now,
            reason=Reason.ALREADY_STABLE,
            message=f"stable already runs {plan.image}; nothing to release",
        )
    was_running = state.stage in ACTIVE | {Stage.ROLLING_BACK}
    return replace(
        fresh,
        stage=Stage.STEPPING,
        reason=Reason.RESTARTED if was_running else Reason.STARTED,
        message=f"releasing {plan.image}" + (", beginning again from 0 %" if was_running else ""),
    )


def advance(state: State, view: View) -> State:
    """Return the state after this look."""
    if state.stage in ACTIVE:
        cause = _cause_to_roll_back(state, view)
        if cause is not None:
            return roll_back(state, view, *cause)
    if view.problem is not None and state.stage in ACTIVE:
        return replace(state, reason=view.problem.reason, message=view.problem.message)
    match state.stage:
        case Stage.STEPPING:
            return _step(state, view)
        case Stage.PROMOTING:
            return _promote(state, view)
        case Stage.ROLLING_BACK:
            return _drain(state, view)
        case Stage.STALLED | Stage.IDLE | Stage.PROMOTED | Stage.ROLLED_BACK:
            return state


def roll_back(state: State, view: View, reason: Reason, message: str) -> State:
    """Return the state in which stable gets all traffic."""
    return replace(
        state,
        stage=Stage.ROLLING_BACK,
        weight=0,
        since=view.now,
        weighted_since=None,
        reason=reason,
        message=message,
    )


def held(state: State, view: View, moment: Moment) -> Refusal | None:
    """Return why the weight must not rise now although the evidence would allow it.

    Asked in this order: paused, approval, preflight (at the start), gates (at that moment).
    """
    del state, view, moment
    return None


def _cause_to_roll_back(state: State, view: View) -> tuple[Reason, str] | None:
    plan, gray, now = view.plan, view.snapshot.gray, view.now
    if is_analysing(state):
        verdict = verdict_of(plan, state, now)
        if verdict is Verdict.BREACH:
            return Reason.SLO_BREACHED, explain(state, verdict)
        if gray is not None and gray.ready == 0 and state.weight > 0:
            return Reason.GRAY_LOST_READINESS, f"no pod of {gray.name} is ready any more"
        allowed = plan.no_data_rollback_after
        since = state.no_data_since
        if allowed is not None and since is not None and now - since >= allowed:
            why = f"no evidence for {_seconds(now, since)} s: {explain(state, verdict)}"
            return Reason.NO_DATA_TOO_LONG, why
    is_waiting = state.stage is Stage.STEPPING and state.weighted_since is None
    if is_waiting and state.since is not None and now - state.since >= plan.progress_deadline:
        why = f"{_gray_readiness(gray)} after {_seconds(now, state.since)} s"
        return Reason.GRAY_NOT_READY, why
    return None


def _step(state: State, view: View) -> State:
    if state.weighted_since is None:
        return _raise(state, view)
    plan, now = view.plan, view.now
    verdict = verdict_of(plan, state, now)
    left = plan.steps[state.step].hold - (now - state.weighted_since)
    if verdict is not Verdict.PASS:
        return replace(state, reason=Reason.HOLDING, message=f"{explain(state, verdict)}")
    if left.total_seconds() > 0:
        why = f"{state.weight} % for another {left.total_seconds():.0f} s; all objectives pass"
        return replace(state, reason=Reason.HOLDING, message=why)
    last = is_last(plan, state.step)
    refused = held(state, view, Moment.PROMOTION if last else Moment.STEP)
    if refused is not None:
        return replace(state, reason=refused.reason, message=refused.message)
    if last:
        return replace(
            state,
            stage=Stage.PROMOTING,
            since=now,
            previous=view.previous,
            reason=Reason.PROMOTING,
            message=f"stable gets {plan.image}",
        )
    return _raise(
        replace(state, step=state.step + 1, since=now, weighted_since=None),
        view,
    )


def _raise(state: State, view: View) -> State:
    """Return the state with the weight of its step, as soon as gray can carry it."""
    plan, gray, stable = view.plan, view.snapshot.gray, view.snapshot.stable
    weight = plan.steps[state.step].weight
    needed = replicas_for(plan, weight, stable.replicas if stable else 1)
    can_carry = (
        gray is not None
        and view.gray_is_current
        and gray.settled
        and gray.replicas >= needed
        and min(gray.ready, gray.updated) >= needed
        and view.snapshot.gray_service is not None
    )
    if not can_carry:
        why = f"{_gray_readiness(gray)}, {needed} needed for {weight} %"
        return replace(state, reason=Reason.WAITING_FOR_GRAY, message=why)
    refused = held(state, view, Moment.START) if state.traffic_since is None else None
    if refused is not None:
        return replace(state, reason=refused.reason, message=refused.message)
    return replace(
        state,
        weight=weight,
        weighted_since=view.now,
        traffic_since=state.traffic_since or view.now,
        reason=Reason.WEIGHT_RAISED,
        message=f"{weight} % to gray ({_step_of(state, plan)})",
    )


def _promote(state: State, view: View) -> State:
    plan, stable, now = view.plan, view.snapshot.stable, view.now
    if stable is None:
        return state
    if view.is_released and stable.is_rolled_out:
        return replace(
            state,
            stage=Stage.PROMOTED,
            stable_image=plan.image,
            weight=0,
            since=now,
            finished_at=now,
            weighted_since=None,
            reason=Reason.PROMOTED,
            message=f"stable runs {plan.image}",
        )
    since = state.since or now
    if now - since >= plan.progress_deadline:
        return replace(
            state,
            stage=Stage.STALLED,
            since=now,
            reason=Reason.STABLE_NOT_READY,
            message=f"stable was not ready {_seconds(now, since)} s after it got "
            f"{plan.image}; it runs the old version again and gray keeps all traffic",
        )
    why = f"stable: {stable.updated} of {stable.replicas} pods new, {stable.available} available"
    return replace(state, reason=Reason.PROMOTING, message=why)


def _drain(state: State, view: View) -> State:
    if state.since is None or view.now - state.since < view.plan.drain:
        return state
    return replace(
        state,
        stage=Stage.ROLLED_BACK,
        finished_at=view.now,
    )


def _gray_readiness(gray: Workload | None) -> str:
    return "no gray pod yet" if gray is None else f"{gray.ready} gray pods ready"


def _step_of(state: State, plan: Plan) -> str:
    return f"step {state.step + 1} of {len(plan.steps)}"


def _seconds(now: datetime, since: datetime) -> int:
    return round((now - since).total_seconds())
