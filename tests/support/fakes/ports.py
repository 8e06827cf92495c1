"""Fakes of the small ports: the fence, the meter, the events, and Prometheus."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from faceblur_operator.api.reasons import Phase
from faceblur_operator.core.decision import Event
from faceblur_operator.core.snapshot import NoSamples, Samples, Series, Vector
from faceblur_operator.ports import Clock
from faceblur_operator.ports.cluster import Key, Resource
from faceblur_operator.ports.errors import NotLeadingError

Queries = Mapping[str, str]


@dataclass
class FakeFence:
    """Lets through while `is_leading`."""

    is_leading: bool = True

    def check(self) -> timedelta:
        if not self.is_leading:
            raise NotLeadingError("the Lease is not held")
        return timedelta(seconds=3)


@dataclass
class FakeEvents:
    """Remembers what was sent."""

    sent: list[tuple[Key, Event]] = field(default_factory=list)

    async def send(self, resource: Resource, events: tuple[Event, ...]) -> None:
        self.sent += [(resource.key, event) for event in events]


@dataclass
class FakeMeter:
    """Remembers what was measured."""

    rollouts: dict[tuple[str, str], tuple[Phase, int]] = field(default_factory=dict)
    ticks: list[tuple[float, float]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    queries: list[bool] = field(default_factory=list)
    verdicts: dict[tuple[str, str], str] = field(default_factory=dict)
    decisions: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    gates: list[str] = field(default_factory=list)
    notifications: list[tuple[str, str]] = field(default_factory=list)

    def rollout(
        self, namespace: str, name: str, *, phase: Phase, weight: int, verdict: str
    ) -> None:
        self.rollouts[namespace, name] = (phase, weight)
        self.verdicts[namespace, name] = verdict

    def forget(self, namespace: str, name: str) -> None:
        self.rollouts.pop((namespace, name), None)

    def tick(self, *, seconds: float, lateness_seconds: float) -> None:
        self.ticks.append((seconds, lateness_seconds))

    def decision(self, *, seconds: float) -> None:
        self.decisions.append(seconds)

    def write(self, kind: str) -> None:
        self.writes.append(kind)

    def query(self, *, seconds: float, is_answered: bool) -> None:
        assert seconds >= 0
        self.queries.append(is_answered)

    def gate(self, answer: str, *, seconds: float) -> None:
        assert seconds >= 0
        self.gates.append(answer)

    def notification(self, form: str, fate: str) -> None:
        self.notifications.append((form, fate))

    def error(self, kind: str) -> None:
        self.errors.append(kind)


@dataclass
class FakePrometheus:
    """Answers with a function of the queries; slow, hanging or failing at will.

    Attributes:
        answer: makes the series of an answer; a text instead is why there is none.
        latency: how long an answer takes; more than the timeout: none comes.
        asked: when it was asked, in seconds of the loop, and what.
        asked_of_past: the moments that it was asked about besides now.
        remembers: it can tell what it answered before.
    """

    clock: Clock
    answer: Callable[[Queries], Mapping[str, Sequence[Series]] | str] = lambda _: {}
    latency: timedelta = timedelta(0)
    asked: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    asked_of_past: list[datetime] = field(default_factory=list)
    remembers: bool = True
    answered: dict[datetime, dict[str, Vector]] = field(default_factory=dict)

    async def query(
        self, url: str, queries: Queries, *, timeout: timedelta, at: datetime | None = None
    ) -> Samples | NoSamples:
        now = self.clock.now()
        if at is None:
            self.asked.append((asyncio.get_running_loop().time(), dict(queries)))
        else:
            self.asked_of_past.append(at)
        await asyncio.sleep(min(self.latency, timeout).total_seconds())
        if self.latency >= timeout:
            return NoSamples(
                now, f"Prometheus {url}: no answer within {timeout.total_seconds():g} s"
            )
        known = self.answered.get(at, {}) if self.remembers and at else {}
        answer = self.answer(queries) if at is None else known
        if isinstance(answer, str):
            return NoSamples(now, f"Prometheus {url}: {answer}")
        found = {key: Vector.of(answer.get(key, ())) for key in queries}
        if at is None:
            self.answered[now] = self.answered.get(now, {}) | found
        return Samples(now, found, (at or now) if any(found.values()) else None)
