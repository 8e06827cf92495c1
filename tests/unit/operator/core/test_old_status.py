"""Another version of the operator finds the status of a release in the middle."""

import json
from typing import Any

import pytest
from tests.support.builders import a_plan, a_ratio
from tests.support.world import World

from faceblur_operator.api.reasons import Phase
from faceblur_operator.core import memo

PLAN = a_plan(hold=20, objectives=(a_ratio(max_ratio=1.5),))
GOOD = {"gray": 50, "bad": 0, "stable": 200, "stable_bad": 1}
# Without these there is no position to go on from.
NEEDED = {"revision", "image", "stableImage", "step", "weight", "reason", "message", "serial"}
NEEDED |= {"times", "slos"}


def run(world: World, seconds: int) -> None:
    for _ in range(seconds):
        world.serve(**GOOD)
        world.tick(PLAN)
        world.settle()


def at_25() -> World:
    world = World()
    while world.weight < 25:
        run(world, 1)
    run(world, 5)
    return world


def remembered(world: World) -> dict[str, Any]:
    memory: dict[str, Any] = json.loads(world.status["memory"])
    return memory


def upgraded(world: World, memory: dict[str, Any], **status: Any) -> World:
    """Return the world whose operator is replaced by one that finds this."""
    world.status = {**world.status, **status, "memory": json.dumps(memory)}
    world.memory = None
    return world


def ends(world: World) -> list[int]:
    """Let the new operator end the release; return the weights it set."""
    before = len(world.weights)
    run(world, 120)
    assert world.phase is Phase.SUCCEEDED
    changes = world.weights[before:]
    return [w for w, was in zip(changes, [None, *changes], strict=False) if w != was]


def test_fields_that_a_later_version_wrote_are_ignored() -> None:
    world = at_25()
    memory = remembered(world) | {"mood": "good", "lanes": [1, 2]}
    memory["slos"]["success"]["z"] = {"later": True}
    entry = {"time": "2026-01-01T00:00:00Z", "action": "pondered", "depth": 4}
    slos = [{**one, "colour": "green"} for one in world.status["slos"]]

    upgraded(world, memory, decisions=[*world.status["decisions"], entry], slos=slos, mood="good")

    assert ends(world) == [25, 50, 100, 0]


def test_fields_that_an_earlier_version_did_not_write_are_not_missed() -> None:
    world = at_25()
    memory = {name: value for name, value in remembered(world).items() if name in NEEDED}
    memory["slos"] = {"success": {"v": "Pass"}}
    entries = [
        {name: one[name] for name in ("time", "action", "reason", "message")}
        for one in world.status["decisions"]
    ]

    upgraded(world, memory, decisions=entries)

    assert ends(world) == [25, 50, 100, 0]


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_a_position_that_is_not_whole_begins_again_with_the_first_step(name: str) -> None:
    world = at_25()
    memory = {key: value for key, value in remembered(world).items() if key != name}

    upgraded(world, memory)
    world.serve(**GOOD)
    world.tick(PLAN)

    assert world.weight == 5
    assert ends(world) == [5, 25, 50, 100, 0]


def test_a_word_of_a_later_version_begins_again_with_the_first_step() -> None:
    world = at_25()

    upgraded(world, remembered(world) | {"reason": "ReasonOfTheFuture"})
    world.serve(**GOOD)
    world.tick(PLAN)

    assert world.weight == 5
    assert ends(world) == [5, 25, 50, 100, 0]


@pytest.mark.parametrize("count", [0, 1, 5, 7])
def test_a_comparison_made_on_another_grid_begins_anew(count: int) -> None:
    """Its sums mean nothing on this one; a sum too many or too few must not stop every look."""
    world = at_25()
    memory = remembered(world)
    memory["slos"]["success"] |= {"e": [0.5] * count, "a": [0.25] * count}

    upgraded(world, memory)
    [slo] = memo.load(world.status).slos

    assert slo.gray.total > 0
    assert (slo.versus, slo.versus_after) == ((0.0,) * 6, (0.0,) * 6)
    assert ends(world) == [25, 50, 100, 0]


def test_an_older_crd_that_drops_what_it_does_not_know_costs_no_writes() -> None:
    """The API server prunes silently: what was stored is not what comes back."""
    plan = a_plan(hold=3600, objectives=(a_ratio(max_ratio=1.5),))
    world, writes = World(), 0
    for second in range(400):
        world.serve(**GOOD)
        decision = world.tick(plan)
        world.settle()
        new = ("evidence", "count", "lastTime")
        entries = world.status["decisions"]
        pruned = [{key: one[key] for key in one if key not in new} for one in entries]
        world.status = {**world.status, "decisions": pruned}
        writes += second >= 100 and decision.status is not None

    assert world.weight == 5
    assert writes <= 5
