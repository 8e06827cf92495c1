"""The cases of the rollback benchmark: one run of each, and what was seen in it.

Every time is taken where a peer's was taken: "zero" is weight 0 seen by a watch of the Ingress,
"last gray" the end of the last answer of gray to a client through Traefik.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.benchmarks.rollback.scene import FIRST_WEIGHT, Scene
from tests.benchmarks.rollback.witness import WITHIN
from tests.demo.photos import small_photos
from tests.support.answers import Answer, failed
from tests.support.eventually import eventually
from tests.support.examples import EXAMPLES, rollout
from tests.support.installation import VERSION_GRAY
from tests.support.load import Load, Question

RATE = 16.0
BUSY_RATE = 150.0
QUICK_STEPS = ({"weight": 30, "hold": "5s"}, {"weight": 100, "hold": "5s"})
SUCCESS = {"name": "success", "builtin": "blurSuccess", "atLeast": "99%", "unacceptable": "90%"}
# What the example `ingress-metrics` asks Traefik about.
AT_INGRESS = rollout(EXAMPLES / "ingress-metrics")["spec"]["analysis"]["slos"][0]
# Gray fails every picture, and nobody stands in for it, as with the peers.
ONLY_500 = (
    {"name": "FACEBLUR_FAULT", "value": json.dumps({"errorRate": 1.0})},
    {"name": "FACEBLUR_FALLBACK_URL", "value": ""},
)
CRASH = ({"name": "FACEBLUR_SLOTS", "value": "none"},)
# Pods stay for the next run, which begins with `retry`.
LONG = "1h"
DEADLINE_S = 8
# What Traefik may need after the Ingress has changed, and what was on its way.
SETTLED_S = 2.5


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds from the beginning of the trouble, None where it does not apply.

    Attributes:
        failures: requests that failed from then on.
        requests: how many there were, where that matters.
        first_gray: from gray's readiness to its first answer to a client.
    """

    decision: float | None = None
    zero: float | None = None
    last_gray: float | None = None
    failures: int | None = None
    requests: int | None = None
    first_gray: float | None = None
    rolled_back: float | None = None


# What is promised in seconds, by what is measured: p50 and p99.
Targets = dict[str, tuple[float | None, float | None]]


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of trouble.

    Attributes:
        scrape_s: how often the real Prometheus scrapes; None: the scripted one is asked.
        keeps_pods: a run leaves gray's pods to the next.
        least_requests: how many the promise is about; there are more runs until there were as many.
    """

    name: str
    run: Callable[[Scene], Run]
    targets: Targets
    scrape_s: int | None = None
    keeps_pods: bool = False
    least_requests: int = 0


def flip(scene: Scene) -> Run:
    """Prometheus' answer turns bad while everything else stays as it was."""
    scene.script.counted.bad_share = 0.0
    with Load(scene.page, rate=25) as load:
        asked = scene.release(image=VERSION_GRAY, slo=SUCCESS, scaleDownDelay=LONG)
        raised = scene.weights.first(str(FIRST_WEIGHT), asked)
        _first_gray(load)
        # Later than a raise is looked at more often, and evenly spread between two questions.
        _pass_time(raised + 4 + scene.next_phase() - time.monotonic())
        begin = time.monotonic()
        scene.script.counted.bad_share = 0.5
        return _until_zero(scene, load, begin)


def only_500(scene: Scene, slo: Mapping[str, Any] = SUCCESS) -> Run:
    """Gray fails every picture from its first on; Prometheus, service and load are real."""
    bodies = small_photos()
    with Load(Question(f"{scene.web}/api/v1/blur", bodies=bodies), rate=RATE) as load:
        asked = scene.release(image=VERSION_GRAY, slo=slo, env=ONLY_500, scaleDownDelay=LONG)
        scene.weights.first(str(FIRST_WEIGHT), asked)
        return _until_zero(scene, load, _first_gray(load))


def only_500_at_ingress(scene: Scene) -> Run:
    """The same, judged by what Traefik counted of both versions in one scrape."""
    return only_500(scene, AT_INGRESS)


def unready(scene: Scene) -> Run:
    """Gray's only pod loses readiness at 30 %, and still answers what reaches it."""
    scene.script.counted.bad_share = 0.0
    with Load(scene.page, rate=RATE) as load:
        asked = scene.release(image=VERSION_GRAY, slo=SUCCESS)
        ready = scene.pods.first("ready", asked)
        first_gray = _first_gray(load)
        _pass_time(scene.next_phase())
        now = time.monotonic()
        scene.stop_serving()
        begin = scene.pods.first("unready", now)
        # Each watch has a thread of its own: the weight may be seen at 0 before its cause is seen.
        run = _until_zero(scene, load, begin, since=now)
    return replace(run, first_gray=max(first_gray - ready, 0.0))


def crash(scene: Scene) -> Run:
    """Gray ends at its start, again and again."""
    asked = scene.release(image=VERSION_GRAY, slo=SUCCESS, env=CRASH)
    begin = scene.pods.first("CrashLoopBackOff", asked)
    return Run(rolled_back=scene.phases.first("RolledBack", asked) - begin)


def pull(scene: Scene) -> Run:
    """Gray's image does not exist."""
    asked = scene.release(image="ai-face-blur:none-such", slo=SUCCESS)
    begin = scene.pods.first("not pullable", asked)
    return Run(rolled_back=scene.phases.first("RolledBack", asked) - begin)


def promotion(scene: Scene) -> Run:
    """Gray is promoted under load: traffic goes over to it, and from it to stable's new pods."""
    scene.script.counted.bad_share = 0.0
    with Load(scene.page, rate=BUSY_RATE) as load:
        asked = scene.release(image=VERSION_GRAY, slo=SUCCESS, steps=QUICK_STEPS)
        scene.phases.first("Succeeded", asked)
        # Gray's pods end while the last of its answers are on their way.
        _pass_time(SETTLED_S)
    return Run(failures=len(failed(load.answers)), requests=len(load.answers))


def never_ready(scene: Scene) -> Run:
    """Gray runs and is never ready; its time is over `progressDeadline` after it was asked for."""
    scene.add_gray_that_is_never_ready()
    asked = scene.release(image=VERSION_GRAY, slo=SUCCESS, progressDeadline=f"{DEADLINE_S}s")
    ends = asked + DEADLINE_S
    return Run(rolled_back=scene.phases.first("RolledBack", asked) - ends)


CASES = (
    Case("flip", flip, {"zero": (0.6, 1.3), "last_gray": (0.9, 1.8)}, keeps_pods=True),
    Case("unready", unready, {"zero": (1.0, None), "first_gray": (1.0, None)}),
    Case("crash", crash, {"rolled_back": (2.0, None)}),
    Case("pull", pull, {"rolled_back": (2.0, None)}),
    Case("never_ready", never_ready, {"rolled_back": (2.0, None)}),
    Case("promotion", promotion, {}, least_requests=100_000),
    Case("real_1s", only_500, {"zero": (1.3, None)}, scrape_s=1, keeps_pods=True),
    # Each a release of its own: Traefik forgets gray's counters only after a while.
    Case("ingress_1s", only_500_at_ingress, {"zero": (1.3, None)}, scrape_s=1),
    Case("real_5s", only_500, {"zero": (4.0, None)}, scrape_s=5, keeps_pods=True),
)


def _until_zero(scene: Scene, load: Load, begin: float, since: float | None = None) -> Run:
    zero = scene.weights.first("0", since or begin)
    decision = scene.phases.first("RollingBack", since or begin)
    _pass_time(SETTLED_S)
    answers = [one for one in load.answers if one.ended >= begin]
    gray = [one.ended for one in answers if one.is_gray]
    return Run(
        decision=max(decision - begin, 0.0),
        zero=max(zero - begin, 0.0),
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
    time.sleep(max(seconds, 0))
