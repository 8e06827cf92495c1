"""The life of a rollout: from one state to the next, one rule per stage.

Nothing here writes. A weight goes up in one place only (`_raise`), after gray is ready for it and
the step before it has passed, or a person has granted it; it goes to zero in one place only
(`roll_back`).
"""

from dataclasses import replace
from datetime import datetime, timedelta

from faceblur_operator.api.reasons import Reason, Verdict
from faceblur_operator.core import gates, images, pods, preflight
from faceblur_operator.core.analysis import explain, is_analysing, verdict_of
from faceblur_operator.core.footing import changed
from faceblur_operator.core.handover import is_taking_over, left_for_gray
from faceblur_operator.core.ladder import is_last, size_at, target_of
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.snapshot import Snapshot
from faceblur_operator.core.state import ACTIVE, Grant, Stage, State
from faceblur_operator.core.view import Moment, View

A_DAY = timedelta(days=1)


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
        rising=False,
        granted=Grant.NONE,
        paused_by="",
        reason=reason,
        message=message,
    )


def promote(state: State, view: View) -> State:
    """Return the state in which stable gets what was analysed."""
    return replace(
        state,
        stage=Stage.PROMOTING,
        since=view.now,
        previous=state.previous or view.previous,
        rising=False,
        granted=Grant.NONE,
        paused_by="",
        reason=Reason.PROMOTING,
        message=f"stable gets {view.plan.image}",
    )


def held(state: State, view: View, moment: Moment) -> Refusal | None:
    """Return why the weight must not rise now although the evidence would allow it.

    Asked in this order: paused, a stable without pods, a moved tag, approval, preflight (at the
    start), gates (at that moment).
    """
    if state.paused_by:
        why = f"paused by {state.paused_by}; the weight stays until resume or promote"
        return Refusal(Reason.PAUSED_BY_COMMAND, why)
    stable = view.snapshot.stable
    if stable is not None and stable.replicas == 0:
        why = f"Deployment {stable.name} is scaled to 0, so nobody answers beside gray; scale it up"
        return Refusal(Reason.STABLE_WITHOUT_PODS, why)
    is_moved = images.moved(view.plan, view.snapshot)
    if is_moved is not None:
        return is_moved
    wants_approval = moment is not Moment.START and view.plan.steps[state.step].approval
    if wants_approval and state.granted is Grant.NONE:
        why = (
            f"{_step_of(state, view.plan)} is over and waits for a person: "
            f"kubectl faceblur promote {view.plan.name}"
        )
        return Refusal(Reason.WAITING_FOR_APPROVAL, why)
    if moment is Moment.START:
        missing = preflight.refusal(view.plan, state, view.baseline, view.snapshot)
        if missing is not None:
            return missing
    return gates.refusal(view.plan, state, moment)


def _cause_to_roll_back(state: State, view: View) -> tuple[Reason, str] | None:
    """Return why gray must lose its traffic now, None when nothing says so."""
    # Gray's pods need no metric, so this works while Prometheus is down. What is asked for and
    # cannot begin leaves gray as it was, and its pods are still those of this release.
    is_of_this = view.gray_is_current or view.revision != state.revision
    told = pods.trouble(view.plan, state, view.snapshot, view.now) if is_of_this else None
    return told or _evidence_against(state, view) or _never_ready(state, view)


def _evidence_against(state: State, view: View) -> tuple[Reason, str] | None:
    plan, gray, now = view.plan, view.snapshot.gray, view.now
    if not is_analysing(state):
        return None
    verdict = verdict_of(plan, state, now)
    if verdict is Verdict.BREACH:
        return Reason.SLO_BREACHED, explain(state, verdict)
    if gray is None:
        return Reason.GRAY_LOST_READINESS, f"Deployment {plan.gray_deployment} is gone"
    if gray.ready == 0:
        return Reason.GRAY_LOST_READINESS, f"no pod of {gray.name} is ready any more"
    allowed, since = plan.no_data_rollback_after, state.no_data_since
    if allowed is None or since is None or now - since < allowed or state.weight == 0:
        return None
    why = f"no evidence for {_seconds(now, since)} s: {explain(state, verdict)}"
    return Reason.NO_DATA_TOO_LONG, why


def _never_ready(state: State, view: View) -> tuple[Reason, str] | None:
    if state.since is None or view.now - state.since < view.plan.progress_deadline:
        return None
    if not _waits_for_gray(state) or _can_carry(state, view):
        return None
    why = f"{_gray_readiness(view.snapshot)} after {_seconds(view.now, state.since)} s"
    return Reason.GRAY_NOT_READY, why


def _step(state: State, view: View) -> State:
    if state.weighted_since is None:
        return _raise(state, view, Moment.START)
    plan = view.plan
    last = is_last(plan, state.step)
    verdict = verdict_of(plan, state, view.now)
    refused = not_yet(plan, state, verdict, view.now) or held(
        state, view, Moment.PROMOTION if last else Moment.STEP
    )
    if refused is not None:
        return _waiting(state, refused)
    return promote(state, view) if last else _raise(state, view, Moment.STEP)


def not_yet(plan: Plan, state: State, verdict: Verdict, now: datetime) -> Refusal | None:
    """Return what the present weight still has to show, None when a person granted it."""
    if state.granted is not Grant.NONE:
        return None
    # Nobody is sent to gray at weight 0, so nothing can be shown there: only a breach counts.
    if verdict is not Verdict.PASS and state.weight > 0:
        return Refusal(Reason.HOLDING, explain(state, verdict))
    hold = plan.steps[state.step].hold
    end = (state.weighted_since or now) + hold
    if now < end:
        shown = "all objectives pass" if state.weight > 0 else "only those who opted in reach gray"
        # A time, not a countdown: it stays true while nothing is written.
        # Written out: this is said at every look, and `strftime` is slow.
        clock = f"{end.hour:02}:{end.minute:02}"
        until = f"{clock}:{end.second:02}" if hold < A_DAY else f"{end.date()} {clock}"
        why = f"{state.weight} % until {until} UTC; {shown}"
        return Refusal(Reason.HOLDING, why)
    return None


def _raise(state: State, view: View, moment: Moment) -> State:
    """Return the state with the next weight, as soon as gray can carry it."""
    plan = view.plan
    step = target_of(plan, state)
    weight = plan.steps[step].weight
    closing = state.closing_since
    if closing is not None and view.now - closing < plan.drain:
        why = f"gray finishes what it has before {plan.image} begins again"
        return replace(state, reason=Reason.WAITING_FOR_GRAY, message=why)
    if not _can_carry(state, view):
        since = state.since if _waits_for_gray(state) and state.since else view.now
        why = _missing(state, view, step)
        waits = replace(state, rising=moment is not Moment.START, since=since)
        return replace(waits, reason=Reason.WAITING_FOR_GRAY, message=why)
    refused = held(state, view, moment) if moment is Moment.START else None
    if refused is not None:
        return _waiting(state, refused)
    is_first = state.weight == 0
    return replace(
        state,
        step=step,
        weight=weight,
        since=None,
        weighted_since=view.now,
        traffic_since=state.traffic_since or view.now,
        rising=False,
        granted=state.granted if state.granted is Grant.FULL else Grant.NONE,
        # Those who opted in are no sample of all users: the evidence begins with the others.
        slos=() if is_first else state.slos,
        no_data_since=None if is_first else state.no_data_since,
        reason=Reason.WEIGHT_RAISED,
        message=f"{weight} % to gray (step {step + 1} of {len(plan.steps)})",
    )


def _waiting(state: State, refused: Refusal) -> State:
    """Return the state that waits for something else than gray: no deadline runs."""
    return changed(state, since=None, reason=refused.reason, message=refused.message)


def _waits_for_gray(state: State) -> bool:
    return state.stage is Stage.STEPPING and (state.rising or state.weighted_since is None)


def _can_carry(state: State, view: View) -> bool:
    """Whether gray is ready for the weight that comes next."""
    gray = view.snapshot.gray
    needed = size_at(view.plan, target_of(view.plan, state), state.capacity)
    return (
        gray is not None
        and view.gray_is_current
        and gray.settled
        and gray.replicas >= needed
        and min(gray.ready, gray.updated) >= needed
        # Else the ready ones may be of an earlier version, which the Service would send users to.
        and gray.updated == gray.total
        and view.snapshot.gray_service is not None
        and view.revision == state.revision
    )


def _missing(state: State, view: View, step: int) -> str:
    plan, scaler = view.plan, view.snapshot.gray_scaler
    needed = size_at(plan, step, state.capacity)
    why = f"{_gray_readiness(view.snapshot)}, {needed} needed for {plan.steps[step].weight} %"
    if scaler is not None and scaler.maximum < needed:
        why += f"; HorizontalPodAutoscaler {scaler.name} allows {scaler.maximum}: raise its maximum"
    return why


def _promote(state: State, view: View) -> State:
    plan, stable, now = view.plan, view.snapshot.stable, view.now
    if stable is None:
        return state
    if view.is_released and is_taking_over(state, stable):
        strange = images.strange(plan, view.snapshot)
        if strange is not None:
            return _stalled(state, now, strange)
        left = left_for_gray(state, view, stable)
        if left > 0:
            why = (
                f"stable takes over by {stable.available} of {state.capacity} pods, as its "
                f"autoscaler adds them; {left} % stay on gray"
            )
            since = now if left != state.weight else state.weighted_since
            return changed(
                state, weight=left, weighted_since=since, reason=Reason.PROMOTING, message=why
            )
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
        why = (
            f"stable was not ready {_seconds(now, since)} s after it got "
            f"{plan.image}; it runs the old version again and gray keeps all traffic"
        )
        return _stalled(state, now, Refusal(Reason.STABLE_NOT_READY, why))
    why = f"stable: {stable.updated} of {stable.replicas} pods new, {stable.available} available"
    return replace(state, reason=Reason.PROMOTING, message=why)


def _stalled(state: State, now: datetime, why: Refusal) -> State:
    """Return the state in which stable is put back while gray keeps the traffic."""
    return replace(state, stage=Stage.STALLED, since=now, reason=why.reason, message=why.message)


def drain_of(plan: Plan, state: State, snapshot: Snapshot) -> timedelta:
    """Return how long gray needs to finish its requests: no time when nobody could reach it."""
    could_be_reached = (
        state.traffic_since is not None
        or state.closing_since is not None
        or snapshot.gray_ingress is not None
    )
    # Not nothing: the look that ends it is another than the one that began it.
    return plan.drain if could_be_reached else timedelta(microseconds=1)


def _drain(state: State, view: View) -> State:
    stable = view.snapshot.stable
    since = state.since or view.now
    if view.now < since + drain_of(view.plan, state, view.snapshot):
        return state
    # Only an undo is about stable's pods; every other rollback is over without them.
    is_changing = state.previous is not None or (stable is not None and not stable.is_rolled_out)
    is_patient = view.now - since < view.plan.progress_deadline
    if state.reason is Reason.UNDONE and is_changing and is_patient:
        return state
    return replace(state, stage=Stage.ROLLED_BACK, finished_at=view.now)


def _gray_readiness(snapshot: Snapshot) -> str:
    gray = snapshot.gray
    if gray is None:
        return "no gray pod yet"
    why = gray.failure or pods.why_not_ready(snapshot.gray_pods)
    left = gray.total - gray.updated
    if left > 0 and gray.ready > 0 and gray.settled:
        why = f"{left} of an earlier version are left" + (f", {why}" if why else "")
    return f"{gray.ready} gray pods ready" + (f" ({why})" if why else "")


def _step_of(state: State, plan: Plan) -> str:
    return f"step {state.step + 1} of {len(plan.steps)} ({state.weight} %)"


def _seconds(now: datetime, since: datetime) -> int:
    return round((now - since).total_seconds())
