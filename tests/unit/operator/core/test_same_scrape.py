"""One scrape of an ingress controller holds both versions' counters of the same moment.

Then one look is enough to compare them, and still no outage that both share may look like a fault
of gray's; wherever the series do not say so much, nothing is different from counters of pods.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import accumulate
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.builders import a_plan, a_ratio
from tests.support.world import START

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core.analysis import Looks, analyse, pace, verdict_of
from faceblur_operator.core.counters import increment
from faceblur_operator.core.evidence import Counts
from faceblur_operator.core.plan import RatioObjective
from faceblur_operator.core.same_scrape import Pair, pairs
from faceblur_operator.core.snapshot import Samples, Series
from faceblur_operator.core.state import Stage, State

ABSOLUTE = a_ratio(same_scrape=True)
COMPARED = a_ratio("no-worse", allowed=None, unacceptable=None, max_ratio=1.5, same_scrape=True)
EXACT = replace(COMPARED, name="exact", max_ratio=1.0)
WARM = START - timedelta(seconds=100)
LASTS_S = 60.0
BEGINS_S = 10.2
# As many are evidence enough, even where one in twelve was the last of the scrape before.
ENOUGH_BAD = 12
# When each request came, and how many of those before it were bad.
Sums = tuple[list[float], list[int]]


@dataclass(frozen=True)
class Controller:
    """Where in the interval it is scraped, what share of its requests is gray's, and what counts.

    Attributes:
        sides: whose requests it is asked about.
    """

    phase: float
    share: float = 0.25
    sides: tuple[str, ...] = ("gray", "stable")


@dataclass(frozen=True)
class Trouble:
    """Which share of whose requests fails, and from when until when, in seconds."""

    rate: float
    begins: float
    ends: float
    whose: tuple[str, ...] = ("gray", "stable")


class Traffic:
    """What each controller counted by any moment; requests come by chance."""

    def __init__(
        self, controllers: tuple[Controller, ...], rps: float, trouble: Trouble, seed: int
    ) -> None:
        chance = Random(seed)
        self.controllers = controllers
        self._sums = [
            self._played(one, rps / len(controllers), trouble, chance) for one in controllers
        ]

    def _played(
        self, controller: Controller, rps: float, trouble: Trouble, chance: Random
    ) -> dict[str, Sums]:
        events: dict[str, tuple[list[float], list[int]]] = {"gray": ([], []), "stable": ([], [])}
        at = 0.0
        while (at := at + chance.expovariate(rps)) < LASTS_S:
            side = "gray" if chance.random() < controller.share else "stable"
            is_hit = side in trouble.whose and trouble.begins <= at < trouble.ends
            events[side][0].append(at)
            events[side][1].append(int(is_hit and chance.random() < trouble.rate))
        return {side: (times, [0, *accumulate(bads)]) for side, (times, bads) in events.items()}

    def counted(self, index: int, side: str, at_s: float) -> Counts:
        times, bads = self._sums[index][side]
        total = bisect_right(times, at_s)
        return Counts(total, bads[total])


@dataclass(frozen=True)
class Scrapes:
    """One Prometheus: how often it scrapes and is asked."""

    every_s: float
    asked_every_s: int

    def last(self, at_s: float, phase: float) -> float:
        offset = phase * self.every_s
        return max(0.0, (at_s - offset) // self.every_s * self.every_s + offset)

    def samples(self, at_s: float, names: list[str], traffic: Traffic) -> Samples:
        """Return what Prometheus says at a time."""
        series: dict[str, tuple[Series, ...]] = {}
        for side in ("gray", "stable"):
            found = [
                (f"10.0.0.{index}:8082", traffic.counted(index, side, self.last(at_s, one.phase)))
                for index, one in enumerate(traffic.controllers)
                if side in one.sides
            ]
            for name in names:
                for what, place in (("total", 0), ("bad", 1)):
                    series[f"{name}:{side}:{what}"] = tuple(
                        Series(
                            (("instance", instance), ("job", "traefik"), ("track", side)),
                            counts[place],
                        )
                        for instance, counts in found
                    )
        return Samples(START + timedelta(seconds=at_s), series)


def breach_at(
    scrapes: Scrapes, objectives: tuple[RatioObjective, ...], traffic: Traffic
) -> float | None:
    """Return when gray is found to breach, in seconds; None if it is not."""
    plan = replace(a_plan(objectives=objectives), interval=timedelta(seconds=scrapes.asked_every_s))
    names = [one.name for one in objectives]
    seen: Looks = {}
    at_s = 0.0
    state = State(stage=Stage.STEPPING, weight=25, step=1, traffic_since=WARM, weighted_since=WARM)
    while at_s < LASTS_S:
        samples = scrapes.samples(at_s, names, traffic)
        state, seen = analyse(plan, state, samples, seen)
        if verdict_of(plan, state, samples.at) is Verdict.BREACH:
            return at_s
        at_s += pace(plan, state, samples.at).total_seconds()
    return None


PHASES = st.integers(0, 19).map(lambda twentieth: twentieth / 20)
CONTROLLERS = st.lists(
    st.builds(Controller, phase=PHASES, share=st.sampled_from([0.05, 0.25, 0.5])),
    min_size=1,
    max_size=3,
).map(tuple)
SCRAPES = st.builds(
    Scrapes, every_s=st.sampled_from([1.0, 5.0]), asked_every_s=st.sampled_from([1, 5])
)
RPS = st.sampled_from([16.0, 100.0])
OBJECTIVES = st.sampled_from([(ABSOLUTE,), (COMPARED,), (EXACT,), (ABSOLUTE, COMPARED, EXACT)])
SEEDS = st.integers(0, 10**9)
# Each side at a controller of its own; stable's is scraped just before the outage, gray's just
# after it began, both within one look.
APART = (Controller(0.9, 1.0, ("gray",)), Controller(0.1, 0.0, ("stable",)))
# The same, of two that have both sides, but gray more of the first.
UNEVEN = (Controller(0.9, 0.5), Controller(0.1, 0.05))
ONE_LOOK = Scrapes(1.0, 5)


# Requests come by chance, which may err as often as α says; so it is the same chance every time.
@settings(derandomize=True)
@given(
    SCRAPES,
    CONTROLLERS,
    RPS,
    OBJECTIVES,
    st.integers(0, 300).map(lambda tenths: tenths / 10),
    st.sampled_from([0.5, 3, 20]),
    st.sampled_from([0.2, 1.0]),
    SEEDS,
)
@example(ONE_LOOK, APART, 100.0, (ABSOLUTE,), 24.5, 20, 1.0, 1)
@example(ONE_LOOK, APART, 100.0, (EXACT,), 24.5, 20, 1.0, 1)
@example(ONE_LOOK, UNEVEN, 1_000.0, (EXACT,), 24.5, 20, 1.0, 1)
def test_an_outage_that_both_share_is_nobodys_fault_at_any_phase(
    scrapes: Scrapes,
    controllers: tuple[Controller, ...],
    rps: float,
    objectives: tuple[RatioObjective, ...],
    begins_s: float,
    lasts_s: float,
    rate: float,
    seed: int,
) -> None:
    traffic = Traffic(controllers, rps, Trouble(rate, begins_s, begins_s + lasts_s), seed)

    assert breach_at(scrapes, objectives, traffic) is None


@settings(derandomize=True)
@given(SCRAPES, PHASES, RPS, OBJECTIVES, SEEDS)
def test_a_bad_gray_is_found_at_the_first_look_after_the_scrape_that_shows_enough(
    scrapes: Scrapes,
    phase: float,
    rps: float,
    objectives: tuple[RatioObjective, ...],
    seed: int,
) -> None:
    traffic = Traffic((Controller(phase),), rps, Trouble(1.0, BEGINS_S, LASTS_S, ("gray",)), seed)

    def bad(at_s: float) -> float:
        return traffic.counted(0, "gray", at_s).bad

    found = breach_at(scrapes, objectives, traffic)

    enough = next(
        at for at in (scrapes.every_s * (n + phase) for n in range(60)) if bad(at) >= ENOUGH_BAD
    )
    assert found is not None
    assert found <= enough + scrapes.asked_every_s


TARGET = (("instance", "10.0.0.1:8082"), ("job", "traefik"))
OTHER = (("instance", "10.0.0.2:8082"), ("job", "traefik"))
OPTED_IN = (*TARGET, ("opted_in", "true"))
Values = dict[str, dict[tuple[tuple[str, str], ...], float]]
ZEROS: Values = {
    key: {TARGET: 0.0} for key in ("gray:bad", "gray:total", "stable:bad", "stable:total")
}
GROWN: Values = {
    "gray:bad": {TARGET: 2.0},
    "gray:total": {TARGET: 3.0},
    "stable:bad": {TARGET: 1.0},
    "stable:total": {TARGET: 7.0},
}
WHOLE = (Pair(("traefik", "10.0.0.1:8082"), Counts(3, 2), Counts(7, 1)),)


def answer(values: Values, at_s: int) -> Samples:
    series = {
        f"success:{key}": tuple(Series(labels, value) for labels, value in found.items())
        for key, found in values.items()
    }
    return Samples(START + timedelta(seconds=at_s), series)


@pytest.mark.parametrize(
    ("now", "want"),
    [
        pytest.param({}, WHOLE, id="one target that both sides say they are of"),
        pytest.param(
            {"stable:total": {TARGET: 7.0, OTHER: 5.0}},
            (*WHOLE, Pair(("traefik", "10.0.0.2:8082"), Counts(0, 0), Counts(5, 0))),
            id="a target that has nothing of gray is a pair of its own",
        ),
        pytest.param(
            {"gray:total": {TARGET: 3.0, OTHER: 5.0}}, None, id="a target that only gray has"
        ),
        pytest.param(
            {"gray:total": {OTHER: 3.0}, "gray:bad": {OTHER: 2.0}}, None, id="each side has its own"
        ),
        pytest.param({"stable:bad": {OTHER: 1.0}}, None, id="bad events without their total"),
        pytest.param({"gray:total": {TARGET[1:]: 3.0}}, None, id="a series without an instance"),
        pytest.param(
            {"gray:total": {(("instance", ""), ("job", "traefik")): 3.0}},
            None,
            id="a series whose instance is empty",
        ),
        pytest.param({"stable:bad": {}}, None, id="a query without an answer"),
        pytest.param({"gray:bad": {TARGET: 4.0}}, None, id="more bad than there was"),
        pytest.param({"gray:total": {TARGET: -1.0}}, None, id="a counter that fell"),
        pytest.param(
            {"gray:total": {TARGET: 3.0, OPTED_IN: 9.0}},
            WHOLE,
            id="people who opted in are not compared",
        ),
    ],
)
def test_only_what_every_series_says_is_of_one_scrape_is_paired(
    now: Values, want: tuple[Pair, ...] | None
) -> None:
    first, second = answer(ZEROS, 0), answer(GROWN | now, 1)
    seen = {key: increment(None, found, first.at)[1] for key, found in first.series.items()}

    assert pairs(a_ratio("success", same_scrape=True), second, seen) == want


def test_nothing_is_paired_that_the_user_does_not_say_is_scraped_together() -> None:
    first, second = answer(ZEROS, 0), answer(GROWN, 1)
    seen = {key: increment(None, found, first.at)[1] for key, found in first.series.items()}

    assert pairs(a_ratio("success"), second, seen) is None
    assert pairs(a_ratio("success", same_scrape=True), second, {}) is None


def test_gray_waits_for_stable_target_by_target() -> None:
    looks = (
        {("gray", "a"): 0, ("gray", "b"): 0, ("stable", "a"): 0, ("stable", "b"): 0},
        {("gray", "a"): 4, ("gray", "b"): 0, ("stable", "a"): 0, ("stable", "b"): 9},
        {("gray", "a"): 4, ("gray", "b"): 0, ("stable", "a"): 6, ("stable", "b"): 9},
    )
    state = State(stage=Stage.STEPPING, weight=25, step=1, traffic_since=WARM, weighted_since=WARM)
    seen: Looks = {}
    found = []

    for number, look in enumerate(looks):
        values: dict[str, list[Series]] = {}
        for (side, name), total in look.items():
            labels = (("instance", name), ("job", "traefik"))
            values.setdefault(f"exact:{side}:total", []).append(Series(labels, total))
            bad = total if side == "gray" else 0
            values.setdefault(f"exact:{side}:bad", []).append(Series(labels, bad))
        series = {key: tuple(one) for key, one in values.items()}
        samples = Samples(START + timedelta(seconds=number), series)
        state, seen = analyse(a_plan(objectives=(EXACT,)), state, samples, seen)
        slo = state.slos[0]
        found.append((slo.after.by_target, max(slo.versus_after) > 0))

    assert found == [((), False), (((("traefik", "a"), Counts(4, 4)),), False), ((), True)]
