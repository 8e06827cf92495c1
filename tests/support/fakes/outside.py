"""Everybody outside: gates that answer by a script, and receivers that keep what they were told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from faceblur_operator.core.errands import (
    Answer,
    Fate,
    Letter,
    Question,
    Receipt,
    Reply,
)
from faceblur_operator.ports import Clock


@dataclass
class FakeOutside:
    """Answers with functions of what it is asked; slow at will.

    Attributes:
        answer: what a gate says.
        fate: what becomes of a letter.
        latency: how long either takes.
        asked, told: what came, in order.
    """

    clock: Clock
    answer: Callable[[Question], Answer] = lambda _: Answer.AGREED
    fate: Callable[[Letter], Fate] = lambda _: Fate.DELIVERED
    latency: timedelta = timedelta(0)
    asked: list[Question] = field(default_factory=list)
    told: list[Letter] = field(default_factory=list)

    async def ask(self, question: Question) -> Reply:
        self.asked.append(question)
        await asyncio.sleep(self.latency.total_seconds())
        answer = self.answer(question)
        return Reply(question.id, answer, f"said {answer.value}", self.clock.now())

    async def deliver(self, letter: Letter) -> Receipt:
        self.told.append(letter)
        await asyncio.sleep(self.latency.total_seconds())
        fate = self.fate(letter)
        return Receipt(letter.id, fate, f"was {fate.value}", self.clock.now())
