"""Writes what a decision wants, and goes on where the API server refuses a part of it.

A webhook, a quota or a missing right may refuse one write for ever. Traffic comes first, and must
never wait for a Deployment or for the status: what cannot be written is kept, tried again after a
rest, and the looks go on as if it had been.
"""

import logging
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from faceblur_operator.api.reasons import Phase, Reason
from faceblur_operator.core import memo
from faceblur_operator.core.decision import Decision, Event
from faceblur_operator.core.effects import Apply, ClearCommand, Delete, Effect
from faceblur_operator.core.snapshot import Json
from faceblur_operator.core.state import Stage
from faceblur_operator.engine.log import fields
from faceblur_operator.ports import Clock, ClusterReader, ClusterWriter, EventSink, Meter
from faceblur_operator.ports.cluster import Resource
from faceblur_operator.ports.errors import ClusterError, ConflictError, OperatorError, RefusedError

LOG = logging.getLogger(__name__)
# A refusal lasts until somebody changes a rule; silence, mostly, until a server is back.
REST_REFUSED = timedelta(seconds=30)
REST = timedelta(seconds=5)
# What lasts is said again after this long: events do not live for ever.
TELL_AGAIN = timedelta(minutes=10)
# So much news in so short a time: many rollouts turn bad at once, and taking the traffic of all
# wants all there is of this process.
MANY = 10
AT_ONCE = timedelta(seconds=1)
# A status waits for that: so long and only once, so that none starves.
PUT_OFF = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Doors:
    """The ports a reconciler goes through."""

    clock: Clock
    reader: ClusterReader
    writer: ClusterWriter
    events: EventSink
    meter: Meter


@dataclass(slots=True)
class Unwritten:
    """What of one rollout could not be written yet; lost with the process without harm.

    Attributes:
        status: the newest status that is not stored; None: the stored one is.
        follows: serial of the stored status that it comes after.
        events: of the decisions whose status is not stored.
        objects_at, status_at: not tried again before.
        is_put_off: the status was not refused; it waits for the traffic of other rollouts.
        told, told_at: what was said about it last, and when.
    """

    status: dict[str, Any] | None = None
    follows: int = 0
    events: tuple[Event, ...] = ()
    objects_at: datetime | None = None
    status_at: datetime | None = None
    is_put_off: bool = False
    told: str = ""
    told_at: datetime | None = None

    def over(self, stored: Json) -> Json:
        """Return the status to go on from: the one that is not stored, if it comes after this."""
        if self.status is not None and memo.serial_of(stored) != self.follows:
            # Stored after all, or somebody else writes: the cluster is right.
            self.written()
        return stored if self.status is None else self.status

    def written(self) -> None:
        """Note that no status is left to be stored."""
        self.status, self.status_at, self.is_put_off = None, None, False

    def waits(self, now: datetime) -> timedelta | None:
        """Return how long the status still waits for the traffic of others; None: not at all.

        A clock that was set back makes nobody wait longer.
        """
        if not self.is_put_off or self.status_at is None:
            return None
        left = self.status_at - now
        return left if timedelta(0) < left <= PUT_OFF else None

    def is_resting(self, now: datetime) -> bool:
        """Whether the status is not to be tried now."""
        if self.is_put_off:
            return self.waits(now) is not None
        return _is_ahead(self.status_at, now)

    def rest(self, now: datetime) -> timedelta | None:
        """Return when something has to be tried again, None when all is written."""
        ends = [end for end in (self.objects_at, self.status_at) if end is not None]
        if not ends:
            return None
        return min(ends) - now if _is_ahead(min(ends), now) else timedelta(0)


class Writing:
    """Carries decisions out."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        # When there was news in statuses that can wait, the latest last.
        self._news: deque[datetime] = deque()

    async def carry_out(self, resource: Resource, unwritten: Unwritten, decision: Decision) -> None:
        """Write in the order that survives a crash: objects, status, then what is only told.

        Raises:
            OperatorError: traffic could not be written, or what was read is not true any more.
                Nothing after it was written then.
        """
        now = self._doors.clock.now()
        known: Json = unwritten.status or resource.manifest.get("status") or {}
        troubles = (
            await self._objects(resource, unwritten, decision, now),
            await self._status(resource, unwritten, decision, now),
        )
        _log(resource, known, decision)
        unwritten.events += decision.events
        if unwritten.status is None and unwritten.events:
            events, unwritten.events = unwritten.events, ()
            await self._doors.events.send(resource, events)
        self._show(resource, unwritten, decision)
        for err in filter(None, troubles):
            await self.tell(resource, unwritten, err)
        if unwritten.rest(now) is None:
            unwritten.told = ""

    async def tell(self, resource: Resource, unwritten: Unwritten, err: OperatorError) -> None:
        """Say why a write is not done: nobody reads the operator's log first."""
        now = self._doors.clock.now()
        self._doors.meter.error(type(err).__name__)
        LOG.warning("not written, trying again", extra=fields(resource.key, error=str(err)))
        told_at = unwritten.told_at
        is_old = told_at is None or not timedelta(0) <= now - told_at < TELL_AGAIN
        if unwritten.told == str(err) and not is_old:
            return
        unwritten.told, unwritten.told_at = str(err), now
        event = Event(Reason.WRITE_REFUSED, str(err), is_warning=True)
        await self._doors.events.send(resource, (event,))

    async def _objects(
        self, resource: Resource, unwritten: Unwritten, decision: Decision, now: datetime
    ) -> ClusterError | None:
        """Write what shall exist; return why a part of it could not be."""
        trouble = None
        if not _is_ahead(unwritten.objects_at, now):
            unwritten.objects_at = None
        for effect in decision.effects:
            if isinstance(effect, ClearCommand) and unwritten.status is not None:
                # What it would make the cluster forget is not stored yet.
                continue
            is_traffic = _kind_of(effect) == "Ingress"
            if not is_traffic and unwritten.objects_at is not None:
                continue
            try:
                await self._doors.writer.apply(resource.key, effect)
            except ConflictError:
                raise
            except ClusterError as err:
                if is_traffic:
                    raise
                unwritten.objects_at, trouble = now + _rest_after(err), err
                continue
            self._doors.meter.write(_kind_of(effect))
            LOG.info("wrote object", extra=fields(resource.key, **_named(effect)))
        return trouble

    async def _status(
        self, resource: Resource, unwritten: Unwritten, decision: Decision, now: datetime
    ) -> ClusterError | None:
        """Store the newest status there is; return why it could not be."""
        trouble, status = None, decision.status or unwritten.status
        if status is None:
            return None
        if unwritten.status is None and _can_wait(decision) and self._is_one_of_many(now):
            unwritten.status_at, unwritten.is_put_off = now + PUT_OFF, True
        if not unwritten.is_resting(now):
            try:
                await self._doors.writer.store_status(resource, status)
            except ConflictError:
                raise
            except ClusterError as err:
                unwritten.status_at, trouble = now + _rest_after(err), err
                unwritten.is_put_off = False
            else:
                unwritten.written()
                self._doors.meter.write("FaceBlurRollout")
                return None
        unwritten.status = status
        unwritten.follows = memo.serial_of(resource.manifest.get("status") or {})
        return trouble

    def _is_one_of_many(self, now: datetime) -> bool:
        """Note that there is news of a rollout; return whether there was of many just before."""
        news = self._news
        while news and not timedelta(0) <= now - news[0] < AT_ONCE:
            news.popleft()
        news.append(now)
        return len(news) > MANY

    def _show(self, resource: Resource, unwritten: Unwritten, decision: Decision) -> None:
        stored: Json = resource.manifest.get("status") or {}
        status = decision.status or unwritten.over(stored)
        self._doors.meter.rollout(
            resource.key.namespace,
            resource.key.name,
            phase=Phase(status.get("phase") or Phase.PENDING),
            weight=decision.memory.settled.weight,
            verdict=status.get("verdict") or "",
        )


def _log(resource: Resource, known: Json, decision: Decision) -> None:
    """Log what was decided beyond what a status knows, with its evidence, and what is told."""
    fresh = (decision.status or {}).get("decisions") or ()
    # Nearly every look decides nothing that has to be told.
    before = {_which(one) for one in known.get("decisions") or ()} if fresh else set()
    for one in fresh:
        if _which(one) not in before:
            said = {name: value for name, value in one.items() if name != "time"}
            LOG.info("decided", extra=fields(resource.key, **said))
    for event in decision.events:
        said = {"reason": event.reason.value, "message": event.message}
        LOG.info("told", extra=fields(resource.key, **said))


def _which(entry: Json) -> tuple[object, ...]:
    """Return what tells one entry of `decisions[]` from another."""
    return tuple(entry.get(name) for name in ("time", "action", "reason", "count"))


def _can_wait(decision: Decision) -> bool:
    """Whether a status tells of doubts, or of a rollback whose traffic write is done."""
    stage = decision.memory.settled.stage
    if stage is Stage.ROLLING_BACK:
        return any(_kind_of(effect) == "Ingress" for effect in decision.effects)
    return stage is Stage.STEPPING and not decision.effects


def _is_ahead(at: datetime | None, now: datetime) -> bool:
    """Whether the end of a rest is still to come; a clock that was set back prolongs none."""
    return at is not None and timedelta(0) < at - now <= REST_REFUSED


def _rest_after(err: ClusterError) -> timedelta:
    return REST_REFUSED if isinstance(err, RefusedError) else REST


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
