"""The outbox of a rollout: what has to be told to whom, and how far that is.

A notice is stored by the same write as the decision it tells of, already claimed by the channels
that are free, so that a crash neither loses nor invents one. See docs/design/notifications.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.errands import (
    Channel,
    Cursor,
    Fate,
    Letter,
    Notice,
    Occasion,
    Outbox,
    Receipt,
    Report,
)
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.state import Stage, State

# Delays double from the first to the longest; after so many attempts a notice is given up.
FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=5)
ATTEMPTS = 10
# A channel that is down for long loses the oldest: the status must stay small.
KEPT = 8
LONGEST_MESSAGE = 200
GIVEN_UP = "given up"


def posted(
    plan: Plan,
    before: State,
    state: State,
    reports: Sequence[Report],
    *,
    has_paused: bool,
    uid: str,
    now: datetime,
) -> State:
    """Return the state whose outbox has what happened, what arrived, and what is sent next.

    Args:
        plan: its channels.
        before: the state before this decision; its outbox counts, also over a new revision.
        state: the state after it.
        reports: among them the receipts of letters.
        has_paused: it pauses just now.
        uid: of the rollout.
        now: the time.
    """
    outbox = before.outbox
    if not plan.channels:
        return replace(state, outbox=Outbox(outbox.serial))
    cursors = {one.name: one for one in outbox.cursors}
    known = tuple(
        cursors.get(one.name, Cursor(one.name, done=outbox.serial)) for one in plan.channels
    )
    outbox = replace(outbox, cursors=known)
    outbox = _received(plan, outbox, reports, uid)
    for occasion in occasions(before, state, has_paused=has_paused):
        outbox = _added(outbox, _notice(outbox.serial + 1, occasion, state, now))
    return replace(state, outbox=_claimed(plan, outbox, now))


def letters(plan: Plan, before: Outbox, after: Outbox, *, uid: str) -> tuple[Letter, ...]:
    """Return every letter that is claimed, until its receipt has been seen.

    Args:
        plan: its channels.
        before: the outbox before this decision: what is claimed in it already is not fresh.
        after: the outbox after it.
        uid: of the rollout.
    """
    old = {one.name: (one.sending, one.attempts) for one in before.cursors}
    found = []
    for channel, cursor, notice in _sending(plan, after):
        is_fresh = old.get(cursor.name) != (cursor.sending, cursor.attempts)
        found.append(
            Letter(
                id=_id(uid, cursor),
                key=f"{uid}/{cursor.sending}/{cursor.name}",
                namespace=plan.namespace,
                rollout=plan.name,
                channel=channel,
                notice=notice,
                is_fresh=is_fresh,
            )
        )
    return tuple(found)


def next_letter_at(plan: Plan, outbox: Outbox) -> datetime | None:
    """Return when a letter has to be sent again, None when none has to."""
    if not plan.channels:
        return None
    times = [one.next_attempt for one in outbox.cursors if one.next_attempt is not None]
    return min(times, default=None)


def occasions(before: State, state: State, *, has_paused: bool) -> tuple[Occasion, ...]:
    """Return what a step from one state to the next has to be told as, in order."""
    is_new = state.revision != before.revision
    is_started = is_new and state.stage is Stage.STEPPING
    is_raised = state.weight > (0 if is_new else before.weight) and state.stage is Stage.STEPPING
    has_moved = state.stage is not before.stage or is_new
    is_undone = has_moved and state.stage is Stage.ROLLING_BACK
    is_aborted = state.reason.value == Occasion.ABORTED.value
    found = {
        Occasion.STARTED: is_started,
        Occasion.STEP: is_raised,
        Occasion.PAUSED: has_paused,
        Occasion.PROMOTED: (
            has_moved
            and state.stage is Stage.PROMOTED
            and state.reason is not Reason.ALREADY_STABLE
        ),
        Occasion.ROLLED_BACK: is_undone and not is_aborted,
        Occasion.ABORTED: is_undone and is_aborted,
    }
    return tuple(one for one, is_so in found.items() if is_so)


def _notice(serial: int, occasion: Occasion, state: State, now: datetime) -> Notice:
    return Notice(
        serial=serial,
        occasion=occasion,
        reason=state.reason.value,
        message=state.message[:LONGEST_MESSAGE],
        revision=state.revision,
        image=state.image,
        weight=state.weight,
        time=now.replace(microsecond=0),
    )


def _added(outbox: Outbox, notice: Notice) -> Outbox:
    kept = outbox.notices[-KEPT + 1 :]
    claimed = {one.sending for one in outbox.cursors}
    older = tuple(one for one in outbox.notices[: -KEPT + 1] if one.serial in claimed)
    return replace(outbox, serial=notice.serial, notices=(*older, *kept, notice))


def _received(plan: Plan, outbox: Outbox, reports: Iterable[Report], uid: str) -> Outbox:
    receipts = {one.id: one for one in reports if isinstance(one, Receipt)}
    sending = {cursor.name for _, cursor, _ in _sending(plan, outbox)}
    cursors = []
    for cursor in outbox.cursors:
        receipt = receipts.get(_id(uid, cursor)) if cursor.name in sending else None
        cursors.append(_after(cursor, receipt) if receipt is not None else cursor)
    return replace(outbox, cursors=tuple(cursors))


def _after(cursor: Cursor, receipt: Receipt) -> Cursor:
    message = receipt.message[:LONGEST_MESSAGE]
    failed = cursor.attempts + 1
    if receipt.fate is not Fate.FAILED or failed >= ATTEMPTS:
        gave_up = receipt.fate is Fate.FAILED
        said = f"{GIVEN_UP} after {failed} attempts: {message}" if gave_up else message
        return Cursor(cursor.name, done=cursor.sending, message=said)
    delay = min(FIRST_DELAY * 2 ** (failed - 1), LONGEST_DELAY)
    return replace(
        cursor,
        sending=0,
        attempts=failed,
        next_attempt=(receipt.at + delay).replace(microsecond=0),
        message=message,
    )


def _claimed(plan: Plan, outbox: Outbox, now: datetime) -> Outbox:
    """Return the outbox in which each free channel has claimed the next notice it wants."""
    by_name = {one.name: one for one in plan.channels}
    cursors = []
    for cursor in outbox.cursors:
        is_due = cursor.next_attempt is None or cursor.next_attempt <= now
        channel = by_name[cursor.name]
        wanted = [
            one for one in outbox.notices if one.serial > cursor.done and one.occasion in channel.on
        ]
        if cursor.sending == 0 and wanted and is_due:
            cursor = replace(cursor, sending=wanted[0].serial, next_attempt=None)
        cursors.append(cursor)
    needed = tuple(
        one
        for one in outbox.notices
        if any(
            one.serial > cursor.done and one.occasion in by_name[cursor.name].on
            for cursor in cursors
        )
    )
    return replace(outbox, notices=needed, cursors=tuple(cursors))


def _sending(plan: Plan, outbox: Outbox) -> list[tuple[Channel, Cursor, Notice]]:
    channels = {one.name: one for one in plan.channels}
    notices = {one.serial: one for one in outbox.notices}
    return [
        (channels[cursor.name], cursor, notices[cursor.sending])
        for cursor in outbox.cursors
        if cursor.name in channels and cursor.sending in notices
    ]


def _id(uid: str, cursor: Cursor) -> str:
    return f"letter/{uid}/{cursor.name}/{cursor.sending}/{cursor.attempts}"
