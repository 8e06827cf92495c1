"""Every status that the decisions write has the fields that the CRD names, and no other."""

from typing import Any

from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.schema_check import problems
from tests.support.specs import a_resource, a_spec
from tests.support.world import World


def _statuses(**traffic: int) -> list[dict[str, Any]]:
    """Return every status of one release under this traffic a second."""
    world, plan = World(), a_plan(objectives=(a_ratio(), a_ratio("like", max_ratio=1.5), a_gauge()))
    for _ in range(150):
        world.serve(**traffic)
        world.tick(plan)
        world.settle()
    return [one.status for one in world.decisions if one.status is not None]


def _problems(statuses: list[dict[str, Any]]) -> set[str]:
    return {
        problem
        for status in statuses
        for problem in problems(a_resource(a_spec()) | {"status": status})
    }


def test_a_release_writes_only_what_the_crd_knows() -> None:
    good = _statuses(gray=50, stable=200)
    bad = _statuses(gray=50, bad=20, stable=200)

    assert len(good) > 5
    assert len(bad) > 2
    assert _problems(good + bad) == set()
