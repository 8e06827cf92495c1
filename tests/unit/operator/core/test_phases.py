"""Pods are scraped one after the other, and Prometheus is asked in between, at times of its own.

What hits both versions at once then shows on one of them first. No such order may look like a
fault of gray's; and whatever the order, a bad gray must be found.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.builders import a_plan, a_ratio
from tests.support.world import START

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core.analysis import Looks, analyse, pace, verdict_of
from faceblur_operator.core.plan import RatioObjective
from faceblur_operator.core.snapshot import Samples, Series
from faceblur_operator.core.state import Stage, State

GRAY_SHARE = 0.25
ABSOLUTE = a_ratio()
COMPARED = a_ratio("no-worse", allowed=None, unacceptable=None, max_ratio=1.5)
WARM = START - timedelta(seconds=100)

# Which share of a side's requests fails, and from when until when, in seconds.
Trouble = tuple[float, float, float]
NONE: Trouble = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Scrapes:
    """How Prometheus is run, and how much there is to count.

    Attributes:
        phases: where in the interval each pod is scraped, as a share of it: gray's, stable's.
    """

    every_s: float
    asked_every_s: int
    phases: tuple[tuple[float, ...], tuple[float, ...]]
    rps: float

    def samples(self, at_s: float, names: list[str], gray: Trouble, stable: Trouble) -> Samples:
        """Return what Prometheus says at a time."""
        series: dict[str, tuple[Series, ...]] = {}
        sides = (("gray", GRAY_SHARE, gray), ("stable", 1 - GRAY_SHARE, stable))
        for (side, share, trouble), phases in zip(sides, self.phases, strict=True):
            rps = self.rps * share / len(phases)
            counts = [_counts(self._scraped(at_s, phase), rps, trouble) for phase in phases]
            for name in names:
                for what, index in (("total", 0), ("bad", 1)):
                    series[f"{name}:{side}:{what}"] = tuple(
                        Series((("pod", f"{side}-{pod}"),), float(one[index]))
                        for pod, one in enumerate(counts)
                    )
        return Samples(START + timedelta(seconds=at_s), series)

    def _scraped(self, at_s: float, phase: float) -> float:
        offset = phase * self.every_s
        return max(0.0, (at_s - offset) // self.every_s * self.every_s + offset)


def _counts(until_s: float, rps: float, trouble: Trouble) -> tuple[int, int]:
    rate, begins, ends = trouble
    total = int(rps * until_s)
    hit = max(0, int(rps * min(until_s, ends)) - int(rps * begins))
    return total, int(rate * hit)


def breach_at(
    scrapes: Scrapes,
    objectives: tuple[RatioObjective, ...],
    gray: Trouble,
    stable: Trouble,
    until_s: float,
) -> float | None:
    """Return when gray is found to breach, in seconds; None if it is not."""
    plan = a_plan(objectives=objectives)
    plan = replace(plan, interval=timedelta(seconds=scrapes.asked_every_s))
    names = [one.name for one in objectives]
    seen: Looks = {}
    at_s = 0.0
    state = State(stage=Stage.STEPPING, weight=25, step=1, traffic_since=WARM, weighted_since=WARM)
    while at_s < until_s:
        samples = scrapes.samples(at_s, names, gray, stable)
        state, seen = analyse(plan, state, samples, seen)
        if verdict_of(plan, state, samples.at) is Verdict.BREACH:
            return at_s
        at_s += pace(plan, state, samples.at).total_seconds()
    return None


def pods(fewest: int, most: int) -> st.SearchStrategy[tuple[float, ...]]:
    """Return phases for so many pods."""
    phase = st.integers(0, 19).map(lambda twentieth: twentieth / 20)
    return st.lists(phase, min_size=fewest, max_size=most).map(tuple)


SCRAPES = st.builds(
    Scrapes,
    every_s=st.sampled_from([1.0, 5.0, 15.0]),
    asked_every_s=st.sampled_from([1, 5, 10]),
    phases=st.tuples(pods(1, 2), pods(1, 3)),
    rps=st.sampled_from([16.0, 100.0, 1_000.0, 10_000.0]),
)
OBJECTIVES = st.sampled_from([(ABSOLUTE,), (COMPARED,), (ABSOLUTE, COMPARED)])
BEGINS_S = st.integers(200, 400).map(lambda tenths: tenths / 10)
# Stable was read just before it began, gray just after, both within one look.
IN_ONE_LOOK = Scrapes(1.0, 5, ((0.9,), (0.1,)), 10_000.0)


@given(SCRAPES, OBJECTIVES, BEGINS_S, st.sampled_from([3, 20, 40]), st.sampled_from([0.2, 1]))
@example(IN_ONE_LOOK, (COMPARED,), 24.5, 20, 1.0)
@example(IN_ONE_LOOK, (ABSOLUTE,), 24.5, 3, 1.0)
def test_an_outage_that_both_share_is_nobodys_fault_in_whatever_order_pods_are_scraped(
    scrapes: Scrapes,
    objectives: tuple[RatioObjective, ...],
    begins_s: float,
    lasts_s: int,
    rate: float,
) -> None:
    trouble = (rate, begins_s, begins_s + lasts_s)

    assert breach_at(scrapes, objectives, trouble, trouble, until_s=120) is None


@given(SCRAPES, OBJECTIVES, BEGINS_S, st.sampled_from([0.2, 1]))
def test_a_bad_gray_is_found_in_whatever_order_pods_are_scraped(
    scrapes: Scrapes, objectives: tuple[RatioObjective, ...], begins_s: float, rate: float
) -> None:
    found = breach_at(scrapes, objectives, (rate, begins_s, 1e9), NONE, until_s=200)

    # At four requests a second, a fifth of them bad takes its time.
    few = 30 if scrapes.rps < 100 else 0
    assert found is not None
    assert found - begins_s <= 3 * scrapes.every_s + 3 * scrapes.asked_every_s + few
