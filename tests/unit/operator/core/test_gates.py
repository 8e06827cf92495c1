"""Which gate is asked when, and that only its own agreement lets a rollout pass."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.builders import a_plan
from tests.support.errands import a_gate
from tests.support.world import START

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.errands import Answer, Moment, Question, Reply
from faceblur_operator.core.gates import heard, next_question_at, questions, refusal
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.state import Stage, State

MOMENTS = [
    pytest.param(Moment.START, 0, None, 0, 5, id="start"),
    pytest.param(Moment.STEP, 1, START, 2, 50, id="step"),
    pytest.param(Moment.PROMOTION, 3, START, 3, 100, id="promotion"),
]


def held(plan: Plan, moment: Moment, *, step: int = 0, weighted: object = None) -> State:
    """Return a state that its gate holds at this moment."""
    state = State(
        stage=Stage.STEPPING,
        revision="5f2a",
        image="x:2",
        step=step,
        started_at=START,
        weighted_since=weighted,  # type: ignore[arg-type]  # from parametrize
    )
    found = refusal(plan, state, moment)
    assert found is not None
    return replace(state, reason=found.reason, message=found.message)


def answered(plan: Plan, state: State, answer: Answer, after: float = 0) -> State:
    """Return the state after this answer to the first open question."""
    [question, *_] = questions(plan, state, START + timedelta(hours=9))
    at = START + timedelta(seconds=after)
    return heard(plan, state, [Reply(question.id, answer, "why", at)])


@pytest.mark.parametrize(("moment", "step", "weighted", "want_step", "want_weight"), MOMENTS)
def test_a_question_says_what_would_follow(
    moment: Moment, step: int, weighted: object, want_step: int, want_weight: int
) -> None:
    plan = a_plan(gates=(a_gate(at=moment),))

    [question] = questions(plan, held(plan, moment, step=step, weighted=weighted), START)

    assert question == Question(
        question.id,
        "demo",
        a_gate(at=moment),
        {
            "rollout": "face-blur",
            "namespace": "demo",
            "revision": "5f2a",
            "image": "x:2",
            "step": want_step,
            "weight": want_weight,
            "at": moment.value,
        },
    )


@pytest.mark.parametrize(("moment", "step", "weighted", "want_step", "want_weight"), MOMENTS)
def test_only_an_agreement_lets_pass(
    moment: Moment, step: int, weighted: object, want_step: int, want_weight: int
) -> None:
    del want_step, want_weight
    plan = a_plan(gates=(a_gate(at=moment),))
    state = held(plan, moment, step=step, weighted=weighted)

    found = {one: refusal(plan, answered(plan, state, one), moment) for one in Answer}

    assert {one: why and why.reason for one, why in found.items()} == {
        Answer.AGREED: None,
        Answer.REFUSED: Reason.GATE_REFUSED,
        Answer.NO_ANSWER: Reason.WAITING_FOR_GATE,
    }


def test_an_agreement_counts_for_its_step_only() -> None:
    plan = a_plan(gates=(a_gate(at=Moment.STEP),))
    state = answered(plan, held(plan, Moment.STEP, weighted=START), Answer.AGREED)

    assert refusal(plan, state, Moment.STEP) is None
    assert refusal(plan, replace(state, step=1), Moment.STEP) is not None


def test_an_agreement_counts_for_its_moment_only() -> None:
    plan = a_plan(100, gates=(a_gate(at=Moment.START), a_gate(at=Moment.PROMOTION)))
    state = answered(plan, held(plan, Moment.START), Answer.AGREED)

    assert refusal(plan, state, Moment.START) is None
    assert refusal(plan, state, Moment.PROMOTION) is not None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"revision": "another"}, id="another revision"),
        pytest.param({"started_at": START + timedelta(1)}, id="a retry"),
        pytest.param({"stage": Stage.ROLLING_BACK}, id="rolled back meanwhile"),
        pytest.param({"reason": Reason.PAUSED_BY_COMMAND}, id="paused meanwhile"),
    ],
)
def test_an_answer_to_a_question_of_the_past_is_not_heard(change: dict[str, object]) -> None:
    plan = a_plan(gates=(a_gate(at=Moment.START),))
    state = held(plan, Moment.START)
    [question] = questions(plan, state, START)
    later = replace(state, **change)  # type: ignore[arg-type]  # from parametrize

    assert heard(plan, later, [Reply(question.id, Answer.AGREED, "", START)]) == later


def test_a_gate_is_asked_again_half_a_minute_after_its_answer() -> None:
    plan = a_plan(gates=(a_gate(at=Moment.START),))
    state = answered(plan, held(plan, Moment.START), Answer.REFUSED)
    due = START + timedelta(seconds=30)

    [again] = questions(plan, state, due)

    assert next_question_at(plan, state) == due
    assert questions(plan, state, due - timedelta(seconds=1)) == ()
    assert again.id not in {one.id for one in questions(plan, replace(state, gates=()), due)}
    assert answered(plan, state, Answer.NO_ANSWER, after=30).gates[0].asked == 2


def test_all_gates_of_a_moment_are_asked_at_once() -> None:
    plan = a_plan(gates=(a_gate("a", at=Moment.START), a_gate("b", at=Moment.START), a_gate("c")))

    asked = questions(plan, held(plan, Moment.START), START)

    assert [one.gate.name for one in asked] == ["a", "b"]


def test_nobody_is_asked_while_something_else_holds_the_rollout() -> None:
    plan = a_plan(gates=(a_gate(at=Moment.START),))
    state = replace(held(plan, Moment.START), reason=Reason.WAITING_FOR_GRAY)

    assert (questions(plan, state, START), next_question_at(plan, state)) == ((), None)
