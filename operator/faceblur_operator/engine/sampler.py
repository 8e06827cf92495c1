"""Asks Prometheus about one rollout at its interval, beside the looks and never in their way."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from faceblur_operator.core.analysis import hurried
from faceblur_operator.core.snapshot import NoSamples, Samples
from faceblur_operator.engine.reconciler import Answer, Ask
from faceblur_operator.ports import MetricsSource

# An answer later than this is worth less than the next question.
LONGEST_WAIT = timedelta(seconds=2)
SHORTEST_WAIT = timedelta(seconds=1)
# A question may follow the last after so many times what that took: one rollout that hurries keeps
# Prometheus busy for a fifth of the time, no more.
RESTS = 5


class Sampler:
    """Repeats the present question, one at a time, at its interval; that may change in between."""

    def __init__(self, source: MetricsSource) -> None:
        self._source = source
        self._ask: Ask | None = None
        self._changed = asyncio.Event()

    def ask(self, ask: Ask | None) -> None:
        """Replace the question; None: ask nothing until there is one again."""
        if ask != self._ask:
            self._ask = ask
            self._changed.set()

    async def run(self, deliver: Callable[[Answer], None]) -> None:
        """Ask and deliver until cancelled."""
        loop = asyncio.get_running_loop()
        turn, before = loop.time(), None
        while True:
            ask = await self._question()
            if turn < loop.time() - ask.interval.total_seconds():
                # The first question, or a stall: from now on, nothing is made up for.
                turn = loop.time()
            begun = loop.time()
            samples = await self._answered(ask)
            took = timedelta(seconds=loop.time() - begun)
            deliver(Answer(ask, samples))
            # From the first answer counting begins; only the second tells anything.
            is_first, before = before is None or before.queries != ask.queries, ask
            turn = await self._next(turn, ask, took, is_first=is_first)

    async def _answered(self, ask: Ask) -> Samples | NoSamples:
        """Ask about now and, at the same time, about the past, if that is wanted too."""
        source, timeout = self._source, _timeout(ask)
        if ask.past is None:
            return await source.query(ask.url, ask.queries, timeout=timeout)
        samples, past = await asyncio.gather(
            source.query(ask.url, ask.queries, timeout=timeout),
            source.query(ask.url, ask.queries, timeout=timeout, at=ask.past),
        )
        if isinstance(samples, NoSamples) or isinstance(past, NoSamples):
            return samples
        return replace(samples, past=past)

    async def _question(self) -> Ask:
        while self._ask is None:
            self._changed.clear()
            await self._changed.wait()
        return self._ask

    async def _next(self, turn: float, asked: Ask, took: timedelta, *, is_first: bool) -> float:
        """Wait for the turn after this one and return it: sooner when that is asked for.

        Other questions do not wait at all; the turns are counted from them then.
        """
        loop = asyncio.get_running_loop()
        while True:
            if self._ask is not None and self._ask.queries != asked.queries:
                return loop.time()
            due = turn + _pause(self._ask or asked, took, is_first=is_first).total_seconds()
            if due <= loop.time():
                # The interval has become shorter, or the answer took longer than it.
                return loop.time()
            self._changed.clear()
            try:
                async with asyncio.timeout_at(due):
                    await self._changed.wait()
            except TimeoutError:
                return due


def _pause(ask: Ask, took: timedelta, *, is_first: bool) -> timedelta:
    """Return how long after one question the next is due; the first answer tells nothing yet."""
    wanted = hurried(ask.interval) if is_first else ask.interval
    return max(wanted, min(RESTS * took, ask.longest or wanted))


def _timeout(ask: Ask) -> timedelta:
    return max(SHORTEST_WAIT, min(ask.interval, LONGEST_WAIT))
