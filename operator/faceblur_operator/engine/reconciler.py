"""One look at one rollout: read everything, decide once, write in order.

Called by the scheduler, never twice at the same time for one rollout. It keeps nothing that is
not also in the resource's status, except the memory the core asks to be given back.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from faceblur_operator.api import SpecError, parse_spec
from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core.decide import Request
from faceblur_operator.core.decision import Apply, ClearCommand, Decision, Delete, Effect, Event
from faceblur_operator.core.errands import Errand, Report
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.snapshot import Json, NoSamples, Samples, Snapshot
from faceblur_operator.core.state import Memory, State
from faceblur_operator.engine.brain import Brain
from faceblur_operator.engine.log import fields
from faceblur_operator.ports import Clock, ClusterReader, ClusterWriter, EventSink, Meter
from faceblur_operator.ports.cluster import Key, Resource
from faceblur_operator.ports.errors import OperatorError, RefusedError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask Prometheus about a rollout, and how soon again.

    Attributes:
        interval: how soon the next question follows, if Prometheus answers fast.
        longest: how long it may be put off for a slow one; None: as for a fast one.
    """

    url: str
    queries: Mapping[str, str]
    interval: timedelta
    longest: timedelta | None = None


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


@dataclass(frozen=True, slots=True)
class Doors:
    """The ports a reconciler goes through."""

    clock: Clock
    reader: ClusterReader
    writer: ClusterWriter
    events: EventSink
    meter: Meter


@dataclass(slots=True)
class _Kept:
    """What is kept of one rollout between two looks; all of it can be lost without harm."""

    memory: Memory | None = None
    compiled_from: tuple[str, int] | None = None
    plan: Plan | Refusal | None = None
    told: str = ""


class Reconciler:
    """Looks at rollouts, one call per look."""

    def __init__(self, brain: Brain, doors: Doors) -> None:
        self._brain = brain
        self._doors = doors
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
            OperatorError: a read or a write failed; the memory of the rollout is dropped, so
                that the next look starts from what the cluster says.
        """
        kept = self._kept.setdefault(key, _Kept())
        resource: Resource | None = None
        try:
            resource = await self._doors.reader.resource(key)
            if resource is None:
                self.forget(key)
                return Outcome(is_gone=True)
            return await self._look(resource, kept, answer, reports)
        except OperatorError as err:
            kept.memory = None
            if isinstance(err, RefusedError) and resource is not None:
                await self._tell_refused(resource, kept, err)
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
        stored: Json = resource.manifest.get("status") or {}
        if isinstance(plan, Refusal):
            decision = self._brain.refuse(
                plan, generation=resource.generation, stored_status=stored, now=doors.clock.now()
            )
            await self._carry_out(resource, kept, decision)
            return Outcome(decision.look_again)
        snapshot = await doors.reader.snapshot(resource, plan)
        samples = answer.samples if answer and self._fits(plan, answer, snapshot, stored) else None
        if samples is not None:
            snapshot = replace(snapshot, samples=samples)
        request = Request(plan, snapshot, stored, kept.memory, doors.clock.now(), reports)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        decision = self._brain.decide(request)
        doors.meter.decision(seconds=loop.time() - begun)
        await self._carry_out(resource, kept, decision)
        status = stored if decision.status is None else decision.status
        queries = self._brain.queries(plan, snapshot, status)
        ask = self._ask(key, plan, queries, decision.state, request.now)
        LOG.debug(
            "looked", extra=fields(key, effects=len(decision.effects), sampled=samples is not None)
        )
        return Outcome(decision.look_again, ask, errands=decision.errands)

    def _ask(
        self, key: Key, plan: Plan, queries: Mapping[str, str], state: State, now: datetime
    ) -> Ask | None:
        if not queries:
            self._asking.discard(key)
            return None
        self._asking.add(key)
        pace = self._brain.pace(plan, state, now, asking=len(self._asking))
        return Ask(plan.prometheus_url, queries, pace, longest=plan.interval)

    def _fits(self, plan: Plan, answer: Answer, snapshot: Snapshot, stored: Json) -> bool:
        """Whether an answer is about what would be asked now: pods may have changed meanwhile."""
        now = self._brain.queries(plan, snapshot, stored)
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
        """Write in the order that survives a crash: objects, status, then what is only told."""
        doors, key = self._doors, resource.key
        for effect in decision.effects:
            await doors.writer.apply(key, effect)
            doors.meter.write(_kind_of(effect))
            LOG.info("wrote object", extra=fields(key, **_named(effect)))
        if decision.status is not None:
            await doors.writer.store_status(resource, decision.status)
            doors.meter.write("FaceBlurRollout")
        kept.memory, kept.told = decision.memory, ""
        for event in decision.events:
            LOG.info(
                "decided",
                extra=fields(key, reason=event.reason.value, message=event.message),
            )
        if decision.events:
            await doors.events.send(resource, decision.events)
        status = decision.status or resource.manifest.get("status") or {}
        phase = Phase(status.get("phase") or Phase.PENDING)
        doors.meter.rollout(
            key.namespace,
            key.name,
            phase=phase,
            weight=decision.state.weight,
            verdict=status.get("verdict") or "",
        )

    async def _tell_refused(self, resource: Resource, kept: _Kept, err: RefusedError) -> None:
        """Say once why the API server refuses a write: nobody reads the operator's log first."""
        if kept.told == str(err):
            return
        kept.told = str(err)
        event = Event(Reason.WRITE_REFUSED, str(err), is_warning=True)
        await self._doors.events.send(resource, (event,))


def _kind_of(effect: Effect) -> str:
    if isinstance(effect, ClearCommand):
        return "FaceBlurRollout"
    return effect.kind if isinstance(effect, Apply | Delete) else "Deployment"


def _named(effect: Effect) -> dict[str, str]:
    shown = {"verb": type(effect).__name__, "kind": _kind_of(effect)}
    if isinstance(effect, ClearCommand):
        return shown
    name = effect.manifest["metadata"]["name"] if isinstance(effect, Apply) else effect.name
    return {**shown, "object": str(name)}
