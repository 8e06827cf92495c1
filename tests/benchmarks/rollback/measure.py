"""The runs of the rollback benchmark and what is read off them.

Every time is taken where a peer's was taken: "zero" is weight 0 seen by a watch of the Ingress,
"last gray" the end of the last answer of gray to a client through Traefik.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

from tests.benchmarks.figures import FOLDER, Figure
from tests.benchmarks.rollback.scene import (
    FIRST_WEIGHT,
    Scene,
    a_scene,
    real_prometheus,
    scripted,
)
from tests.benchmarks.rollback.witness import WITHIN
from tests.demo.photos import small_photos
from tests.support.answers import Answer, failed
from tests.support.eventually import eventually
from tests.support.installation import VERSION_GRAY
from tests.support.load import Load, Question

RATE = 16.0
SUCCESS = {"name": "success", "builtin": "blurSuccess", "atLeast": "99%", "unacceptable": "90%"}
ONLY_500 = {"name": "FACEBLUR_FAULT", "value": json.dumps({"errorRate": 1.0})}
CRASH = {"name": "FACEBLUR_SLOTS", "value": "none"}
# What Traefik may need after the Ingress has changed, and what was on its way.
SETTLED_S = 3.0


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds from the beginning of the trouble, None where it does not apply."""

    decision: float | None = None
    zero: float | None = None
    last_gray: float | None = None
    failures: int | None = None
    first_gray: float | None = None
    rolled_back: float | None = None


def measure(runs: int) -> list[Figure]:
    """Return the figures `rollback.*`, each over so many runs."""
    figures: list[Figure] = []
    with a_scene(FOLDER / "rollback") as scene:
        with scripted(scene):
            figures += _figures("flip", _repeat(runs, scene, _flip), TARGETS["flip"])
            for name, case in (("crash", _crash), ("pull", _not_pullable), ("unready", _unready)):
                figures += _figures(name, _repeat(runs, scene, case), TARGETS[name])
        with scene.operator(real_prometheus(scene)):
            figures += _figures("real.1s", _repeat(runs, scene, _only_500), TARGETS["real.1s"])
    return figures


# Of docs/design: what is promised, by case and by what is measured; p50 and p99.
TARGETS: dict[str, dict[str, tuple[float | None, float | None]]] = {
    "flip": {"zero": (0.6, 1.3), "last_gray": (0.9, 1.8), "first_gray": (1.0, None)},
    "crash": {"rolled_back": (2.0, None)},
    "pull": {"rolled_back": (2.0, None)},
    "unready": {"zero": (1.0, None)},
    "real.1s": {"zero": (1.3, None)},
}


def _repeat(runs: int, scene: Scene, case: Callable[[Scene], Run]) -> list[Run]:
    done = []
    for number in range(1, runs + 1):
        try:
            done.append(case(scene))
        finally:
            scene.clear()
        name = case.__name__.strip("_")
        sys.stderr.write(f"rollback {name} {number}/{runs}: {done[-1]}\n")
    return done


def _flip(scene: Scene) -> Run:
    """Prometheus' answer turns bad while everything else stays as it was."""
    scene.script.counted.bad_share = 0.0
    with Load(scene.page, rate=25) as load:
        asked = scene.release(image=VERSION_GRAY, slo=SUCCESS)
        ready = scene.pods.first("ready", asked)
        scene.weights.first(str(FIRST_WEIGHT), asked)
        first_gray = _first_gray(load)
        _pass_time(2 + random.random())  # ticks and flips must not keep step
        begin = time.monotonic()
        scene.script.counted.bad_share = 0.5
        run = _until_zero(scene, load, begin)
    return Run(**{**_fields(run), "first_gray": max(first_gray - ready, 0.0)})


def _only_500(scene: Scene) -> Run:
    """Gray fails every picture from its first on; Prometheus, service and load are real."""
    bodies = small_photos()
    with Load(Question(f"{scene.web}/api/v1/blur", bodies=bodies), rate=RATE) as load:
        asked = scene.release(image=VERSION_GRAY, slo=SUCCESS, env=[ONLY_500])
        scene.weights.first(str(FIRST_WEIGHT), asked)
        begin = _first_gray(load)
        return _until_zero(scene, load, begin)


def _unready(scene: Scene) -> Run:
    """Gray's only pod loses readiness at 30 %, and still answers what reaches it."""
    with Load(scene.page, rate=RATE) as load:
        asked = scene.release(image=VERSION_GRAY, slo=SUCCESS)
        scene.weights.first(str(FIRST_WEIGHT), asked)
        _first_gray(load)
        pod = scene.kubectl("get", "pods", "-l=faceblur.dev/track=gray", "-o=name").strip()
        # It serves on for its drain time, as at any end, and says that it is not ready.
        now = time.monotonic()
        scene.kubectl("exec", pod, "--", "python", "-c", "import os; os.kill(1, 15)")
        begin = scene.pods.first("unready", now)
        return _until_zero(scene, load, begin)


def _crash(scene: Scene) -> Run:
    """Gray ends at its start, again and again."""
    asked = scene.release(image=VERSION_GRAY, slo=SUCCESS, env=[CRASH])
    begin = scene.pods.first("CrashLoopBackOff", asked)
    return Run(rolled_back=scene.phases.first("RolledBack", asked) - begin)


def _not_pullable(scene: Scene) -> Run:
    """Gray's image does not exist."""
    asked = scene.release(image="ai-face-blur:none-such", slo=SUCCESS)
    begin = scene.pods.first("not pullable", asked)
    return Run(rolled_back=scene.phases.first("RolledBack", asked) - begin)


def _until_zero(scene: Scene, load: Load, begin: float) -> Run:
    zero = scene.weights.first("0", begin)
    decision = scene.phases.first("RollingBack", begin)
    _pass_time(SETTLED_S)
    answers = [one for one in load.answers if one.ended >= begin]
    gray = [one.ended for one in answers if one.is_gray]
    return Run(
        decision=decision - begin,
        zero=zero - begin,
        last_gray=max(gray, default=begin) - begin,
        failures=len(failed(answers)),
    )


def _first_gray(load: Load) -> float:
    """Wait for the first answer of gray; return when it was there."""

    def found() -> list[Answer]:
        return [one for one in load.answers if one.is_gray]

    return eventually(found, bool, within=WITHIN, what="gray answers", every_s=0.02)[0].ended


def _pass_time(seconds: float) -> None:
    """Let load run: the time itself is what is wanted, there is nothing to wait for."""
    time.sleep(seconds)


def _fields(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in Run.__slots__}


def _figures(
    name: str, runs: Sequence[Run], targets: dict[str, tuple[float | None, float | None]]
) -> list[Figure]:
    figures = []
    for part in ("decision", "zero", "last_gray", "first_gray", "rolled_back"):
        values = sorted(x for x in (getattr(run, part) for run in runs) if x is not None)
        if not values:
            continue
        middle, worst = targets.get(part, (None, None))
        p99 = values[max(ceil(len(values) * 0.99), 1) - 1]
        where = f"rollback.{name}.{part}"
        figures += [
            Figure(name=f"{where}.p50", value=median(values), unit="s", target=middle, n=len(runs)),
            Figure(name=f"{where}.p99", value=p99, unit="s", target=worst, n=len(runs)),
        ]
    counts = [run.failures for run in runs if run.failures is not None]
    if counts:
        failures = Figure(name=f"rollback.{name}.failures", value=sum(counts), unit="", n=len(runs))
        figures.append(failures)
    return figures
