"""The one decision: everything observed goes in, everything to do comes out.

Called by the engine for each look at each rollout. It never raises for what the world does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from faceblur_operator.api.reasons import ConditionType, Verdict
from faceblur_operator.core import bridge, configs, gates, handover, memo, outward, pods, preflight
from faceblur_operator.core.admission import admit, caution, measure
from faceblur_operator.core.analysis import analyse, is_analysing, unheard, verdict_of
from faceblur_operator.core.beginning import begin, follow, reconfigured, unfrozen
from faceblur_operator.core.commands import hear, leftover
from faceblur_operator.core.conditions import Condition, conditions_for
from faceblur_operator.core.counters import Seen
from faceblur_operator.core.decision import Decision, Note
from faceblur_operator.core.desired import (
    Target,
    clocks_of,
    delay_of,
    gray_is_current,
    is_reverted,
)
from faceblur_operator.core.effects import Apply, ClearCommand, Effect
from faceblur_operator.core.lifecycle import advance, drain_of
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.objects import APPLIED
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.prepared import (
    Kept,
    Key,
    Prepared,
    Quiet,
    cluster_of,
    effects_of,
    is_quiet,
    key_of,
    left,
    still,
)
from faceblur_operator.core.queries import edge_queries, queries_for
from faceblur_operator.core.quiet import quietly
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.report import (
    Facts,
    against_of,
    events_of,
    is_fresh,
    is_worth_storing,
    status_of,
)
from faceblur_operator.core.request import Request as Request
from faceblur_operator.core.revision import (
    container_of,
    image_of,
    previous_of,
    revision_of,
    target_template,
)
from faceblur_operator.core.snapshot import Json, Snapshot
from faceblur_operator.core.state import Stage, State
from faceblur_operator.core.view import View


@dataclass(frozen=True, slots=True)
class Told:
    """What a decision says besides its state."""

    refusal: Refusal | None
    drift: str | None
    note: Note | None
    verdict: Verdict
    key: Key


def decide(request: Request) -> Decision:
    """Return what to do now."""
    plan, snapshot, now = request.plan, request.snapshot, request.now
    memory = recall(request.memory, request.stored_status)
    if memory.awake_since is None:
        memory = replace(memory, awake_since=now)
    prepared = still(plan, snapshot, memory.settled.config, memory.kept)
    if prepared is not None and (quick := quietly(request, memory)) is not None:
        return quick
    before = memory.state
    if prepared is None:
        prepared = _prepared(plan, snapshot, before.config)
    unmeasurable = measure(plan, snapshot, memory.unmeasurable)
    refusal = prepared.refusal or unmeasurable
    is_current = prepared.view.gray_is_current
    baseline = preflight.counted(plan, before, memory.baseline, snapshot, is_current=is_current)
    view = replace(prepared.view, snapshot=snapshot, now=now, problem=refusal, baseline=baseline)
    state, seen, note = _next(request, memory, view)
    state = _forget_previous(state, view, prepared.target)
    kept = Kept(prepared)
    if not _is_frozen(plan, state) and (
        refusal is None or state.stage is Stage.ROLLING_BACK or is_analysing(state)
    ):
        kept = effects_of(prepared, state, snapshot, clocks_of(plan, state, now), memory.kept)
    verdict = _verdict(plan, state, now)
    key = key_of(state, verdict, unmeasurable)
    quiet, written_at = kept.quiet, memory.written_at
    awake_since = memory.awake_since
    memory = Memory(state, seen, unmeasurable, written_at, baseline, kept, awake_since)
    if (
        quiet is not None
        and note is None
        and not request.reports
        and is_quiet(quiet, request.stored_status, key, now)
        and is_fresh(written_at, now, quiet.against, state)
    ):
        return Decision(memory, (), None, (), left(quiet, now), ())
    told = Told(refusal, _drift(before, state, snapshot, kept.effects), note, verdict, key)
    return _report(request, memory, before, kept, told)


def _next(
    request: Request, memory: Memory, view: View
) -> tuple[State, Mapping[str, Seen | None], Note | None]:
    """Return the state after this look, what was counted, and what a person asked for."""
    plan, before, samples = request.plan, memory.state, request.snapshot.samples
    state, seen = before, memory.seen
    if not plan.suspended:
        if _was_frozen(request.stored_status):
            state = unfrozen(state, view)
        state = follow(begin(state, view), view)
        if state.judged != before.judged:
            seen = {}
        if samples is not None and is_analysing(state) and plan.refusal is None:
            bridged = {} if seen else bridge.bridged(plan, state, samples)
            known = seen or bridged
            state, seen = analyse(plan, state, samples, known, is_bridged=bool(bridged))
        state = unheard(plan, state, view.now, memory.awake_since or view.now)
    state, note = hear(state, view, request.stored_status)
    note = note or reconfigured(before, state)
    if not _is_frozen(plan, state):
        state = gates.heard(plan, state, request.reports)
        state = preflight.resolved(plan, state, view.snapshot, is_current=view.gray_is_current)
        state = advance(state, view)
    # What was counted before a new beginning is no evidence about it.
    return state, seen if state.started_at == before.started_at else {}, note


def _is_frozen(plan: Plan, state: State) -> bool:
    """Whether nothing may be done; what takes gray's traffic away is always finished."""
    return plan.suspended and state.stage not in (Stage.ROLLING_BACK, Stage.ROLLED_BACK)


def _was_frozen(stored_status: Json) -> bool:
    return _was(ConditionType.SUSPENDED, stored_status)


def _was(condition: ConditionType, stored_status: Json) -> bool:
    return any(
        one.get("type") == condition and one.get("status") == "True"
        for one in stored_status.get("conditions") or []
    )


def _has_begun(
    condition: ConditionType, conditions: tuple[Condition, ...], stored_status: Json
) -> bool:
    is_now = any(one.type is condition and one.status for one in conditions)
    return is_now and not _was(condition, stored_status)


def _forget_previous(state: State, view: View, target: Target | None) -> State:
    """Return the state without what stable had to be put back to, once that is done."""
    stable = view.snapshot.stable
    is_done = (
        target is not None
        and stable is not None
        and state.previous is not None
        and is_reverted(view.plan, state, stable, target)
    )
    return replace(state, previous=None) if is_done else state


def refuse(refusal: Refusal, *, generation: int, stored_status: Json, now: datetime) -> Decision:
    """Return the decision about a specification that cannot become a plan: nothing is touched."""
    before = memo.load(stored_status)
    conditions = conditions_for(before, refusal, is_suspended=False, drift=None)
    facts = Facts(generation, 0, Verdict.INSUFFICIENT, conditions, now)
    state = replace(before, serial=before.serial + 1)
    status = status_of(state, before, stored_status, facts)
    is_new = is_worth_storing(status, stored_status, written_at=None, now=now, state=state)
    told = None if _was_told(stored_status, refusal) else refusal
    return Decision(
        memory=Memory(state if is_new else before),
        effects=(),
        status=status if is_new else None,
        events=events_of(before, before, drift=None, told=told),
        look_again=None,
    )


def queries(plan: Plan, snapshot: Snapshot, stored_status: Json) -> dict[str, str]:
    """Return what Prometheus has to be asked now.

    While gray gets traffic: every objective. Before: only whether they can be measured at all.
    """
    state = memo.load(stored_status)
    if is_analysing(state):
        return queries_for(plan, snapshot)
    if state.stage not in (Stage.IDLE, Stage.STEPPING):
        return {}
    asked = preflight.queries(plan, snapshot) if preflight.is_asking(plan, state) else {}
    return edge_queries(plan, snapshot) | asked


def recall(memory: Memory | None, stored_status: Json) -> Memory:
    """Return this process's memory if it belongs to the stored status, else what that tells."""
    if memory is not None and (
        _is_known(memory, stored_status) or memory.settled.serial == memo.serial_of(stored_status)
    ):
        return memory
    return Memory(memo.load(stored_status))


def _is_known(memory: Memory, stored_status: Json) -> bool:
    """Whether the last look was a quiet one at this very status."""
    quiet = memory.kept.quiet if memory.kept is not None else None
    return quiet is not None and quiet.status is stored_status


def _target(plan: Plan, snapshot: Snapshot, config: str) -> Target | None:
    if snapshot.stable is None:
        return None
    container = container_of(snapshot.stable.template, plan.container)
    if container is None:
        return None
    template = target_template(plan, snapshot.stable.template, container)
    # What cannot be read now is what it was.
    config = configs.digest_of(snapshot.mounts) or config
    return Target(template, container, revision_of(template), config)


def _prepared(plan: Plan, snapshot: Snapshot, config: str) -> Prepared:
    """Work out what follows from a plan, a cluster and the configuration that is released."""
    target = _target(plan, snapshot, config)
    refusal = plan.refusal or admit(plan, snapshot)
    view = _view(plan, snapshot, target)
    told = caution(plan, snapshot)
    return Prepared(plan, cluster_of(snapshot, config), target, refusal, told, view)


def _view(plan: Plan, snapshot: Snapshot, target: Target | None) -> View:
    stable = snapshot.stable
    if target is None or stable is None:
        return View(plan, snapshot, snapshot.created, "", False, False, "", None, None)
    return View(
        plan=plan,
        snapshot=snapshot,
        now=snapshot.created,
        revision=target.revision,
        is_released=target.template == stable.template,
        gray_is_current=gray_is_current(plan, snapshot, target),
        stable_image=image_of(stable.template, target.container),
        previous=previous_of(stable.template, target.container, plan.gray_env),
        problem=None,
        config=target.config,
    )


def _verdict(plan: Plan, state: State, now: datetime) -> Verdict:
    if is_analysing(state):
        return verdict_of(plan, state, now)
    if state.stage in (Stage.ROLLING_BACK, Stage.ROLLED_BACK):
        # What made it so; that no samples come any more does not change it.
        return verdict_of(plan, replace(state, sampled_at=now), now)
    return Verdict.INSUFFICIENT


def _report(request: Request, memory: Memory, before: State, kept: Kept, told: Told) -> Decision:
    plan, now, state = request.plan, request.now, memory.state
    warned, effects = kept.prepared.caution, kept.effects
    conditions = conditions_for(
        state, told.refusal, is_suspended=plan.suspended, drift=told.drift, caution=warned
    )
    state, errands = outward.dealt(
        plan,
        before,
        state,
        request.reports,
        has_paused=_has_begun(ConditionType.PAUSED, conditions, request.stored_status),
        uid=request.snapshot.uid,
        now=now,
    )
    memory = replace(memory, settled=state)
    facts = Facts(
        request.snapshot.generation,
        len(plan.steps),
        told.verdict,
        conditions,
        now,
        note=told.note,
        env=plan.gray_env,
        about=(plan, request.snapshot),
    )
    # Without traffic nothing is counted that a later process could go on from.
    read = bridge.stored(plan, state.read, memory.seen) if state.weight else state.read
    next_state = replace(state, serial=state.serial + 1, read=read)
    status = status_of(next_state, before, request.stored_status, facts)
    is_new = is_worth_storing(
        status, request.stored_status, written_at=memory.written_at, now=now, state=state
    )
    if is_new:
        memory = replace(memory, settled=next_state, written_at=now)
    said = told.refusal or warned
    news = None if said is None or _was_told(request.stored_status, said) else said
    look_again = _look_again(plan, state, request.snapshot, now)
    done = leftover(state, request.snapshot.annotations)
    if done is not None:
        # Only once the status that says so is stored: a crash must not lose what it forgets.
        effects = effects if is_new else (*effects, ClearCommand(done))
        look_again = timedelta(0) if is_new else look_again
    events = events_of(state, before, drift=told.drift, told=news, note=told.note)
    events += outward.news(before, state)
    if not (effects or is_new or events or errands or told.note):
        until = None if look_again is None else now + look_again
        against = against_of(request.stored_status)
        quiet = Quiet(request.stored_status, told.key, now, until, against)
        memory = replace(memory, kept=replace(kept, quiet=quiet))
    return Decision(
        memory=memory,
        effects=effects,
        status=status if is_new else None,
        events=events,
        look_again=look_again,
        errands=errands,
    )


def _was_told(stored_status: Mapping[str, Any], refusal: Refusal) -> bool:
    """Whether the stored status already says this."""
    return any(
        one.get("type") == "Accepted" and one.get("reason") == refusal.reason.value
        for one in stored_status.get("conditions") or []
    )


def _drift(
    before: State, state: State, snapshot: Snapshot, effects: tuple[Effect, ...]
) -> str | None:
    """Return what somebody else did to the gray Ingress, when this decision repairs it."""
    if state.weight == 0 or (before.stage, before.weight) != (state.stage, state.weight):
        return None
    for one in effects:
        if isinstance(one, Apply) and one.kind == "Ingress":
            name = one.manifest["metadata"]["name"]
            found = snapshot.gray_ingress
            if found is None:
                return f"Ingress {name} was deleted by somebody else; made again"
            stamped = found.manifest["metadata"].get("annotations") or {}
            if stamped.get(APPLIED) == one.manifest["metadata"]["annotations"][APPLIED]:
                return f"Ingress {name} was changed by somebody else; put back to {state.weight} %"
    return None


def _look_again(plan: Plan, state: State, snapshot: Snapshot, now: datetime) -> timedelta | None:
    """Return when time alone may change the outcome."""
    ends: list[datetime] = pods.due(snapshot)
    if state.stage is Stage.STEPPING and state.weighted_since is not None:
        ends.append(state.weighted_since + plan.steps[state.step].hold)
    if state.stage in (Stage.STEPPING, Stage.PROMOTING) and state.since is not None:
        ends.append(state.since + plan.progress_deadline)
    if state.stage is Stage.PROMOTING and state.weight < 100:
        ends.append(handover.next_at(state, now))
    if state.stage is Stage.ROLLING_BACK and state.since is not None:
        ends.append(state.since + drain_of(plan, state, snapshot))
    if state.closing_since is not None:
        ends.append(state.closing_since + plan.drain)
    if state.stage in (Stage.PROMOTED, Stage.ROLLED_BACK) and state.finished_at is not None:
        ends.append(state.finished_at + delay_of(plan, state))
    if state.no_data_since is not None and plan.no_data_rollback_after is not None:
        ends.append(state.no_data_since + plan.no_data_rollback_after)
    ends += outward.due(plan, state)
    future = [end - now for end in ends if end > now]
    return min(future) if future else None
