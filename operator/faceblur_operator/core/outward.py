"""What one decision means for others outside: what came back, what is asked and told next."""

from collections.abc import Sequence
from datetime import datetime

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.decision import Event
from faceblur_operator.core.errands import Errand, Report
from faceblur_operator.core.gates import HELD, next_question_at, questions
from faceblur_operator.core.notices import GIVEN_UP, letters, next_letter_at, posted
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.state import State

HOLDS = HELD | {Reason.PREFLIGHT_NOT_MET}


def dealt(
    plan: Plan,
    before: State,
    state: State,
    reports: Sequence[Report],
    *,
    has_paused: bool,
    uid: str,
    now: datetime,
) -> tuple[State, tuple[Errand, ...]]:
    """Return the state with its outbox up to date, and every errand there is now."""
    after = posted(plan, before, state, reports, has_paused=has_paused, uid=uid, now=now)
    asked = () if plan.suspended else questions(plan, after, now)
    return after, (*asked, *letters(plan, before.outbox, after.outbox, uid=uid))


def news(before: State, state: State) -> tuple[Event, ...]:
    """Return what has to be seen without looking at the status: once, when it begins."""
    events = []
    if state.reason in HOLDS and state.reason is not before.reason:
        is_refused = state.reason is Reason.GATE_REFUSED
        events.append(Event(state.reason, state.message, is_warning=is_refused))
    was = {one.name: one for one in before.outbox.cursors}
    for cursor in state.outbox.cursors:
        is_new = cursor != was.get(cursor.name, cursor)
        if is_new and cursor.message.startswith(GIVEN_UP):
            why = f"notification {cursor.name}: {cursor.message}"
            events.append(Event(Reason.NOTIFICATION_FAILED, why, is_warning=True))
    return tuple(events)


def due(plan: Plan, state: State) -> list[datetime]:
    """Return when time alone makes another errand necessary."""
    times = (next_question_at(plan, state), next_letter_at(plan, state.outbox))
    return [one for one in times if one is not None]
