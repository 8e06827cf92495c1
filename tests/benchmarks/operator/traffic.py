"""Simulated rollouts through the real rules of the core: evidence, verdicts, weights.

Each run drives `core.analysis.analyse` and `core.lifecycle.advance` with raw counters of one gray
and two stable pods. Each pod is scraped every five seconds at a time of its own, and Prometheus is
asked as soon as `core.analysis.pace` says. What is left out of `decide` is what reads and writes
the cluster: gray is always ready, and nothing is written.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log

import numpy as np
from tests.support.builders import a_plan, a_ratio
from tests.support.world import START, World, a_workload

from faceblur_operator.core.analysis import Looks, analyse, is_analysing, pace
from faceblur_operator.core.lifecycle import advance
from faceblur_operator.core.plan import Objective, Plan
from faceblur_operator.core.snapshot import Samples, Snapshot, Vector
from faceblur_operator.core.state import Stage, State
from faceblur_operator.core.view import View

# Times are whole milliseconds, so that what happens at the same time is the same number.
SECOND = 1_000
# How often each pod is scraped and, while nothing hurries, Prometheus is asked.
TICK = 5 * SECOND
ALPHA = BETA = 0.01
ALLOWED, UNACCEPTABLE, RATIO = 0.01, 0.05, 1.5
ABSOLUTE = a_ratio(allowed=ALLOWED, unacceptable=UNACCEPTABLE)
COMPARED = a_ratio("no-worse", allowed=None, unacceptable=None, max_ratio=RATIO)
LADDER = (5, 25, 50, 100)
# The ladder of the measurements that the peers' rules are compared by.
FINE_LADDER = (*range(5, 55, 5), 100)
# Three steps of a minute each come first.
BEFORE_100 = 3 * 60 * SECOND // TICK

GRAY_PODS = ("gray-1",)
STABLE_PODS = ("stable-1", "stable-2")

Rates = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of release.

    Attributes:
        rates: makes gray's and stable's share of bad answers for each tick.
        objectives: what they are judged by.
        ticks: after so many the run ends undecided.
    """

    name: str
    rates: Rates
    objectives: tuple[Objective, ...] = (ABSOLUTE, COMPARED)
    ticks: int = 120
    ladder: tuple[int, ...] = LADDER
    hold_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: `promoted`, `rolled back` or `undecided`, when, and the highest weight."""

    end: str
    seconds: float
    weight: int


def steady(gray: float, stable: float) -> Rates:
    """Return rates that stay as they are."""
    return lambda _, ticks: (np.full(ticks, gray), np.full(ticks, stable))


def drifting() -> Rates:
    """Return the same rate on both sides, wandering between 0.05 % and 30 %."""

    def rates(chance: np.random.Generator, ticks: int) -> tuple[np.ndarray, np.ndarray]:
        walk = log(0.01) + np.cumsum(chance.normal(0.0, 0.25, ticks))
        both = np.exp(np.clip(walk, log(0.0005), log(0.3)))
        return both, both

    return rates


def outage(share: float, minutes: float = 5.0) -> Rates:
    """Return two good versions that both suffer for a while, before 100 % can be reached.

    At 100 % no stable is left to compare with, so there nobody can tell an outage from a bad gray.
    """

    def rates(chance: np.random.Generator, ticks: int) -> tuple[np.ndarray, np.ndarray]:
        both = np.full(ticks, 0.002)
        begin = int(chance.integers(0, 30))
        both[begin : min(begin + int(minutes * 60 * SECOND / TICK), BEFORE_100)] = share
        return both, both

    return rates


def plan_of(scenario: Scenario) -> Plan:
    """Return the plan of a scenario."""
    return replace(
        a_plan(*scenario.ladder, hold=scenario.hold_s, objectives=scenario.objectives),
        interval=timedelta(milliseconds=TICK),
        false_rollback=ALPHA,
        bad_promotion=BETA,
        no_data_rollback_after=None,
    )


@dataclass(slots=True)
class Pod:
    """Counters of one pod, and what Prometheus knows of them.

    Attributes:
        scrape: when it is scraped next.
    """

    name: str
    scrape: int
    total: int = 0
    bad: int = 0
    scraped: tuple[int, int] = (0, 0)

    def serve(
        self, chance: np.random.Generator, begin: int, end: int, rps: float, rates: np.ndarray
    ) -> None:
        """Answer for a while; `rates` are the shares of bad answers, one for each tick."""
        while begin < end:
            until = min(end, (begin // TICK + 1) * TICK, self.scrape)
            count = chance.poisson(rps * (until - begin) / SECOND) if rps else 0
            if count:
                rate = rates[min(begin // TICK, len(rates) - 1)]
                self.total, self.bad = self.total + count, self.bad + chance.binomial(count, rate)
            if until == self.scrape:
                self.scraped, self.scrape = (self.total, self.bad), self.scrape + TICK
            begin = until


class Run:
    """One simulated release."""

    def __init__(self, scenario: Scenario, plan: Plan, rps: float, seed: tuple[int, ...]) -> None:
        self._chance = np.random.default_rng(seed)
        self._plan, self._rps, self._until = plan, rps, scenario.ticks * TICK
        self._rates = scenario.rates(self._chance, scenario.ticks)
        self._gray, self._stable = self._pods(GRAY_PODS), self._pods(STABLE_PODS)
        self._snapshot = _snapshot(plan)

    def end(self) -> Outcome:
        """Run to the end."""
        at, now = 0, START
        state = _begun(self._plan, self._view(now))
        seen: Looks = {}
        highest = state.weight
        while at < self._until:
            if is_analysing(state):
                state, seen = analyse(self._plan, state, self._samples(now), seen)
            state = advance(state, self._view(now))
            highest = max(highest, state.weight)
            if state.stage is Stage.ROLLING_BACK:
                return Outcome("rolled back", at / SECOND, highest)
            if state.stage is Stage.PROMOTING:
                return Outcome("promoted", at / SECOND, highest)
            ahead = pace(self._plan, state, now)
            until = at + ahead // timedelta(milliseconds=1)
            self._serve(at, until, state.weight / 100)
            at, now = until, now + ahead
        return Outcome("undecided", at / SECOND, highest)

    def _pods(self, names: tuple[str, ...]) -> tuple[Pod, ...]:
        return tuple(Pod(name, int(self._chance.integers(1, TICK))) for name in names)

    def _serve(self, begin: int, end: int, share: float) -> None:
        sides = ((self._gray, share), (self._stable, 1 - share))
        for (pods, part), rates in zip(sides, self._rates, strict=True):
            for pod in pods:
                pod.serve(self._chance, begin, end, self._rps * part / len(pods), rates)

    def _samples(self, now: datetime) -> Samples:
        series: dict[str, Vector] = {}
        for side, pods in (("gray", self._gray), ("stable", self._stable)):
            for index, what in enumerate(("total", "bad")):
                labels = tuple((("pod", pod.name),) for pod in pods)
                found = Vector(labels, tuple(pod.scraped[index] for pod in pods))
                for one in self._plan.objectives:
                    series[f"{one.name}:{side}:{what}"] = found
        return Samples(now, series)

    def _view(self, now: datetime) -> View:
        return View(
            plan=self._plan,
            snapshot=self._snapshot,
            now=now,
            revision="r",
            is_released=False,
            gray_is_current=True,
            stable_image="stable",
            previous=None,
            problem=None,
        )


def _snapshot(plan: Plan) -> Snapshot:
    world = World()
    assert world.stable is not None
    gray = a_workload(plan.gray_deployment, dict(world.stable.template), replicas=10)
    return replace(world.snapshot(), gray=gray, gray_service=world.stable_service)


def _begun(plan: Plan, view: View) -> State:
    """Return the state in which the first weight has just been set."""
    fresh = State(stage=Stage.STEPPING, revision="r", image=plan.image, since=START, capacity=1)
    return advance(fresh, view)
