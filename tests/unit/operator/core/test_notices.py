"""The outbox: nothing is lost, nothing told twice, and it stays small."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import a_plan
from tests.support.errands import a_channel
from tests.support.world import START

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.errands import Cursor, Fate, Letter, Occasion, Outbox, Receipt, Report
from faceblur_operator.core.notices import KEPT, letters, next_letter_at, occasions, posted
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.state import Stage, State

RUNNING = State(stage=Stage.STEPPING, revision="a", weight=5)
ALL = frozenset(Occasion)


def step(
    plan: Plan,
    before: State,
    after: State,
    reports: Sequence[Report] = (),
    *,
    now: datetime = START,
) -> tuple[State, tuple[Letter, ...]]:
    """Return the state with its outbox, and the letters to send."""
    state = posted(plan, before, after, reports, has_paused=False, uid="uid", now=now)
    return state, letters(plan, before.outbox, state.outbox, uid="uid")


def raised(state: State) -> State:
    return replace(state, weight=state.weight + 1, message=f"{state.weight + 1} %")


@pytest.mark.parametrize(
    ("before", "after", "want"),
    [
        pytest.param(RUNNING, RUNNING, (), id="nothing happened"),
        pytest.param(
            State(), replace(RUNNING, weight=0), (Occasion.STARTED,), id="a release begins"
        ),
        pytest.param(
            replace(RUNNING, weight=50),
            replace(RUNNING, weight=0, revision="b"),
            (Occasion.STARTED,),
            id="another begins in the middle",
        ),
        pytest.param(RUNNING, replace(RUNNING, weight=25), (Occasion.STEP,), id="the weight rose"),
        pytest.param(
            RUNNING,
            replace(RUNNING, stage=Stage.PROMOTED, weight=0, reason=Reason.PROMOTED),
            (Occasion.PROMOTED,),
            id="promoted",
        ),
        pytest.param(
            State(),
            State(stage=Stage.PROMOTED, revision="a", reason=Reason.ALREADY_STABLE),
            (),
            id="nothing to release",
        ),
        pytest.param(
            RUNNING,
            replace(RUNNING, stage=Stage.ROLLING_BACK, weight=0, reason=Reason.SLO_BREACHED),
            (Occasion.ROLLED_BACK,),
            id="rolled back",
        ),
        pytest.param(
            RUNNING,
            replace(RUNNING, stage=Stage.ROLLING_BACK, weight=0, reason=Reason.ABORTED),
            (Occasion.ABORTED,),
            id="aborted",
        ),
        pytest.param(
            replace(RUNNING, stage=Stage.ROLLING_BACK),
            replace(RUNNING, stage=Stage.ROLLED_BACK),
            (),
            id="drained: told before",
        ),
    ],
)
def test_what_happened_is_told_as(before: State, after: State, want: tuple[Occasion, ...]) -> None:
    assert occasions(before, after, has_paused=False) == want


def test_a_pause_is_told_by_its_condition() -> None:
    assert occasions(RUNNING, RUNNING, has_paused=True) == (Occasion.PAUSED,)


def test_without_channels_nothing_is_kept() -> None:
    before = replace(RUNNING, outbox=Outbox(7, cursors=(Cursor("gone", 3),)))

    state, sent = step(a_plan(), before, raised(before))

    assert (state.outbox, sent) == (Outbox(7), ())


def test_a_notice_is_claimed_by_the_decision_that_makes_it() -> None:
    plan = a_plan(channels=(a_channel(on=ALL),))

    state, [letter] = step(plan, RUNNING, raised(RUNNING))

    assert state.outbox.cursors == (Cursor("ops", done=0, sending=1),)
    assert (letter.key, letter.notice.message, letter.is_fresh) == ("uid/1/ops", "6 %", True)


def test_a_claimed_letter_is_named_until_its_receipt_and_fresh_once() -> None:
    plan = a_plan(channels=(a_channel(on=ALL),))
    state, [first] = step(plan, RUNNING, raised(RUNNING))

    state, [second] = step(plan, state, state)
    done, sent = step(plan, state, state, [Receipt(first.id, Fate.DELIVERED, "ok", START)])

    assert second == replace(first, is_fresh=False)
    assert (done.outbox.cursors, sent) == ((Cursor("ops", done=1, message="ok"),), ())
    assert done.outbox.notices == ()


def test_what_may_have_arrived_is_over() -> None:
    plan = a_plan(channels=(a_channel(on=ALL),))
    state, [letter] = step(plan, RUNNING, raised(RUNNING))

    state, sent = step(plan, state, state, [Receipt(letter.id, Fate.UNKNOWN, "may have", START)])

    assert (state.outbox.cursors, sent) == ((Cursor("ops", done=1, message="may have"),), ())


def test_a_failure_is_tried_again_after_a_growing_pause_with_the_same_key() -> None:
    plan = a_plan(channels=(a_channel(on=ALL),))
    state, [letter] = step(plan, RUNNING, raised(RUNNING))
    pauses, keys, now = [], [letter.key], START
    for _ in range(9):
        failed = Receipt(letter.id, Fate.FAILED, "HTTP 500", now)
        state, sent = step(plan, state, state, [failed], now=now)
        due = next_letter_at(plan, state.outbox)
        assert (sent, due is not None) == ((), True)
        assert due is not None
        pauses.append((due - now).total_seconds())
        now = due
        state, [letter] = step(plan, state, state, now=now)
        keys.append(letter.key)

    given_up, sent = step(
        plan, state, state, [Receipt(letter.id, Fate.FAILED, "HTTP 500", now)], now=now
    )

    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(keys) == {"uid/1/ops"}
    assert sent == ()
    assert given_up.outbox.cursors == (
        Cursor("ops", done=1, message="given up after 10 attempts: HTTP 500"),
    )


def test_a_channel_that_is_added_is_not_told_the_past() -> None:
    plan = a_plan(channels=(a_channel(on=ALL),))
    state, _ = step(plan, RUNNING, raised(RUNNING))
    more = a_plan(channels=(a_channel(on=ALL), a_channel("new", on=ALL)))

    state, _ = step(more, state, state)
    _, sent = step(more, state, raised(state))

    assert [(one.channel.name, one.notice.serial) for one in sent] == [("ops", 1), ("new", 2)]


def test_the_outbox_survives_a_new_revision() -> None:
    """Its state begins afresh, what has to be told does not."""
    plan = a_plan(channels=(a_channel(on=ALL),))
    state, _ = step(plan, RUNNING, raised(RUNNING))

    state, _ = step(plan, state, State(stage=Stage.STEPPING, revision="b"))

    assert [one.occasion for one in state.outbox.notices] == [Occasion.STEP, Occasion.STARTED]


def test_a_channel_that_is_down_for_long_loses_the_oldest_but_not_the_one_being_told() -> None:
    plan = a_plan(channels=(a_channel(on=ALL),))
    state = RUNNING
    for _ in range(30):
        state, _ = step(plan, state, raised(state))

    serials = [one.serial for one in state.outbox.notices]

    assert serials == [1, *range(30 - KEPT + 1, 31)]


@given(fates=st.lists(st.sampled_from([*Fate, None]), max_size=40), raises=st.integers(1, 6))
def test_every_notice_ends_once_whatever_becomes_of_the_letters(
    fates: list[Fate | None], raises: int
) -> None:
    """A letter whose receipt said delivered or unknown is never sent again."""
    plan = a_plan(channels=(a_channel(on=ALL),))
    state, now = RUNNING, START
    sent: tuple[Letter, ...] = ()
    ended: list[int] = []
    script = iter(fates)
    for number in range(60):
        now += timedelta(minutes=6)
        reports = []
        for letter in sent:
            fate = next(script, Fate.DELIVERED)
            if fate is not None:
                reports.append(Receipt(letter.id, fate, "", now))
                ended += [letter.notice.serial] if fate is not Fate.FAILED else []
        after = raised(state) if number < raises else state
        state, sent = step(plan, state, after, reports, now=now)
        assert not {one.notice.serial for one in sent} & set(ended)

    assert ended == sorted(set(ended))
    assert (sent, state.outbox.notices) == ((), ())
