"""Runs the errands of one rollout beside its looks: asks gates, delivers letters.

The same id is done once in this process, however often a look names it. A report is kept, and
given to every look, until a look names its id no more: so a look that fails loses none.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from faceblur_operator.core.errands import Errand, Letter, Report
from faceblur_operator.engine.log import fields
from faceblur_operator.ports import Outside
from faceblur_operator.ports.cluster import Key

LOG = logging.getLogger(__name__)


class Errands:
    """The errands of one rollout."""

    def __init__(self, key: Key, outside: Outside, wake: Callable[[], None]) -> None:
        """Take whose errands they are, the way out, and what to call when a report is there."""
        self._key = key
        self._outside = outside
        self._wake = wake
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._reports: dict[str, Report] = {}

    @property
    def reports(self) -> tuple[Report, ...]:
        """What came of the errands that are done."""
        return tuple(self._reports.values())

    def assign(self, wanted: Iterable[Errand] | None) -> None:
        """Replace the errands: new ones begin, others end; None: leave all as they are."""
        if wanted is None:
            return
        errands = {one.id: one for one in wanted}
        for id_ in [one for one in self._tasks if one not in errands]:
            self._tasks.pop(id_).cancel()
            self._reports.pop(id_, None)
        for id_, errand in errands.items():
            if id_ not in self._tasks:
                name = f"errand {self._key.namespace}/{self._key.name}"
                self._tasks[id_] = asyncio.create_task(self._run(errand), name=name)

    async def stop(self) -> None:
        """End all of them."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, errand: Errand) -> None:
        report: Report
        try:
            if isinstance(errand, Letter):
                report = await self._outside.deliver(errand)
                said = {"channel": errand.channel.name, "fate": report.fate.value}
            else:
                report = await self._outside.ask(errand)
                said = {"gate": errand.gate.name, "answer": report.answer.value}
        except Exception:
            # A bug: nothing is reported, so the rollout holds, and the next change asks anew.
            LOG.exception("errand broke off", extra=fields(self._key, id=errand.id))
            return
        LOG.info("errand done", extra=fields(self._key, message=report.message, **said))
        self._reports[errand.id] = report
        self._wake()
