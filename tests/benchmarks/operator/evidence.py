"""How often the evidence errs, and how long it takes, over many simulated releases.

`evidence.false_rollback.*`: releases of good versions that were rolled back, at most α.
`evidence.bad_promotion.*`: releases of versions exactly as bad as unacceptable that were promoted,
at most β. `evidence.rollback_s.*`: median time to roll a bad version back, beside the rules of
Flagger and Argo at the same traffic.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from os import sched_getaffinity
from statistics import median

import numpy as np
from tests.benchmarks.figures import Figure
from tests.benchmarks.operator import bounds, peers
from tests.benchmarks.operator.traffic import (
    ABSOLUTE,
    ALPHA,
    BETA,
    COMPARED,
    FINE_LADDER,
    RATIO,
    Run,
    Scenario,
    drifting,
    outage,
    plan_of,
    steady,
)

from faceblur_operator.core.plan import Objective

RUNS = 100_000
SPEED_RUNS = 400
RPS = (0.2, 1.0, 10.0, 100.0, 1_000.0, 10_000.0)
AT_ONCE = 100
# What is not rolled back counts as this long: longer than every run.
NEVER_S = 3_600.0

GOOD = (
    Scenario("clean", steady(0.002, 0.002)),
    Scenario("at_the_limit", steady(0.01, 0.002), (ABSOLUTE,)),
    Scenario("at_the_ratio", steady(0.02 * RATIO, 0.02), (COMPARED,)),
    Scenario("drifting_base", drifting(), (COMPARED,)),
    Scenario("outage_5", outage(0.05)),
    Scenario("outage_30", outage(0.3)),
    Scenario("outage_100", outage(1.0)),
)
BAD = (
    Scenario("unacceptable", steady(0.05, 0.002)),
    Scenario("unacceptable_like_stable", steady(0.05, 0.05), (ABSOLUTE,)),
    Scenario("unacceptable_low_traffic", steady(0.05, 0.002), (ABSOLUTE,), ticks=240),
)
# A log-normal latency whose P95 is 200 ms has 0.7 % of its answers above 300 ms; at 400 ms 14.3 %.
SLOW, FAST = 0.143, 0.007
LATENCY = replace(ABSOLUTE, name="latency", allowed=0.05, unacceptable=0.10)


@dataclass(frozen=True, slots=True)
class Cell:
    """One comparison: how bad, at how many requests a second, and how much faster is promised."""

    name: str
    rate: float
    stable: float
    rps: float
    at_least: float = 0.99
    share_of_theirs: float = 1.0
    objectives: tuple[Objective, ...] = (ABSOLUTE, COMPARED)


CELLS = (
    *(Cell(f"all_bad.{rps:g}rps", 1.0, 0.002, rps, share_of_theirs=0.2) for rps in (20, 100, 1000)),
    *(Cell(f"20pc.{rps:g}rps", 0.2, 0.002, rps, share_of_theirs=0.2) for rps in (20, 100, 1000)),
    *(Cell(f"5pc.{rps:g}rps", 0.05, 0.002, rps) for rps in (20, 100, 1000)),
    *(Cell(f"2pc.{rps:g}rps", 0.02, 0.002, rps) for rps in (20, 100, 1000)),
    *(
        Cell(f"p95_400ms.{rps:g}rps", SLOW, FAST, rps, at_least=0.95, objectives=(LATENCY,))
        for rps in (20, 100, 1000)
    ),
)


def measure(runs: int = RUNS, speed_runs: int = SPEED_RUNS) -> list[Figure]:
    """Return the figures `evidence.*`, with about this many releases in all."""
    each = -(-runs // (len(RPS) * (len(GOOD) + len(BAD))))
    with ProcessPoolExecutor(len(sched_getaffinity(0))) as pool:
        ends = dict(_counted(pool, each))
        figures = [
            *_errors(ends, GOOD, "false_rollback", "rolled back", ALPHA),
            *_errors(ends, BAD, "bad_promotion", "promoted", BETA),
        ]
        times = list(pool.map(_times, CELLS, [speed_runs] * len(CELLS)))
    for cell, (ours, flagger, argo) in zip(CELLS, times, strict=True):
        best = min(flagger, argo)
        name = f"evidence.rollback_s.{cell.name}"
        target = best * cell.share_of_theirs
        figures += [
            Figure(name=name, value=ours, unit="s", target=target, n=speed_runs),
            Figure(name=f"{name}.flagger_rule", value=flagger, unit="s", n=speed_runs),
            Figure(name=f"{name}.argo_rule", value=argo, unit="s", n=speed_runs),
        ]
    total = sum(sum(found.values()) for found in ends.values())
    return [Figure(name="evidence.releases", value=total, unit="", better="higher"), *figures]


def _errors(
    ends: dict[tuple[str, float], Counter[str]],
    scenarios: tuple[Scenario, ...],
    what: str,
    wrong: str,
    allowed: float,
) -> Iterator[Figure]:
    """Return for each kind of release the share that ended wrongly, and its exact interval."""
    for scenario in scenarios:
        found = sum((ends[scenario.name, rps] for rps in RPS), Counter[str]())
        n, count = sum(found.values()), found[wrong]
        name = f"evidence.{what}.{scenario.name}"
        yield Figure(name=name, value=count / n, unit="", target=allowed, n=n)
        yield Figure(name=f"{name}.low", value=bounds.lower(count, n), unit="", n=n)
        yield Figure(name=f"{name}.high", value=bounds.upper(count, n), unit="", n=n)
        worst = max(RPS, key=lambda rps: ends[scenario.name, rps][wrong])
        cell = ends[scenario.name, worst]
        share = cell[wrong] / sum(cell.values())
        yield Figure(name=f"{name}.worst_rps_{worst:g}", value=share, unit="", n=sum(cell.values()))


def _counted(
    pool: ProcessPoolExecutor, each: int
) -> Iterator[tuple[tuple[str, float], Counter[str]]]:
    jobs = [(scenario, rps) for scenario in (*GOOD, *BAD) for rps in RPS]
    parts = [
        (scenario.name, rps, range(first, min(first + AT_ONCE, each)))
        for scenario, rps in jobs
        for first in range(0, each, AT_ONCE)
    ]
    found: dict[tuple[str, float], Counter[str]] = {}
    answers = pool.map(_ends, *zip(*parts, strict=True))
    for (name, rps, _), ends in zip(parts, answers, strict=True):
        found.setdefault((name, rps), Counter()).update(ends)
    yield from found.items()


def _named(name: str) -> Scenario:
    return next(one for one in (*GOOD, *BAD) if one.name == name)


def _ends(name: str, rps: float, seeds: range) -> Counter[str]:
    scenario = _named(name)
    plan = plan_of(scenario)
    return Counter(Run(scenario, plan, rps, (seed, int(rps * 10))).end().end for seed in seeds)


def _times(cell: Cell, runs: int) -> tuple[float, float, float]:
    """Return the median seconds to a rollback: ours, Flagger's rule, Argo's rule."""
    scenario = Scenario(
        cell.name,
        steady(cell.rate, cell.stable),
        cell.objectives,
        ticks=400,
        ladder=FINE_LADDER,
    )
    plan = plan_of(scenario)
    ours = [Run(scenario, plan, cell.rps, (seed, 7)).end() for seed in range(runs)]
    chance = np.random.default_rng(11)
    weights = tuple(weight for weight in FINE_LADDER if weight < 100)
    flagger, argo = (
        median(
            NEVER_S if seconds is None else seconds
            for seconds in (
                rule(chance, cell.rps, cell.rate, weights, at_least=cell.at_least)
                for _ in range(runs)
            )
        )
        for rule in (peers.flagger, peers.argo)
    )
    times = [one.seconds if one.end == "rolled back" else NEVER_S for one in ours]
    return median(times), flagger, argo
