"""Where a release begins, and how a running one follows an edit of what it is about.

Every way to begin again leads through `anew`: weight 0, no evidence, no grant.
"""

import json
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.decision import Note
from faceblur_operator.core.plan import Objective, Plan
from faceblur_operator.core.state import ACTIVE, Grant, Stage, State
from faceblur_operator.core.view import View


def begin(state: State, view: View) -> State:
    """Return a fresh state when the specification asks for another revision than before."""
    if view.problem is not None:
        return state
    if state.revision == view.revision and _is_reconfigured(state, view):
        why = f"a ConfigMap or Secret of {view.plan.image} changed, beginning again from 0 %"
        return anew(state, view, Reason.RESTARTED, why)
    if state.revision == view.revision and _is_stable_replaced(state, view):
        why = _replaced(state.stable_image, view.stable_image)
        return anew(state, view, Reason.RESTARTED, why)
    if state.revision == view.revision:
        return _already_stable(state, view) if _is_needless(state, view) else state
    if state.undone and state.undone == release_of(view.plan):
        # A person took exactly this back: what the undo changed on stable is no new wish.
        return replace(state, revision=view.revision)
    was_running = state.stage in ACTIVE | {Stage.ROLLING_BACK}
    told = f"releasing {view.plan.image}"
    if was_running:
        return anew(state, view, Reason.RESTARTED, f"{told}, beginning again from 0 %")
    return anew(state, view, Reason.STARTED, told)


def anew(state: State, view: View, reason: Reason, message: str) -> State:
    """Return the state in which the release begins at 0 % with nothing known about it."""
    stable, now = view.snapshot.stable, view.now
    was_running = state.stage in ACTIVE | {Stage.ROLLING_BACK}
    had_traffic = was_running and state.traffic_since is not None
    # A promotion that was broken off must still be taken back from stable.
    previous = None if state.stage is Stage.PROMOTED else state.previous
    fresh = State(
        stage=Stage.STEPPING,
        revision=view.revision,
        image=view.plan.image,
        stable_image=view.stable_image if previous is None else previous.image,
        since=now,
        started_at=now,
        reason=reason,
        message=message,
        previous=previous,
        command=state.command,
        paused_by=state.paused_by if was_running else "",
        judged=digest_of(view.plan.objectives),
        capacity=stable.replicas if stable else 0,
        closing_since=now if had_traffic else state.closing_since,
        config=view.config,
        serial=state.serial,
    )
    return _already_stable(fresh, view) if _is_needless(fresh, view) else fresh


def follow(state: State, view: View) -> State:
    """Return a running release adapted to what was edited since the last look.

    What is judged by other objectives than before is judged from nothing. A weight that is no
    step any more goes down to the next lower step, never up.
    """
    if state.stage not in ACTIVE:
        return state
    stable = view.snapshot.stable
    if stable is not None:
        # Stable's autoscaler sees stable idle while gray works: gray must not shrink with it.
        # One that somebody scaled to zero says nothing about what all the traffic needs.
        is_idle = view.snapshot.stable_scaler is not None and state.weight > 0
        is_kept = is_idle or stable.replicas == 0
        least = state.capacity if is_kept else 0
        capacity = max(stable.replicas, least)
        if state.capacity != capacity:
            state = replace(state, capacity=capacity)
    judged = digest_of(view.plan.objectives)
    if state.judged != judged and view.plan.refusal is None:
        slos = () if state.judged else state.slos
        state = replace(state, judged=judged, slos=slos, no_data_since=None, read=None)
    if state.config != view.config and not state.config:
        state = replace(state, config=view.config)
    return _on_the_ladder(state, view)


def unfrozen(state: State, view: View) -> State:
    """Return the state after a suspension: time that passed meanwhile proves nothing."""
    return replace(
        state,
        since=view.now if state.since is not None else None,
        weighted_since=view.now if state.weighted_since is not None else None,
        no_data_since=None,
        sampled_at=None,
    )


def release_of(plan: Plan) -> str:
    """Return a digest of what a user asks to be released, whatever stable is at present."""
    asked = json.dumps([plan.image, plan.container, plan.gray_env])
    return sha256(asked.encode()).hexdigest()[:10]


@lru_cache(maxsize=4096)
def digest_of(objectives: tuple[Objective, ...]) -> str:
    """Return a digest of everything that evidence depends on."""
    return sha256(repr(objectives).encode()).hexdigest()[:8]


def _on_the_ladder(state: State, view: View) -> State:
    steps = view.plan.steps
    if state.weighted_since is None:
        return replace(state, step=0) if state.step else state
    if state.stage is not Stage.STEPPING:
        # It has passed the last step; from here on the weight is what stable does not carry yet.
        last = len(steps) - 1
        return state if state.step == last else replace(state, step=last)
    if state.step < len(steps) and steps[state.step].weight == state.weight:
        return state
    lower = [index for index, step in enumerate(steps) if step.weight <= state.weight]
    if not lower:
        why = f"no step is at or below {state.weight} % any more, beginning again from 0 %"
        return anew(state, view, Reason.RESTARTED, why)
    step = lower[-1]
    weight = steps[step].weight
    return replace(
        state,
        step=step,
        weight=weight,
        weighted_since=state.weighted_since if weight == state.weight else view.now,
        rising=False,
        granted=Grant.NONE,
    )


def reconfigured(before: State, state: State) -> Note | None:
    """Return what has to be told when something else than a wish began a release again."""
    is_same = state.revision == before.revision and state.started_at != before.started_at
    if not is_same:
        return None
    if before.config and state.config != before.config:
        why = f"a ConfigMap or Secret that {state.image} uses changed; beginning again from 0 %"
    elif before.stage is Stage.STEPPING and state.stable_image != before.stable_image:
        why = _replaced(before.stable_image, state.stable_image)
    else:
        return None
    return Note("restart", Reason.RESTARTED, why, "the operator")


def _is_reconfigured(state: State, view: View) -> bool:
    """Whether gray's pods were started with other ConfigMaps or Secrets than there are now.

    Only while a release runs: stable's pods read the same ones, so there is nothing to release
    otherwise, and after a rollback a rotated Secret must not bring the bad version back.
    """
    return bool(state.stage in ACTIVE and state.config and view.config != state.config)


def _is_stable_replaced(state: State, view: View) -> bool:
    """Whether somebody gave stable another image while gray is compared with the one it had."""
    return (
        state.stage is Stage.STEPPING
        and state.previous is None
        and bool(state.stable_image)
        and view.stable_image != state.stable_image
    )


def _replaced(before: str, now: str) -> str:
    return (
        f"stable runs {now} instead of {before} now, which gray was held against; "
        "beginning again from 0 %"
    )


def _is_needless(state: State, view: View) -> bool:
    """Whether stable runs already what is to be released, and gray has had no traffic."""
    return (
        view.is_released
        and state.stage is Stage.STEPPING
        and state.traffic_since is None
        and state.previous is None
    )


def _already_stable(state: State, view: View) -> State:
    return replace(
        state,
        stage=Stage.PROMOTED,
        finished_at=view.now,
        reason=Reason.ALREADY_STABLE,
        message=f"stable already runs {view.plan.image}; nothing to release",
    )
