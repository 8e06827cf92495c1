"""Simulated rollouts through the real rules of the core: evidence, verdicts, weights.

Each run drives `core.analysis.analyse` and `core.lifecycle.advance` with raw counters, one gray
and two stable pods, as a scrape every five seconds would show them. What is left out of `decide`
is what reads and writes the cluster: gray is always ready, and nothing is written.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log

import numpy as np
from tests.support.builders import a_plan, a_ratio
from tests.support.world import START, World, a_workload

from faceblur_operator.core.analysis import Looks, analyse, is_analysing
from faceblur_operator.core.lifecycle import advance
from faceblur_operator.core.plan import Objective, Plan
from faceblur_operator.core.snapshot import Samples, Series, Snapshot
from faceblur_operator.core.state import Stage, State
from faceblur_operator.core.view import View

TICK_S = 5.0
ALPHA = BETA = 0.01
ALLOWED, UNACCEPTABLE, RATIO = 0.01, 0.05, 1.5
ABSOLUTE = a_ratio(allowed=ALLOWED, unacceptable=UNACCEPTABLE)
COMPARED = a_ratio("no-worse", allowed=None, unacceptable=None, max_ratio=RATIO)
LADDER = (5, 25, 50, 100)
# The ladder of the measurements that the peers' rules are compared by.
FINE_LADDER = (*range(5, 55, 5), 100)
# Three steps of a minute each come first.
BEFORE_100 = int(3 * 60 / TICK_S)

GRAY_PODS = ((("pod", "gray-1"),),)
STABLE_PODS = ((("pod", "stable-1"),), (("pod", "stable-2"),))

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
        both[begin : min(begin + int(minutes * 60 / TICK_S), BEFORE_100)] = share
        return both, both

    return rates


def plan_of(scenario: Scenario) -> Plan:
    """Return the plan of a scenario."""
    return replace(
        a_plan(*scenario.ladder, hold=scenario.hold_s, objectives=scenario.objectives),
        interval=timedelta(seconds=TICK_S),
        false_rollback=ALPHA,
        bad_promotion=BETA,
        no_data_rollback_after=None,
    )


@dataclass(slots=True)
class Counters:
    """Raw counters of one side; events fall on its pods evenly."""

    labels: tuple[tuple[tuple[str, str], ...], ...]
    total: float = 0.0
    bad: float = 0.0

    def add(self, total: int, bad: int) -> None:
        self.total += total
        self.bad += bad

    def series(self, value: float) -> tuple[Series, ...]:
        share, rest = divmod(value, len(self.labels))
        first = Series(self.labels[0], share + rest)
        return (first, *(Series(one, share) for one in self.labels[1:]))


class Run:
    """One simulated release."""

    def __init__(self, scenario: Scenario, plan: Plan, rps: float, seed: tuple[int, ...]) -> None:
        self._chance = np.random.default_rng(seed)
        self._plan, self._rps, self._ticks = plan, rps, scenario.ticks
        self._rates = scenario.rates(self._chance, scenario.ticks)
        self._gray, self._stable = Counters(GRAY_PODS), Counters(STABLE_PODS)
        self._snapshot = _snapshot(plan)

    def end(self) -> Outcome:
        """Run to the end."""
        now = START
        state = _begun(self._plan, self._view(now))
        seen: Looks = {}
        first_traffic, highest = now, state.weight
        _, seen = analyse(self._plan, state, self._samples(now), seen)
        for tick in range(self._ticks):
            now += timedelta(seconds=TICK_S)
            self._serve(tick, state.weight / 100)
            if is_analysing(state):
                state, seen = analyse(self._plan, state, self._samples(now), seen)
            state = advance(state, self._view(now))
            highest = max(highest, state.weight)
            if state.stage is Stage.ROLLING_BACK:
                return Outcome("rolled back", (now - first_traffic).total_seconds(), highest)
            if state.stage is Stage.PROMOTING:
                return Outcome("promoted", (now - first_traffic).total_seconds(), highest)
        return Outcome("undecided", (now - first_traffic).total_seconds(), highest)

    def _serve(self, tick: int, share: float) -> None:
        chance, requests = self._chance, self._rps * TICK_S
        gray_rate, stable_rate = self._rates[0][tick], self._rates[1][tick]
        for side, mean, rate in (
            (self._gray, requests * share, gray_rate),
            (self._stable, requests * (1 - share), stable_rate),
        ):
            total = chance.poisson(mean) if mean else 0
            side.add(total, chance.binomial(total, rate) if total else 0)

    def _samples(self, now: datetime) -> Samples:
        series: dict[str, tuple[Series, ...]] = {}
        for name, side in (("gray", self._gray), ("stable", self._stable)):
            bad, total = side.series(side.bad), side.series(side.total)
            for one in self._plan.objectives:
                series[f"{one.name}:{name}:bad"] = bad
                series[f"{one.name}:{name}:total"] = total
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
