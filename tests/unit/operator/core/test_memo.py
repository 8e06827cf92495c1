"""The state survives in the status, exactly."""

import json
from dataclasses import replace

import pytest
from tests.support.builders import a_plan, a_ratio
from tests.support.world import World

from faceblur_operator.core import memo
from faceblur_operator.core.evidence import Counts
from faceblur_operator.core.state import ALL_COMPARED, Previous, Reading, State


def test_a_state_in_the_middle_comes_back_exactly() -> None:
    """Through JSON text, as the API server keeps it; floats to the last bit."""
    plan = a_plan(objectives=(a_ratio(max_ratio=1.5),))
    world = World()
    for _ in range(25):
        world.serve(gray=31, bad=1 if world.weight == 25 else 0, stable=97, stable_bad=1)
        world.tick(plan)
        world.settle()
    assert world.memory is not None
    # What waits to be compared is lost with the process.
    slos = tuple(
        one._replace(before=ALL_COMPARED, after=ALL_COMPARED, marks=(), keen=Counts(7.0, 2.0))
        for one in world.memory.state.slos
    )
    state = replace(
        world.memory.state,
        slos=slos,
        previous=Previous("x:1", (("A", "1"), ("B", None))),
        read=Reading(world.now, "cafe", is_whole=False),
        serial=9,
    )
    said = [{"name": one.name, "message": one.message} for one in state.slos]
    status = {**world.status, "slos": said, "memory": memo.dump(state)}

    found = memo.load(json.loads(json.dumps(status)))

    assert found == state


def test_an_empty_status_is_a_fresh_state() -> None:
    assert (memo.load({}), memo.serial_of({})) == (State(), 0)


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param("not json", id="no JSON"),
        pytest.param("[1]", id="no object"),
        pytest.param(7, id="no text"),
        pytest.param('{"serial": 3}', id="half of it is missing"),
        pytest.param('{"serial": "x", "slos": 4}', id="other kinds of values"),
    ],
)
def test_a_memory_that_cannot_be_read_begins_again(memory: object) -> None:
    assert memo.load({"memory": memory}) == State()


def test_the_memory_is_one_line() -> None:
    assert "\n" not in memo.dump(State(message="one\ntwo"))
