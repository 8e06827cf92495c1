"""Runs the cases of the rollback benchmark again and again, and makes figures of what was seen."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from math import ceil
from statistics import median

from tests.benchmarks.figures import FOLDER, Figure
from tests.benchmarks.rollback.cases import CASES, Case, Run
from tests.benchmarks.rollback.scene import Scene, a_scene

PARTS = ("decision", "zero", "last_gray", "first_gray", "rolled_back")


def measure(runs: int, names: Sequence[str] = ()) -> list[Figure]:
    """Return the figures `rollback.*`, each over so many runs; of some cases only, if named."""
    cases = [one for one in CASES if not names or one.name in names]
    figures: list[Figure] = []
    with a_scene(FOLDER / "rollback") as scene:
        # Cases that ask the same Prometheus stand side by side, so that the operator goes on.
        for scrape_s in dict.fromkeys(one.scrape_s for one in cases):
            with scene.judged_every(scrape_s):
                for case in (one for one in cases if one.scrape_s == scrape_s):
                    figures += figures_of(case, _repeat(runs, scene, case))
    return figures


def figures_of(case: Case, runs: Sequence[Run | None]) -> list[Figure]:
    """Return the figures of one case; a run that came to no end is None."""
    ended = [one for one in runs if one is not None]
    where = f"rollback.{case.name}"
    figures = []
    for part in PARTS:
        values = sorted(x for x in (getattr(run, part) for run in ended) if x is not None)
        if not values:
            continue
        middle, worst = case.targets.get(part, (None, None))
        p99 = values[ceil(len(values) * 0.99) - 1]
        for name, value, target in (("p50", median(values), middle), ("p99", p99, worst)):
            name = f"{where}.{part}.{name}"
            figures.append(Figure(name=name, value=value, unit="s", target=target, n=len(values)))
    counts = [run.failures for run in ended if run.failures is not None]
    if counts:
        # Pods that lose readiness still answer, and nothing is wrong in a promotion: nothing fails.
        target = 0 if case.name in ("unready", "promotion") else None
        name = f"{where}.failures_per_run"
        figures.append(
            Figure(
                name=name, value=sum(counts) / len(counts), unit="", target=target, n=len(counts)
            )
        )
    requests = sum(run.requests or 0 for run in ended)
    if requests:
        figures.append(
            Figure(
                name=f"{where}.requests",
                value=requests,
                unit="",
                target=case.least_requests or None,
                better="higher",
                n=len(ended),
            )
        )
    missed = len(runs) - len(ended)
    if missed:
        name = f"{where}.runs_without_an_end"
        figures.append(Figure(name=name, value=missed, unit="", target=0, n=len(runs)))
    return figures


def _repeat(runs: int, scene: Scene, case: Case) -> list[Run | None]:
    done: list[Run | None] = []
    with _cleared(scene):
        while not _is_enough(done, runs, case):
            try:
                done.append(case.run(scene))
            except AssertionError as error:
                # A run that never ends is a result too, and must not cost those before it.
                sys.stderr.write(f"rollback {case.name}: {error}\n")
                done.append(None)
            sys.stderr.write(f"rollback {case.name} {len(done)} of {runs} or more: {done[-1]}\n")
            if done[-1] is None or not case.keeps_pods:
                scene.clear()
    return done


def _is_enough(done: Sequence[Run | None], runs: int, case: Case) -> bool:
    """Whether the case ran often enough; a single run is a smoke test."""
    if len(done) < runs or runs == 1:
        return len(done) >= runs
    # Runs without an end bring no requests, and must not go on for ever.
    is_over = len(done) >= 3 * runs
    return is_over or sum(one.requests or 0 for one in done if one) >= case.least_requests


@contextlib.contextmanager
def _cleared(scene: Scene) -> Iterator[None]:
    try:
        yield
    finally:
        scene.clear()
