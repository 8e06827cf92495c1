"""What one decision means for others outside: what came back, what is asked and told next."""

from collections.abc import Sequence
from datetime import datetime

from faceblur_operator.core.errands import Errand, Report
from faceblur_operator.core.gates import next_question_at, questions
from faceblur_operator.core.notices import letters, next_letter_at, posted
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.state import State


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


def due(plan: Plan, state: State) -> list[datetime]:
    """Return when time alone makes another errand necessary."""
    times = (next_question_at(plan, state), next_letter_at(plan, state.outbox))
    return [one for one in times if one is not None]
