"""When running numbers are stored: seldom, and so that a restart forgets little against gray."""

from dataclasses import replace
from itertools import pairwise

from tests.support.builders import a_plan
from tests.support.world import World

from faceblur_operator.core import memo
from faceblur_operator.core.decision import Decision

PLAN = a_plan(5, 25, 100, hold=24 * 3600)
GOOD = {"gray": 50, "stable": 200}
FEW = {"gray": 0, "stable": 200}
SOME_BAD = GOOD | {"bad": 1, "stable_bad": 4}


def at_5() -> World:
    world = World()
    for _ in range(100):
        if world.weight == 5:
            return world
        looks(world, 1)
    raise AssertionError(f"never at 5 %: {world.status['message']}")


def looks(world: World, seconds: int, traffic: dict[str, int] = GOOD) -> list[Decision]:
    """Let time pass and return the decisions that wrote a status."""
    writing = []
    for _ in range(seconds):
        world.serve(**traffic)
        decision = world.tick(PLAN)
        world.settle()
        writing += [decision] if decision.status is not None else []
    return writing


def unstored(world: World) -> tuple[float, float]:
    """Return how many requests, and how many bad ones, a restart would forget."""
    assert world.memory is not None
    [now] = world.memory.state.slos
    [stored] = memo.load(world.status).slos
    return now.gray.total - stored.gray.total, now.gray.bad - stored.gray.bad


def test_while_all_is_well_a_status_is_stored_when_twice_as_much_is_known() -> None:
    world = at_5()
    looks(world, 120)

    writing = looks(world, 3600)

    known = [decision.state.slos[0].gray.total for decision in writing]
    assert len(known) == 3
    assert all(after > 2 * before for before, after in pairwise(known))
    assert {decision.effects for decision in writing} == {()}


def test_while_evidence_is_missing_a_status_is_stored_once_a_minute() -> None:
    """Somebody waits for it."""
    world = at_5()
    looks(world, 120, FEW)

    writing = looks(world, 600, FEW)

    assert world.status["verdict"] == "Insufficient"
    assert len(writing) == 10
    assert {decision.effects for decision in writing} == {()}


def test_while_prometheus_does_not_tell_its_time_a_status_is_stored_once_a_minute() -> None:
    world = at_5()
    for _ in range(60):
        looks(world, 1)
    writing = []
    for _ in range(600):
        world.serve(**GOOD)
        assert world.memory is not None
        world.memory = replace(
            world.memory, settled=replace(world.memory.state, read=None), spell=None
        )
        decision = world.tick(PLAN, samples=replace(world.samples(PLAN), read_at=None))
        writing += [decision] if decision.status is not None else []

    assert len(writing) == 10


def test_that_data_began_to_be_missing_is_stored_at_once() -> None:
    world = at_5()
    for _ in range(20):
        world.tick(PLAN, is_silent=True)

    since = memo.load(world.status).no_data_since
    assert world.memory is not None
    assert since is not None
    assert since == world.memory.state.no_data_since


def test_the_sentence_of_a_hold_stays_true_while_nothing_is_stored() -> None:
    world = at_5()
    looks(world, 120)
    before = world.status["message"]

    looks(world, 600)

    assert world.status["message"] == before
    assert before.startswith("5 % until ")


def test_a_restart_forgets_at_most_half_and_a_fifth_of_what_was_bad() -> None:
    """Where Prometheus does not remember."""
    world = at_5()
    looks(world, 30)

    for second in range(300):
        looks(world, 1, GOOD if second % 4 else SOME_BAD)
        assert world.memory is not None
        assert world.memory.written_at is not None
        age = (world.now - world.memory.written_at).total_seconds()
        total, bad = unstored(world)
        [slo] = world.memory.state.slos
        assert 0 <= total <= max(slo.gray.total / 2, 600 * 50)
        assert bad >= 0
        assert age < 10 or bad <= slo.gray.bad / 5


def test_what_begins_to_go_wrong_is_stored_within_ten_seconds() -> None:
    world = at_5()
    looks(world, 121)

    writing = looks(world, 11, SOME_BAD)

    assert len(writing) >= 1
    assert unstored(world)[1] <= 10
