"""Errands beside the looks: each is done once, none is lost, none holds anything up."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.support.errands import a_letter, a_question
from tests.support.fakes.outside import FakeOutside
from tests.support.virtual_time import VirtualClock, run_virtually

from faceblur_operator.core.errands import Letter, Receipt
from faceblur_operator.engine.errands import Errands
from faceblur_operator.ports.cluster import Key

KEY = Key("demo", "face-blur")
SLOW = timedelta(seconds=30)


class Play:
    """The errands of one rollout and how often they woke it."""

    def __init__(self, outside: FakeOutside | None = None) -> None:
        self.outside = outside or FakeOutside(VirtualClock())
        self.wakes = 0
        self.errands = Errands(KEY, self.outside, self._wake)

    def _wake(self) -> None:
        self.wakes += 1


def play(story: Callable[[Play], Any], outside: FakeOutside | None = None) -> Play:
    async def go() -> Play:
        it = Play(outside)
        await story(it)
        await it.errands.stop()
        return it

    return run_virtually(go())


def test_an_errand_named_at_every_look_is_done_once_and_its_report_stays() -> None:
    async def story(it: Play) -> None:
        for _ in range(5):
            it.errands.assign([a_letter(), a_question()])
            await asyncio.sleep(1)
        assert [one.id for one in it.errands.reports] == [a_letter().id, a_question().id]

    it = play(story)

    assert (len(it.outside.told), len(it.outside.asked), it.wakes) == (1, 1, 2)


def test_a_report_is_forgotten_when_its_errand_is_named_no_more() -> None:
    async def story(it: Play) -> None:
        it.errands.assign([a_letter()])
        await asyncio.sleep(1)
        it.errands.assign([])
        assert it.errands.reports == ()

    play(story)


def test_what_is_wanted_no_more_is_not_waited_for() -> None:
    async def story(it: Play) -> None:
        it.errands.assign([a_question()])
        await asyncio.sleep(1)
        it.errands.assign([])
        await asyncio.sleep(60)

    it = play(story, FakeOutside(VirtualClock(), latency=SLOW))

    assert (it.wakes, it.errands.reports) == (0, ())


def test_a_look_that_knows_nothing_leaves_the_errands() -> None:
    async def story(it: Play) -> None:
        it.errands.assign([a_question()])
        await asyncio.sleep(1)
        it.errands.assign(None)
        await asyncio.sleep(60)

    it = play(story, FakeOutside(VirtualClock(), latency=SLOW))

    assert (it.wakes, len(it.errands.reports)) == (1, 1)


def test_a_bug_in_one_errand_leaves_the_others() -> None:
    class Broken(FakeOutside):
        async def deliver(self, letter: Letter) -> Receipt:
            raise ZeroDivisionError(letter.id)

    async def story(it: Play) -> None:
        other = replace(a_question(), id="gate/2")
        it.errands.assign([a_letter(), a_question(), other])
        await asyncio.sleep(1)

    it = play(story, Broken(VirtualClock()))

    assert [one.id for one in it.errands.reports] == ["gate/1", "gate/2"]
