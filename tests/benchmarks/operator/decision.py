"""Decisions per second of the real core, on one core.

One rollout at 25 % with the four objectives of `examples/good-release`, one gray and three stable
pods, is looked at once a second with new samples. As in the operator, whose reader hands out the
same value while an object stays the same, all but the samples is the same from look to look.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from statistics import median
from time import process_time

from tests.benchmarks.figures import Figure
from tests.support.builders import a_plan
from tests.support.world import World, a_template, a_workload

from faceblur_operator.core import builtins
from faceblur_operator.core.decide import Request, decide
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.plan import GaugeObjective, Plan
from faceblur_operator.core.snapshot import Samples, Series, Snapshot, Vector
from faceblur_operator.wiring import look_for_garbage_less_often

TARGET = 20_000
ROUNDS = 7
LOOKS = 2_020
# So many are made before they are looked at: the operator has its samples in the cache, too.
AT_ONCE = 50
PODS = {"gray": ["gray-1"], "stable": ["stable-1", "stable-2", "stable-3"]}
PER_S = {"gray": 5, "stable": 5}


def measure() -> list[Figure]:
    """Return the figures `decision.*`, with the operator's own pauses for garbage."""
    look_for_garbage_less_often()
    plan = the_plan()
    world = _at_25(plan)
    steady = [_steady(plan, world) for _ in range(ROUNDS)]
    writing = [_with_writes(plan, world) for _ in range(ROUNDS)]
    cold = [_without_memory(plan, world) for _ in range(ROUNDS)]
    return [
        Figure(
            name="decision.steady_tick",
            value=median(steady),
            unit="1/s",
            target=TARGET,
            better="higher",
            n=ROUNDS * LOOKS,
        ),
        Figure(
            name="decision.with_writes",
            value=median(writing),
            unit="1/s",
            better="higher",
            n=ROUNDS * LOOKS,
        ),
        Figure(
            name="decision.first_look_after_a_restart",
            value=median(cold),
            unit="1/s",
            better="higher",
            n=ROUNDS * LOOKS // 10,
        ),
    ]


def the_plan() -> Plan:
    """Return a plan with the objectives of the first example."""
    latency = builtins.latency("latency", below_s=0.3, allowed=0.05, unacceptable=0.2)
    success = builtins.blur_success("success", allowed=0.01, unacceptable=0.1, max_ratio=None)
    no_worse = builtins.errors("no-worse", allowed=None, unacceptable=None, max_ratio=1.5)
    memory = builtins.memory("memory", maximum=0.9, failure_limit=3)
    objectives = (latency, success, no_worse, memory)
    return a_plan(5, 25, 100, objectives=objectives, hold=36_000)


def looks_at(world: World, plan: Plan, ticks: range) -> list[Snapshot]:
    """Return what would be seen at these seconds from now on."""
    base = world.snapshot()
    snapshots = []
    for tick in ticks:
        at = world.now + timedelta(seconds=tick)
        samples = Samples(at, _series(plan, LABELS, tick), read_at=at)
        snapshots.append(replace(base, samples=samples))
    return snapshots


def _series(
    plan: Plan, labels: dict[str, list[tuple[tuple[str, str], ...]]], tick: int
) -> dict[str, Sequence[Series]]:
    series: dict[str, Sequence[Series]] = {}
    for one in plan.objectives:
        if isinstance(one, GaugeObjective):
            series[f"{one.name}:gray:value"] = Vector(((),), (0.5,))
            continue
        for side, known in labels.items():
            total = float(PER_S[side] * (tick + 100))
            bad = total if one.bad_is_good else float(tick // 200)
            for what, value in (("total", total), ("bad", bad)):
                # As if read from an answer: each number is an object of its own.
                values = tuple(value + index for index in range(len(known)))
                series[f"{one.name}:{side}:{what}"] = Vector(tuple(known), values)
    return series


def _labels(side: str, pod: str, opted: str) -> tuple[tuple[str, str], ...]:
    labels = {
        "__name__": "faceblur_requests_total",
        "instance": f"10.0.0.{len(pod)}:5000",
        "job": "face-blur",
        "namespace": "demo",
        "opted_in": opted,
        "outcome": "success",
        "pod": pod,
        "track": side,
        "version": "1.1",
    }
    return tuple(sorted(labels.items()))


# The adapter hands out one object for equal labels.
LABELS = {
    side: [_labels(side, pod, opted) for pod in pods for opted in ("false", "true")]
    for side, pods in PODS.items()
}


def _at_25(plan: Plan) -> World:
    """Return a world in which the second step has begun."""
    quick = replace(plan, steps=tuple(replace(one, hold=timedelta(0)) for one in plan.steps))
    template = a_template()
    world = World(stable=a_workload("face-blur-stable", template))
    for _ in range(100):
        if world.weight == 25:
            return world
        world.serve(gray=200, stable=200)
        world.tick(quick, samples=_quick_samples(world, plan))
        world.settle()
    raise AssertionError(f"never at 25 %: {world.status['message']}")


def _quick_samples(world: World, plan: Plan) -> Samples:
    samples = world.samples(plan)
    series = dict(samples.series)
    for one in plan.objectives:
        if isinstance(one, GaugeObjective):
            series[f"{one.name}:gray:value"] = Vector(((),), (0.5,))
        elif one.bad_is_good:
            for side in PODS:
                series[f"{one.name}:{side}:bad"] = series[f"{one.name}:{side}:total"]
    return replace(samples, series=series)


def _steady(plan: Plan, world: World) -> float:
    """Return looks per second that find nothing to write; the clock of the status stands still."""
    memory, status = _warm(plan, world, looks_at(world, plan, range(1, 21)))
    now, seconds = world.now + timedelta(seconds=20), 0.0
    for first in range(21, LOOKS, AT_ONCE):
        snapshots = looks_at(world, plan, range(first, first + AT_ONCE))
        begun = process_time()
        for snapshot in snapshots:
            decision = decide(Request(plan, snapshot, status, memory, now))
            memory = decision.memory
        seconds += process_time() - begun
        assert (decision.status, decision.effects, decision.state.weight) == (None, (), 25)
    return (LOOKS - 20) / seconds


def _with_writes(plan: Plan, world: World) -> float:
    """Return looks per second, a second apart, of which a few store a status."""
    memory, status = _warm(plan, world, looks_at(world, plan, range(1, 21)))
    now, seconds, writes = world.now + timedelta(seconds=20), 0.0, 0
    for first in range(21, LOOKS, AT_ONCE):
        snapshots = looks_at(world, plan, range(first, first + AT_ONCE))
        begun = process_time()
        for snapshot in snapshots:
            now += timedelta(seconds=1)
            decision = decide(Request(plan, snapshot, status, memory, now))
            memory = decision.memory
            if decision.status is not None:
                status, writes = decision.status, writes + 1
        seconds += process_time() - begun
    assert writes > 0
    return (LOOKS - 20) / seconds


def _without_memory(plan: Plan, world: World) -> float:
    """Return looks per second of a process that knows nothing but the stored status."""
    snapshots = looks_at(world, plan, range(1, LOOKS // 10))
    begun = process_time()
    for snapshot in snapshots:
        decide(Request(plan, snapshot, world.status, None, world.now))
    return len(snapshots) / (process_time() - begun)


def _warm(
    plan: Plan, world: World, snapshots: Iterable[Snapshot]
) -> tuple[Memory | None, dict[str, object]]:
    """Look until the status has been written and read back."""
    memory, status, now = world.memory, world.status, world.now
    for snapshot in snapshots:
        now += timedelta(seconds=1)
        decision = decide(Request(plan, snapshot, status, memory, now))
        memory = decision.memory
        if decision.status is not None:
            status = json.loads(json.dumps(decision.status))
    return memory, status
