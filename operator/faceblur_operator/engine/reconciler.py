"""One look at one rollout: read everything, decide once, write in order.

Called by the scheduler, never twice at the same time for one rollout. It keeps nothing that is
not also in the resource's status, except the memory the core asks to be given back.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import is_

from faceblur_operator.api import SpecError, parse_spec
from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.decide import Request
from faceblur_operator.core.decision import Decision
from faceblur_operator.core.errands import Errand, Report
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.snapshot import Json, NoSamples, Samples, Snapshot
from faceblur_operator.core.state import Stage
from faceblur_operator.engine.brain import Brain
from faceblur_operator.engine.log import fields
from faceblur_operator.engine.writing import Doors, Unwritten, Writing
from faceblur_operator.ports.cluster import Key, Resource
from faceblur_operator.ports.errors import NotLeadingError, OperatorError, RefusedError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask Prometheus about a rollout, and how soon again.

    Attributes:
        interval: how soon the next question follows, if Prometheus answers fast.
        longest: how long it may be put off for a slow one; None: as for a fast one.
        past: a moment, by Prometheus' clock, about which the same is asked beside now.
    """

    url: str
    queries: Mapping[str, str]
    interval: timedelta
    longest: timedelta | None = None
    past: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus said to an `Ask`."""

    ask: Ask
    samples: Samples | NoSamples


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from one look.

    Attributes:
        look_again: when to look again although nothing happens; None: only on a change.
        ask: what Prometheus has to be asked from now on; None: nothing.
        is_gone: the rollout does not exist any more.
        errands: what is asked of others, and told them; None: leave what there is.
    """

    look_again: timedelta | None = None
    ask: Ask | None = None
    is_gone: bool = False
    errands: tuple[Errand, ...] | None = None


@dataclass(slots=True)
class _Kept:
    """What is kept of one rollout between two looks; all of it can be lost without harm."""

    memory: Memory | None = None
    compiled_from: tuple[str, int] | None = None
    plan: Plan | Refusal | None = None
    unwritten: Unwritten = field(default_factory=Unwritten)
    asked_for: tuple[object, ...] = (None, None, None, None)
    queries: Mapping[str, str] = field(default_factory=dict)


class Reconciler:
    """Looks at rollouts, one call per look."""

    def __init__(self, brain: Brain, doors: Doors) -> None:
        self._brain = brain
        self._doors = doors
        self._writing = Writing(doors)
        self._kept: dict[Key, _Kept] = {}
        # Whose question Prometheus is asked again and again.
        self._asking: set[Key] = set()

    async def look(
        self, key: Key, answer: Answer | None = None, reports: tuple[Report, ...] = ()
    ) -> Outcome:
        """Look once and do what has to be done.

        Args:
            key: the rollout.
            answer: what Prometheus said, if this look is about that.
            reports: what came of errands.

        Raises:
            OperatorError: a read, or a write of traffic, failed. Nothing of what was decided
                counts then; the same answer leads the next look to the same decision.
        """
        kept = self._kept.setdefault(key, _Kept())
        resource: Resource | None = None
        waits = kept.unwritten.waits(self._doors.clock.now())
        if waits is not None and _has_turned_back(kept.memory):
            # Gray has no traffic any more. What we wrote ourselves comes back from the watch.
            return Outcome(waits)
        try:
            resource = await self._doors.reader.resource(key)
            if resource is None:
                self.forget(key)
                return Outcome(is_gone=True)
            return await self._look(resource, kept, answer, reports)
        except OperatorError as err:
            if isinstance(err, NotLeadingError):
                # Another process goes on from the status.
                self._kept.pop(key, None)
            elif isinstance(err, RefusedError) and resource is not None:
                await self._writing.tell(resource, kept.unwritten, err)
            raise

    def forget(self, key: Key) -> None:
        """Drop what is kept of a rollout that is gone."""
        self._kept.pop(key, None)
        self._asking.discard(key)
        self._doors.meter.forget(key.namespace, key.name)

    async def _look(
        self,
        resource: Resource,
        kept: _Kept,
        answer: Answer | None,
        reports: tuple[Report, ...],
    ) -> Outcome:
        doors, key = self._doors, resource.key
        plan = self._plan(resource, kept)
        stored = kept.unwritten.over(resource.manifest.get("status") or {})
        if isinstance(plan, Refusal):
            decision = self._brain.refuse(
                plan, generation=resource.generation, stored_status=stored, now=doors.clock.now()
            )
            await self._carry_out(resource, kept, decision)
            return Outcome(self._look_again(kept, decision))
        snapshot = await doors.reader.snapshot(resource, plan)
        samples = (
            answer.samples if answer and self._fits(kept, plan, answer, snapshot, stored) else None
        )
        if samples is not None:
            snapshot = replace(snapshot, samples=samples)
        request = Request(plan, snapshot, stored, kept.memory, doors.clock.now(), reports)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        decision = self._brain.decide(request)
        doors.meter.decision(seconds=loop.time() - begun)
        await self._carry_out(resource, kept, decision)
        status = stored if decision.status is None else decision.status
        queries = self._queries(kept, plan, snapshot, status)
        ask = self._ask(key, plan, queries, decision, request.now)
        LOG.debug(
            "looked", extra=fields(key, effects=len(decision.effects), sampled=samples is not None)
        )
        # Nothing is asked of others, or told them, before the status that says so is stored.
        errands = decision.errands if kept.unwritten.status is None else None
        return Outcome(self._look_again(kept, decision), ask, errands=errands)

    def _ask(
        self, key: Key, plan: Plan, queries: Mapping[str, str], decision: Decision, now: datetime
    ) -> Ask | None:
        if not queries:
            self._asking.discard(key)
            return None
        self._asking.add(key)
        # Nothing bad has come since that was settled, so it hurries as much or a little more.
        settled = decision.memory.settled
        pace = self._brain.pace(plan, settled, now, asking=len(self._asking))
        past = self._brain.past(decision.memory)
        return Ask(plan.prometheus_url, queries, pace, longest=plan.interval, past=past)

    def _queries(
        self, kept: _Kept, plan: Plan, snapshot: Snapshot, status: Json
    ) -> Mapping[str, str]:
        """Return what Prometheus has to be asked; worked out once while nothing changes."""
        basis = (plan, snapshot.stable, snapshot.gray, status)
        if not all(map(is_, basis, kept.asked_for)):
            kept.asked_for, kept.queries = basis, self._brain.queries(plan, snapshot, status)
        return kept.queries

    def _fits(
        self, kept: _Kept, plan: Plan, answer: Answer, snapshot: Snapshot, stored: Json
    ) -> bool:
        """Whether an answer is about what would be asked now: pods may have changed meanwhile."""
        now = self._queries(kept, plan, snapshot, stored)
        return answer.ask.queries == now and answer.ask.url == plan.prometheus_url

    def _plan(self, resource: Resource, kept: _Kept) -> Plan | Refusal:
        source = (resource.uid, resource.generation)
        if kept.plan is None or kept.compiled_from != source:
            kept.compiled_from, kept.plan = source, self._compile(resource)
        return kept.plan

    def _compile(self, resource: Resource) -> Plan | Refusal:
        try:
            spec = parse_spec(resource.manifest.get("spec") or {})
        except SpecError as err:
            return Refusal(Reason.INVALID_SPEC, str(err))
        return self._brain.compile(resource.key.namespace, resource.key.name, spec)

    async def _carry_out(self, resource: Resource, kept: _Kept, decision: Decision) -> None:
        await self._writing.carry_out(resource, kept.unwritten, decision)
        kept.memory = decision.memory

    def _look_again(self, kept: _Kept, decision: Decision) -> timedelta | None:
        """Return when time alone may change something, or a write has to be tried again."""
        ends = (decision.look_again, kept.unwritten.rest(self._doors.clock.now()))
        return min((one for one in ends if one is not None), default=None)


def _has_turned_back(memory: Memory | None) -> bool:
    return memory is not None and memory.settled.stage is Stage.ROLLING_BACK
