"""What comes at the worst moment: a clock that is set, an answer, an event or a leader lost."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest
from tests.support.in_memory import KEY, InMemory, quick_spec
from tests.support.specs import a_resource
from tests.support.virtual_time import run_virtually

from faceblur_operator.api.reasons import Reason
from faceblur_operator.engine.writing import REST_REFUSED
from faceblur_operator.ports.errors import ConflictError, RefusedError, UnreachableError

AN_HOUR = timedelta(hours=1)
AT_30 = [{"weight": 30, "hold": "1h"}, {"weight": 100}]
# The longest for which what no watch tells of is believed, and a resync.
BELIEVED_S = 360
GRAY_INGRESS = ("Ingress", "demo", "face-blur-ingress-gray")
WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"


async def at_30() -> InMemory:
    world = InMemory()
    world.install(quick_spec(steps=AT_30))
    world.start()
    await world.until_weight(30)
    await asyncio.sleep(10)
    return world


def play(story: Coroutine[Any, Any, None]) -> None:
    run_virtually(story)


def collect_garbage(world: InMemory) -> None:
    """Delete, as Kubernetes does, what is owned by something that does not exist any more."""
    while gone := _without_owner(world):
        for kind, space, name in gone:
            world.api.remove(kind, name, space=space)


def _without_owner(world: InMemory) -> list[tuple[str, str, str]]:
    known = {item["metadata"]["uid"] for item in world.api.objects.values()}
    owners = {
        place: {one["uid"] for one in item["metadata"].get("ownerReferences") or []}
        for place, item in world.api.objects.items()
    }
    return [place for place, uids in owners.items() if uids and not uids & known]


def make_anew(world: InMemory, **spec: Any) -> str:
    """Delete the rollout and create another of its name; return the uid of the new one."""
    world.api.remove("FaceBlurRollout", KEY.name)
    resource = a_resource(quick_spec(**spec))
    resource["metadata"]["namespace"] = "demo"
    uid: str = world.api.add(resource)["metadata"]["uid"]
    return uid


def weight_in(path: str, body: Any) -> str | None:
    """Return the weight that a write gives to gray, None when it is about something else."""
    annotations = body.get("metadata", {}).get("annotations") or {}
    return annotations.get(WEIGHT) if path.endswith(GRAY_INGRESS[2]) else None


@pytest.mark.parametrize("ahead", [-AN_HOUR, AN_HOUR], ids=["set back", "set forward"])
def test_a_bad_gray_is_taken_back_at_once_whatever_is_done_to_the_clock(ahead: timedelta) -> None:
    async def story() -> None:
        world = await at_30()

        world.clock.ahead = ahead
        world.counted.bad_share = 0.9
        took = await world.until_weight(0)

        assert took <= 12

    play(story())


@pytest.mark.parametrize("what", ["deployments/face-blur-stable-gray", "/status"])
def test_a_clock_that_is_set_back_puts_off_no_write_that_was_refused(what: str) -> None:
    async def story() -> None:
        world = InMemory()
        world.install(quick_spec())
        world.start()
        await world.until_weight(5)
        error = RefusedError("an admission webhook denied the request")
        world.api.refuses = lambda path, _body: error if what in path else None
        await asyncio.sleep(40)

        world.clock.ahead = -AN_HOUR
        world.api.refuses = lambda _path, _body: None
        world.api.calls.clear()
        await asyncio.sleep(REST_REFUSED.total_seconds() + 1)

        assert any(what in call for call in world.api.writes())

    play(story())


def test_two_conflicts_in_a_row_about_a_status_change_nothing() -> None:
    async def story() -> None:
        world = InMemory(settles=False, is_asleep=True)
        world.install()
        await world.reconciler.look(KEY)
        world.settle()
        conflict = ConflictError("the object has been modified")
        world.api.broken = [None, conflict, conflict]
        for _ in range(2):
            with pytest.raises(ConflictError):
                await world.reconciler.look(KEY)

        await world.reconciler.look(KEY)

        assert (world.weight, world.status["grayWeight"]) == (5, 5)
        told = [event.reason for _, event in world.events.sent]
        assert told.count(Reason.WEIGHT_RAISED) == 1
        raised = [one["toWeight"] for one in world.status["decisions"] if "toWeight" in one]
        assert raised.count(5) == 1

    play(story())


@pytest.mark.parametrize("weight", [5, 50])
def test_a_rollout_made_anew_during_a_write_begins_at_its_beginning(weight: int) -> None:
    """Its children belong to another one that is gone, and go with it."""

    async def story() -> None:
        world = InMemory()
        world.install()
        found: list[str] = []

        def another(path: str, body: Any) -> None:
            if not found and weight_in(path, body) == str(weight):
                found.append(make_anew(world))

        world.api.refuses = another
        world.start()
        await world.until_weight(weight)
        begun = len(world.weights)
        for _ in range(90):
            await asyncio.sleep(1)
            collect_garbage(world)

        assert world.status["phase"] == "Succeeded", world.status["message"]

        steps = [one for one in world.weights[begun:] if one]
        assert steps == [5, 50, 100]
        for item in world.api.objects.values():
            owners = item["metadata"].get("ownerReferences") or []
            kinds = {one["uid"] for one in owners if one.get("kind") == "FaceBlurRollout"}
            assert kinds <= set(found)

    play(story())


def test_a_rollout_made_anew_between_two_looks_begins_at_its_beginning() -> None:
    async def story() -> None:
        world = await at_30()
        begun = len(world.weights)

        make_anew(world)
        await asyncio.sleep(1)
        collect_garbage(world)
        await world.until("Succeeded")

        assert [one for one in world.weights[begun:] if one] == [5, 50, 100]

    play(story())


def test_an_edit_that_no_watch_tells_of_is_found_and_repaired() -> None:
    async def story() -> None:
        world = await at_30()
        world.api.watchers = []
        annotations = {"metadata": {"annotations": {WEIGHT: "100"}}}
        world.api.change("Ingress", GRAY_INGRESS[2], annotations)
        assert world.weight == 100

        took = await world.until_weight(30, within=BELIEVED_S)

        assert took <= BELIEVED_S

    play(story())


def test_a_deletion_that_no_watch_tells_of_ends_with_nothing_left() -> None:
    """The watch tells of the children that go with the rollout, and not of the rollout."""

    async def story() -> None:
        world = await at_30()
        tell, world.api.watchers = world.api.watchers, []
        world.api.remove("FaceBlurRollout", KEY.name)
        world.api.watchers = tell

        for _ in range(BELIEVED_S):
            collect_garbage(world)
            await asyncio.sleep(1)
        collect_garbage(world)
        world.api.calls.clear()
        await asyncio.sleep(BELIEVED_S)

        assert world.scheduler.keys == frozenset()
        assert world.api.writes() == []
        assert GRAY_INGRESS not in world.api.objects

    play(story())


def test_a_bad_gray_is_taken_back_soon_after_an_api_server_that_was_away() -> None:
    async def story() -> None:
        world = await at_30()
        tell, world.api.watchers = world.api.watchers, []
        gone = UnreachableError("connection refused")
        world.api.refuses = lambda _path, _body: gone
        world.counted.bad_share = 0.9
        await asyncio.sleep(90)
        assert world.weight == 30

        world.api.refuses, world.api.watchers = (lambda _path, _body: None), tell
        took = await world.until_weight(0)

        assert took <= 10

    play(story())


def test_a_list_that_is_read_again_is_no_news() -> None:
    """As after `410 Gone`: every object is told of once more, as it was."""

    async def story() -> None:
        world = await at_30()
        await world.scheduler.stop(patience=timedelta(0))
        world.api.calls.clear()

        woken = {
            key
            for (kind, _, _), item in list(world.api.objects.items())
            for key in world.reader.observe(kind, item, is_gone=False)
        }
        await world.reconciler.look(KEY)

        assert woken == set()
        assert world.api.writes() == []

    play(story())


def test_a_leader_that_stops_between_traffic_and_status_is_followed_by_one_that_proves_it() -> None:
    async def story() -> None:
        first = InMemory()
        first.install()
        first.start()
        await first.until_weight(5)

        def lose(path: str, body: Any) -> None:
            if weight_in(path, body) == "50":
                first.fence.is_leading = False

        first.api.refuses = lose
        await first.until_weight(50)
        await first.scheduler.stop(patience=timedelta(0))
        assert first.status["grayWeight"] == 5

        second = InMemory(api=first.api)
        second.api.refuses = lambda _path, _body: None
        # Nobody can be asked, so it proves nothing.
        second.prometheus.latency = AN_HOUR
        second.start()
        await asyncio.sleep(30)

        assert second.status["grayWeight"] == second.weight <= 50
        assert 100 not in second.weights

    play(story())


def test_a_process_that_stops_leading_says_no_more_where_a_release_stands() -> None:
    """It may live on beside the next leader, and an alert takes the worst that any of them says."""

    async def story() -> None:
        world = await at_30()
        assert set(world.meter.rollouts) == {(KEY.namespace, KEY.name)}

        world.fence.is_leading = False
        await world.scheduler.stop(patience=timedelta(0))

        assert world.meter.rollouts == {}

    play(story())
