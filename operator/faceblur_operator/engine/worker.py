"""The life of one rollout in this process: wakes, timers and answers, one look at a time."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from faceblur_operator.core.errands import Report
from faceblur_operator.engine.backoff import Backoff
from faceblur_operator.engine.errands import Errands
from faceblur_operator.engine.log import fields
from faceblur_operator.engine.reconciler import Answer, Outcome
from faceblur_operator.engine.sampler import Sampler
from faceblur_operator.ports import Meter, Outside
from faceblur_operator.ports.cluster import Key
from faceblur_operator.ports.errors import NotLeadingError, OperatorError

LOG = logging.getLogger(__name__)
# A timer may be early by the resolution of the clock; the core counts in the same clock.
PATIENCE = timedelta(milliseconds=5)


class Looker(Protocol):
    """Looks at a rollout; see `Reconciler`."""

    async def look(
        self, key: Key, answer: Answer | None = None, reports: tuple[Report, ...] = ()
    ) -> Outcome:
        """Look once and do what has to be done."""
        ...


class Worker:
    """Looks at one rollout whenever there is a reason to, until it is gone.

    Any number of wakes during a look lead to one more look. A look never waits for Prometheus or
    for anybody outside: the sampler and the errands run on their own and hand in what they found.
    """

    def __init__(
        self,
        key: Key,
        looker: Looker,
        sampler: Sampler,
        outside: Outside,
        *,
        meter: Meter,
        resync: timedelta,
        chance: Callable[[], float],
    ) -> None:
        """Take what it works with; `resync`: longest time between two looks."""
        self._key = key
        self._looker = looker
        self._sampler = sampler
        self._errands = Errands(key, outside, self.wake)
        self._meter = meter
        self._resync = resync
        self._backoff = Backoff(chance)
        self._woken = asyncio.Event()
        self._end = asyncio.Event()
        self._woken_at: float | None = None
        self._answer: Answer | None = None

    def wake(self) -> None:
        """Look soon: something may have changed."""
        self._stamp()
        self._woken.set()

    def take(self, answer: Answer) -> None:
        """Look soon, at what Prometheus said; a newer answer replaces an unread one."""
        self._answer = answer
        self.wake()

    def end(self) -> None:
        """End after the look that is going on, if any."""
        self._end.set()
        self._woken.set()

    @property
    def was_woken(self) -> bool:
        """Whether a wake has not been looked at."""
        return self._woken.is_set()

    async def run(self) -> None:
        """Look, wait for a reason, look again; end when the rollout is gone."""
        asking = asyncio.create_task(self._sampler.run(self.take), name=f"ask {self._key}")
        try:
            while not self._end.is_set():
                outcome, pause = await self._look()
                if outcome is not None and outcome.is_gone:
                    return
                if outcome is None:
                    # Wakes do not shorten this: what failed is not what changed.
                    await _wait(self._end, pause)
                    self.wake()
                    continue
                self._sampler.ask(outcome.ask)
                self._errands.assign(outcome.errands)
                if not await _wait(self._woken, pause):
                    self._stamp()
        finally:
            asking.cancel()
            await asyncio.gather(asking, self._errands.stop(), return_exceptions=True)

    async def _look(self) -> tuple[Outcome | None, timedelta]:
        """Look once; return the outcome, None after a failure, and how long to rest."""
        begun = asyncio.get_running_loop().time()
        lateness = begun - self._woken_at if self._woken_at is not None else 0.0
        self._woken.clear()
        self._woken_at = None
        answer, self._answer = self._answer, None
        try:
            outcome = await self._looker.look(self._key, answer, self._errands.reports)
        except NotLeadingError as err:
            LOG.info("not leading, wrote nothing", extra=fields(self._key))
            return None, self._backoff.failed(err)
        except OperatorError as err:
            # Nothing came of it: what Prometheus said is looked at again, unless there is news.
            self._answer = self._answer or answer
            pause = self._backoff.failed(err)
            self._meter.error(type(err).__name__)
            LOG.warning(
                "look failed, trying again",
                extra=fields(self._key, error=str(err), after_s=round(pause.total_seconds(), 2)),
            )
            return None, pause
        except Exception as err:
            self._meter.error("Bug")
            LOG.exception("look broke off, trying again", extra=fields(self._key))
            return None, self._backoff.failed(err)
        self._backoff.succeeded()
        ended = asyncio.get_running_loop().time()
        self._meter.tick(seconds=ended - begun, lateness_seconds=max(lateness, 0.0))
        rest = self._resync
        if outcome.look_again is not None:
            rest = min(rest, max(outcome.look_again, timedelta(0)) + PATIENCE)
        return outcome, rest

    def _stamp(self) -> None:
        if self._woken_at is None:
            self._woken_at = asyncio.get_running_loop().time()


async def _wait(event: asyncio.Event, longest: timedelta) -> bool:
    """Wait for an event, at most this long; return whether it came."""
    try:
        async with asyncio.timeout(longest.total_seconds()):
            await event.wait()
    except TimeoutError:
        return False
    return True
