"""Whoever filters the log by one rollout reads its whole story in order, and nobody else's."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.in_memory import InMemory, quick_spec, stable_objects
from tests.support.specs import a_resource
from tests.support.virtual_time import run_virtually

from faceblur_operator.wiring.logs import JsonFormatter

STEPS = [{"weight": weight, "hold": "3s"} for weight in (30, 100)]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the operator would write to standard error, one JSON object per line."""
    told, logger = io.StringIO(), logging.getLogger("faceblur_operator")
    handler = logging.StreamHandler(told)
    handler.setFormatter(JsonFormatter())
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield told
    logger.setLevel(before)
    logger.removeHandler(handler)


def of(lines: io.StringIO, namespace: str, name: str) -> list[dict[str, Any]]:
    """Return the lines about one rollout, as `jq 'select(.namespace == … and .name == …)'` does."""
    read = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [one for one in read if (one.get("namespace"), one.get("name")) == (namespace, name)]


def decided(story: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (one["action"], one["reason"], one.get("fromWeight"), one.get("toWeight"))
        for one in story
        if one["event"] == "decided"
    ]


def a_second_one(world: InMemory) -> None:
    """Create another stable version and a rollout of its own, in the same namespace."""
    for item in stable_objects("-two"):
        world.api.add(item)
    world.settle()
    names = {"deployment": "face-blur-stable-two", "service": "face-blur-service-two"}
    spec = quick_spec(stable=names, traffic={"ingresses": ["face-blur-ingress-two"]}, steps=STEPS)
    resource = a_resource(spec)
    resource["metadata"] |= {"namespace": "demo", "name": "other", "uid": "other-uid"}
    world.api.add(resource)


def test_one_rollouts_story_is_whole_in_order_and_without_the_others(lines: io.StringIO) -> None:
    async def story() -> None:
        world = InMemory()
        world.install(quick_spec(steps=STEPS))
        a_second_one(world)
        world.start()
        await world.until_weight(30)
        await asyncio.sleep(1.5)
        world.command('{"verb":"pause","by":"ann"}')
        await asyncio.sleep(4)
        world.counted.bad_share = 0.9
        await world.until("RolledBack")

    run_virtually(story())

    mine, others = of(lines, "demo", "face-blur"), of(lines, "demo", "other")
    assert decided(mine) == [
        ("stepping", "Started", 0, 0),
        ("hold", "WaitingForGray", None, 0),
        ("stepping", "WeightRaised", 0, 30),
        ("hold", "TooLittleEvidence", None, 30),
        ("hold", "HoldNotOver", None, 30),
        ("pause", "Commanded", None, None),
        ("hold", "PausedByCommand", None, 30),
        ("rolling back", "SloBreached", 30, 0),
    ]
    breach = next(one for one in mine if one.get("reason") == "SloBreached")
    [evidence] = breach["evidence"]
    assert evidence["query"].startswith('faceblur_requests_total{namespace="demo",pod=~"face-blur')
    assert f"{evidence['grayBad']} of {evidence['grayRequests']} bad" in breach["message"]
    # Traffic is written before what is said about it.
    after = [(one["event"], one.get("object") or one.get("reason")) for one in mine]
    assert after[after.index(("decided", "SloBreached")) - 1] == (
        "wrote object",
        "face-blur-ingress-gray",
    )
    assert after[-1] == ("told", "RolledBack")
    assert not any("-two" in json.dumps(one) for one in mine)
    assert all("-two" in one["object"] for one in others if one.get("kind") == "Ingress")
    assert ("stepping", "WeightRaised", 30, 100) in decided(others)
    assert [one["time"] for one in mine] == sorted(one["time"] for one in mine)
