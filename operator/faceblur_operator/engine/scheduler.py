"""Starts and ends the workers: one task per rollout, made when something wakes it."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from faceblur_operator.engine.log import fields
from faceblur_operator.engine.sampler import Sampler
from faceblur_operator.engine.worker import Looker, Worker
from faceblur_operator.ports import Meter, MetricsSource, Outside
from faceblur_operator.ports.cluster import Key

LOG = logging.getLogger(__name__)
# Without any event and any timer a rollout is looked at this often: a lost wake costs no more.
RESYNC = timedelta(seconds=60)


class Scheduler:
    """Keeps one worker per rollout; rollouts never wait for each other."""

    def __init__(
        self,
        looker: Looker,
        source: MetricsSource,
        meter: Meter,
        outside: Outside,
        *,
        chance: Callable[[], float],
        resync: timedelta = RESYNC,
    ) -> None:
        """Take what the workers need; `chance` returns numbers from 0 to 1."""
        self._looker = looker
        self._source = source
        self._meter = meter
        self._outside = outside
        self._chance = chance
        self._resync = resync
        self._workers: dict[Key, tuple[Worker, asyncio.Task[None]]] = {}
        self._is_stopped = False

    @property
    def keys(self) -> frozenset[Key]:
        """The rollouts that have a worker."""
        return frozenset(self._workers)

    def wake(self, key: Key) -> None:
        """Look at a rollout soon; the first wake of one that is new starts its worker."""
        if self._is_stopped:
            return
        if key in self._workers:
            self._workers[key][0].wake()
            return
        worker = Worker(
            key,
            self._looker,
            Sampler(self._source),
            self._outside,
            meter=self._meter,
            # Spread, so that the rollouts found at the start do not resync in step.
            resync=self._resync * (0.8 + 0.2 * self._chance()),
            chance=self._chance,
        )
        worker.wake()
        task = asyncio.create_task(worker.run(), name=f"rollout {key.namespace}/{key.name}")
        self._workers[key] = (worker, task)
        task.add_done_callback(lambda done: self._ended(key, done))

    async def stop(self, *, patience: timedelta) -> None:
        """End all workers; close the fence first, then each stops at its next write.

        Args:
            patience: how long a write that has begun may take to end.
        """
        self._is_stopped = True
        keys, tasks = self.keys, [task for _, task in self._workers.values()]
        for worker, _ in self._workers.values():
            worker.end()
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=patience.total_seconds())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for key in keys:
            # Whoever leads from now on says where it stands; two would contradict each other.
            self._meter.forget(key.namespace, key.name)

    def _ended(self, key: Key, task: asyncio.Task[None]) -> None:
        worker, _ = self._workers.pop(key)
        if task.cancelled() or self._is_stopped:
            return
        error = task.exception()
        if error is not None:
            LOG.error("worker broke off, starting another", extra=fields(key, error=repr(error)))
            self.wake(key)
        elif worker.was_woken:
            # Deleted and made again before the worker could end.
            self.wake(key)
