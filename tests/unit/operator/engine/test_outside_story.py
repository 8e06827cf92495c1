"""Whole releases with gates and notifications: what others say and hear, and never a delay."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from tests.support.in_memory import InMemory, quick_spec
from tests.support.virtual_time import run_virtually

from faceblur_operator.core.errands import Answer, Fate, Letter, Question

HOOKS = {
    "slack": "https://hooks.slack.com/x",
    "dingTalk": "https://oapi.dingtalk.com/robot/send?access_token=x",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/x",
}
HOUR = timedelta(hours=1)
ALL = ["Started", "Step", "Paused", "Promoted", "RolledBack", "Aborted"]


def a_gate(at: str, name: str = "board") -> dict[str, Any]:
    return {"name": name, "at": at, "webhook": {"url": f"http://{name}.demo.svc/ask"}}


def a_notification(form: str = "webhook", on: list[str] = ALL) -> dict[str, Any]:
    url = HOOKS.get(form, "http://hook.demo.svc")
    return {"name": form.lower(), form: {"url": url}, "on": on}


def play(story: Callable[[InMemory], Coroutine[Any, Any, None]], **spec: Any) -> InMemory:
    async def go() -> InMemory:
        world = InMemory()
        world.install(quick_spec(**spec))
        world.start()
        await story(world)
        await world.scheduler.stop(patience=timedelta(seconds=1))
        return world

    return run_virtually(go())


async def restart(world: InMemory) -> InMemory:
    """End the process without a word and start another on the same cluster."""
    await world.scheduler.stop(patience=timedelta(0))
    fresh = InMemory(api=world.api)
    fresh.counted = world.counted
    fresh.start()
    return fresh


@pytest.mark.parametrize(
    ("at", "want_weight"),
    [
        pytest.param("start", 0, id="before the first request"),
        pytest.param("step", 5, id="before the next weight"),
        pytest.param("promotion", 100, id="before the promotion"),
    ],
)
@pytest.mark.parametrize("answer", [Answer.REFUSED, Answer.NO_ANSWER])
def test_a_gate_holds_the_weight_until_it_agrees(at: str, want_weight: int, answer: Answer) -> None:
    async def story(world: InMemory) -> None:
        world.outside.answer = lambda _: answer
        await asyncio.sleep(65)
        assert (world.weight, world.status["phase"]) == (want_weight, "Progressing")
        assert "gate board" in world.status["message"]
        assert world.status["gates"][0]["answer"] == answer.value

        held = [one.reason.value for _, one in world.events.sent if "Gate" in one.reason.value]
        last = "GateRefused" if answer is Answer.REFUSED else "WaitingForGate"
        assert list(dict.fromkeys(held)) == list(dict.fromkeys(["WaitingForGate", last]))
        assert len(held) < 3

        world.outside.answer = lambda _: Answer.AGREED
        await world.until("Succeeded")

    world = play(story, gates=[a_gate(at)])

    times = [asked.body["at"] for asked in world.outside.asked]
    assert set(times) == {at}
    assert world.weights == [0, 5, 50, 100, 0]


def test_a_gate_that_does_not_agree_is_asked_every_30_seconds() -> None:
    async def story(world: InMemory) -> None:
        world.outside.answer = lambda _: Answer.REFUSED
        await asyncio.sleep(301)

    assert len(play(story, gates=[a_gate("start")]).outside.asked) == 11


def test_a_gate_at_each_step_is_asked_once_for_each() -> None:
    async def story(world: InMemory) -> None:
        await world.until("Succeeded")

    world = play(story, gates=[a_gate("step")])

    asked = [(one.body["step"], one.body["weight"]) for one in world.outside.asked]
    assert asked == [(1, 50), (2, 100)]


def test_a_gate_that_hangs_does_not_delay_a_rollback() -> None:
    async def story(world: InMemory) -> None:
        world.outside.latency = HOUR
        await world.until_weight(5)
        await asyncio.sleep(5)
        assert (world.weight, len(world.outside.asked)) == (5, 1)

        world.counted.bad_share = 0.9
        took = await world.until_weight(0)
        assert took < 2.5

    play(story, gates=[a_gate("step")])


def test_an_agreement_is_not_asked_for_again_after_a_restart() -> None:
    def answer(question: Question) -> Answer:
        return Answer.AGREED if question.gate.name == "kind" else Answer.REFUSED

    asked: list[str] = []

    async def story(world: InMemory) -> None:
        world.outside.answer = answer
        await asyncio.sleep(10)
        fresh = await restart(world)
        fresh.outside.answer = answer
        await asyncio.sleep(60)
        asked.extend(one.gate.name for one in fresh.outside.asked)
        assert (fresh.weight, fresh.status["gates"][0]["name"]) == (0, "kind")
        await fresh.scheduler.stop(patience=timedelta(0))

    play(story, gates=[a_gate("start", "kind"), a_gate("start", "strict")])

    assert set(asked) == {"strict"}


def test_a_suspended_rollout_asks_nobody() -> None:
    async def story(world: InMemory) -> None:
        await asyncio.sleep(60)
        assert (world.weight, world.outside.asked) == (0, [])

    play(story, gates=[a_gate("start")], suspend=True)


def told(world: InMemory, channel: str = "webhook") -> list[str]:
    return [one.notice.occasion.value for one in world.outside.told if one.channel.name == channel]


def test_every_occasion_is_told_once_and_in_order() -> None:
    async def story(world: InMemory) -> None:
        await world.until("Succeeded")
        await asyncio.sleep(60)

    world = play(story, notifications=[a_notification(), a_notification("slack", ["Promoted"])])

    assert told(world) == ["Started", "Step", "Step", "Step", "Promoted"]
    assert told(world, "slack") == ["Promoted"]
    assert [(one["name"], one["message"]) for one in world.status["notifications"]] == [
        ("webhook", "was delivered"),
        ("slack", "was delivered"),
    ]


def test_a_rollback_is_told() -> None:
    async def story(world: InMemory) -> None:
        await world.until_weight(50)
        world.counted.bad_share = 0.9
        await world.until("RolledBack")
        await asyncio.sleep(5)

    world = play(story, notifications=[a_notification(on=["RolledBack", "Promoted"])])

    [letter] = world.outside.told
    assert (letter.notice.reason, letter.notice.weight) == ("SloBreached", 0)


def test_a_receiver_that_is_down_is_told_later_and_holds_nothing_up() -> None:
    async def story(world: InMemory) -> None:
        world.outside.fate = lambda _: Fate.FAILED
        await world.until("Succeeded", within=40)
        world.outside.fate = lambda _: Fate.DELIVERED
        await asyncio.sleep(600)

    world = play(story, notifications=[a_notification(on=["Started", "Promoted"])])

    delivered = [one.key for one in world.outside.told]
    assert told(world)[-1] == "Promoted"
    assert len(set(delivered)) == 2
    assert world.status["notifications"][0] == {
        "name": "webhook",
        "done": 5,
        "message": "was delivered",
    }


@pytest.mark.parametrize("form", ["webhook", "slack", "dingTalk", "feishu"])
def test_each_occasion_is_tried_again_in_each_form_until_it_is_taken_and_told_once(
    form: str,
) -> None:
    tries: Counter[str] = Counter()

    def fate(letter: Letter) -> Fate:
        tries[letter.key] += 1
        return Fate.FAILED if tries[letter.key] < 3 else Fate.DELIVERED

    async def story(world: InMemory) -> None:
        world.outside.fate = fate
        await world.until("Succeeded", within=40)
        await asyncio.sleep(3600)

    world = play(story, notifications=[a_notification(form)])

    occasions = ["Started", "Step", "Step", "Step", "Promoted"]
    assert told(world, form.lower()) == [one for one in occasions for _ in range(3)]
    assert set(tries.values()) == {3}


def test_a_receiver_that_hangs_holds_nothing_up() -> None:
    async def story(world: InMemory) -> None:
        world.outside.latency = HOUR
        await world.until("Succeeded", within=40)

    world = play(story, notifications=[a_notification()])

    assert told(world) == ["Started"]


def test_a_notice_is_given_up_after_ten_attempts_and_the_next_is_told() -> None:
    def fate(letter: Letter) -> Fate:
        return Fate.FAILED if letter.notice.occasion.value == "Started" else Fate.DELIVERED

    async def story(world: InMemory) -> None:
        world.outside.fate = fate
        await asyncio.sleep(3600)

    world = play(story, notifications=[a_notification(on=["Started", "Promoted"])])

    assert Counter(told(world)) == {"Started": 10, "Promoted": 1}
    failed = [one.message for _, one in world.events.sent if one.reason == "NotificationFailed"]
    assert failed == ["notification webhook: given up after 10 attempts: was failed"]


@pytest.mark.parametrize("form", ["webhook", "slack"])
def test_a_letter_of_a_dead_process_is_marked_as_such_and_keeps_its_key(form: str) -> None:
    """The way out repeats it only where the receiver knows it again: see test_outside_http."""
    letters: list[Letter] = []

    async def story(world: InMemory) -> None:
        world.outside.latency = HOUR
        await asyncio.sleep(5)
        fresh = await restart(world)
        await asyncio.sleep(5)
        letters.extend([*world.outside.told, *fresh.outside.told])
        await fresh.scheduler.stop(patience=timedelta(0))

    play(story, notifications=[a_notification(form, ["Started"])])

    assert [(one.key, one.is_fresh) for one in letters] == [
        (letters[0].key, True),
        (letters[0].key, False),
    ]


def test_a_restart_after_delivery_tells_nothing_again() -> None:
    async def story(world: InMemory) -> None:
        await world.until("Succeeded")
        await asyncio.sleep(5)
        fresh = await restart(world)
        await asyncio.sleep(120)
        assert fresh.outside.told == []
        await fresh.scheduler.stop(patience=timedelta(0))

    play(story, notifications=[a_notification()])
