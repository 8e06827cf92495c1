"""One objective and one tick: the verdict, and what is never counted."""

import re
from dataclasses import replace
from datetime import timedelta
from math import inf, log, nan
from typing import Any

import pytest
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.world import START

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core import builtins
from faceblur_operator.core.analysis import Looks, analyse, explain, verdict_of
from faceblur_operator.core.evidence import ZERO, Counts, log_versus, versus_add
from faceblur_operator.core.judge import (
    Terms,
    Tick,
    judge_gauge,
    judge_ratio,
)
from faceblur_operator.core.learning import LONGEST_APART, learn
from faceblur_operator.core.plan import RatioObjective
from faceblur_operator.core.snapshot import Samples, Series
from faceblur_operator.core.state import SloState, Stage, State

TERMS = Terms(log_breach=log(100), log_pass=log(100), log_worse=log(100), rolls_back_shared=False)
RUNNING = State(stage=Stage.STEPPING, weight=25, step=1, traffic_since=START)
POD = (("pod", "a"),)


def judged(gray: Counts, stable: Counts = ZERO, **slo: Any) -> SloState:
    return judge_ratio(SloState("success", gray=gray, stable=stable), a_ratio(**slo), TERMS)


@pytest.mark.parametrize(
    ("state", "verdict", "says"),
    [
        pytest.param(judged(Counts(0, 0)), Verdict.INSUFFICIENT, "more requests", id="nothing yet"),
        pytest.param(judged(Counts(500, 0)), Verdict.PASS, "0 of 500 bad", id="all good"),
        pytest.param(judged(Counts(100, 50)), Verdict.BREACH, "allowed 0.50%", id="half is bad"),
        pytest.param(
            judged(Counts(400, 10)), Verdict.BREACH, "10 of 400 bad", id="worse than allowed"
        ),
        pytest.param(
            judged(Counts(200, 7), allowed=0.02),
            Verdict.INSUFFICIENT,
            "too close to the unacceptable 3.00%",
            id="neither shown bad nor ever good enough",
        ),
        pytest.param(
            judged(Counts(100, 50), Counts(1000, 500)),
            Verdict.INSUFFICIENT,
            "stable breaches it too",
            id="a shared outage",
        ),
        pytest.param(
            judged(Counts(5, 9)), Verdict.ERROR, "do not fit together", id="more bad than events"
        ),
        pytest.param(
            judged(Counts(10, 0), allowed=None, unacceptable=None, max_ratio=2.0),
            Verdict.INSUFFICIENT,
            "about 20 more requests",
            id="only compared, too few",
        ),
        pytest.param(
            judged(Counts(40, 1), allowed=None, unacceptable=None, max_ratio=2.0),
            Verdict.PASS,
            "1 of 40 bad, stable 0 of 0",
            id="only compared, enough",
        ),
    ],
)
def test_ratio_verdicts(state: SloState, verdict: Verdict, says: str) -> None:
    assert state.verdict is verdict
    assert says in state.message


@pytest.mark.parametrize(
    ("seconds", "events", "says"),
    [
        pytest.param(0, 10, "more requests needed", id="no time has passed"),
        pytest.param(10, 0, "more requests needed", id="no rate yet"),
        pytest.param(10, 50, "about 136 more requests needed, about 27 s at this rate", id="soon"),
        pytest.param(300, 50, "about 14 min at this rate", id="minutes"),
        pytest.param(7200, 50, "about 5 h at this rate", id="hours"),
    ],
)
def test_it_says_how_much_is_missing_and_how_long_that_takes(
    seconds: float, events: float, says: str
) -> None:
    terms = TERMS._replace(counted_s=seconds)

    state = judge_ratio(SloState("success", gray=Counts(events, 0)), a_ratio(), terms)

    assert state.message.endswith(says)


def test_a_shared_outage_begins_the_tests_anew_at_a_price() -> None:
    state = judged(Counts(100, 50), Counts(1000, 500))

    assert (state.restarts, state.gray, state.stable) == (1, Counts(0, 0), Counts(0, 0))


@pytest.mark.parametrize(
    ("gray", "stable", "want"),
    [
        pytest.param(
            Counts(3, 2),
            Counts(9, 5),
            "stable breaches it too (5 of 9 bad, gray 2 of 3); not gray's fault, holding",
            id="both suffer on",
        ),
        pytest.param(
            Counts(3, 2),
            Counts(9, 0),
            "2 of 3 bad is too close to the unacceptable 3.00%",
            id="only gray does",
        ),
        pytest.param(
            Counts(3, 0),
            Counts(9, 5),
            "0 of 3 bad; about 663 more requests needed",
            id="it is over",
        ),
    ],
)
def test_a_shared_outage_is_told_of_also_while_the_tests_are_young(
    gray: Counts, stable: Counts, want: str
) -> None:
    anew = SloState("success")._replace(restarts=20, gray=gray, stable=stable)

    assert judge_ratio(anew, a_ratio(), TERMS).message == want


def test_a_breach_that_stable_may_share_waits_until_gray_is_shown_worse() -> None:
    """Gray's counts break the limit first, by chance; stable's may do so at the next look."""
    both = SloState("success", gray=Counts(100, 9), stable=Counts(100, 2))

    waiting = judge_ratio(both, a_ratio(), TERMS)
    shown = judge_ratio(both._replace(versus=(9.0,) * 6, versus_after=(9.0,) * 6), a_ratio(), TERMS)
    alone = judge_ratio(both, a_ratio(), TERMS._replace(is_split=False))

    assert (waiting.verdict, shown.verdict, alone.verdict) == (
        Verdict.INSUFFICIENT,
        Verdict.BREACH,
        Verdict.BREACH,
    )
    assert waiting.message == (
        "9 of 100 bad, allowed 0.50%, but not shown worse than stable (2 of 100); "
        "holding until either is"
    )
    assert waiting.restarts == 0


def test_a_torn_reading_is_no_evidence_against_gray() -> None:
    torn = Tick(0, 5, 0, 5)
    whole = Tick(100, 0, 100, 0)

    assert learn(SloState("success"), a_ratio(), torn, whole, START).versus == SloState("x").versus


def in_turn(*ticks: tuple[Tick, Tick], every_s: float = 1) -> SloState:
    """Return the evidence after these ticks of gray and stable, one after the other."""
    state = SloState("success")
    for number, (gray, stable) in enumerate(ticks):
        at = START + timedelta(seconds=number * every_s)
        state = learn(state, a_ratio(), gray, stable, at)
    return state


BAD, GOOD, NOTHING = Tick(20, 20, 20, 20), Tick(40, 1, 40, 1), Tick(0, 0, 0, 0)


def shown_worse(state: SloState) -> tuple[bool, bool]:
    """Say whether gray is shown worse than what was read of stable before, and after."""
    both = (state.versus, state.versus_after)
    before, after = (log_versus(one) >= log(100) for one in both)
    return before, after


@pytest.mark.parametrize(
    ("ticks", "want"),
    [
        pytest.param([(BAD, GOOD)], (False, False), id="in one look"),
        pytest.param([(NOTHING, GOOD), (BAD, GOOD)], (True, False), id="before and in one look"),
        pytest.param([(BAD, GOOD), (NOTHING, GOOD)], (False, True), id="in one look and after"),
        pytest.param([(BAD, NOTHING)], (False, False), id="only gray"),
        pytest.param([(NOTHING, GOOD), (BAD, NOTHING)], (True, False), id="stable before"),
        pytest.param([(BAD, NOTHING), (NOTHING, GOOD)], (True, True), id="as counting begins"),
        pytest.param(
            [(NOTHING, GOOD), (BAD, NOTHING), (NOTHING, GOOD)], (True, True), id="on both sides"
        ),
    ],
)
def test_gray_is_compared_with_what_is_read_of_stable_before_and_after(
    ticks: list[tuple[Tick, Tick]], want: tuple[bool, bool]
) -> None:
    assert shown_worse(in_turn(*ticks)) == want


def test_a_bad_gray_is_found_though_its_pods_are_scraped_when_stables_are_not() -> None:
    # Scraped every 5 s, two seconds apart, and asked every second.
    plan = a_plan(objectives=(a_ratio("success"),))
    state: State = RUNNING
    seen: Looks = {}
    for second in range(30):
        gray, stable = 20 * (second // 5), 60 * ((second + 3) // 5)
        counts = {
            "success:gray:bad": gray,
            "success:gray:total": gray,
            "success:stable:bad": 0,
            "success:stable:total": stable,
        }
        series = {key: (Series(POD, float(value)),) for key, value in counts.items()}
        samples = Samples(START + timedelta(seconds=second), series)
        state, seen = analyse(plan, state, samples, seen)

    assert verdict_of(plan, state, START + timedelta(seconds=30)) is Verdict.BREACH


def test_counters_that_are_read_long_after_each_other_are_not_compared() -> None:
    apart_s = LONGEST_APART.total_seconds() + 1

    state = in_turn((NOTHING, GOOD), (BAD, NOTHING), (NOTHING, GOOD), every_s=apart_s)

    assert shown_worse(state) == (False, False)


FEW_BAD, FEW_GOOD = Tick(4, 4, 4, 4), Tick(3, 0, 3, 0)


@pytest.mark.parametrize(
    ("ticks", "want"),
    [
        pytest.param([FEW_GOOD], None, id="one pod of stable's, which had little to do"),
        pytest.param([FEW_GOOD, FEW_GOOD], (4, 6), id="two of them together"),
        pytest.param([GOOD], (4, 40), id="one that had enough"),
        pytest.param([FEW_GOOD, FEW_BAD], (4, 3), id="gray is read again first"),
    ],
)
def test_what_little_is_read_of_stable_at_a_time_is_put_together(
    ticks: list[Tick], want: tuple[int, int] | None
) -> None:
    both = [(one, NOTHING) if one is FEW_BAD else (NOTHING, one) for one in ticks]

    state = in_turn((NOTHING, GOOD), (FEW_BAD, NOTHING), *both)

    wanted = SloState("x").versus_after
    if want is not None:
        mine, theirs = Counts(want[0], 4), Counts(want[1], 1 if want[1] == GOOD.total else 0)
        wanted = versus_add(wanted, max_ratio=1.0, gray=mine, stable=theirs)
    assert state.versus_after == wanted


def test_what_stable_cannot_answer_for_is_not_compared_later() -> None:
    alone = learn(SloState("success"), a_ratio(), BAD, None, START)

    assert shown_worse(learn(alone, a_ratio(), NOTHING, GOOD, START)) == (False, False)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        pytest.param([], Verdict.NO_DATA, id="empty"),
        pytest.param([nan], Verdict.ERROR, id="NaN"),
        pytest.param([inf], Verdict.ERROR, id="Inf"),
        pytest.param([1.0, 2.0], Verdict.ERROR, id="several"),
        pytest.param([20.0], Verdict.PASS, id="at the maximum"),
        pytest.param([20.1], Verdict.INSUFFICIENT, id="above it, once"),
    ],
)
def test_gauge_verdicts(values: list[float], verdict: Verdict) -> None:
    series = tuple(Series((("pod", str(i)),), value) for i, value in enumerate(values))

    assert judge_gauge(SloState("queue"), a_gauge(), series).verdict is verdict


def samples(at: float, **queries: float | None) -> Samples:
    """Samples of `success`: one pod, a value per `side_what`; None leaves the query empty."""
    series = {
        f"success:{name.replace('_', ':')}": (Series(POD, value),)
        for name, value in queries.items()
        if value is not None
    }
    return Samples(START + timedelta(seconds=at), series)


FULL = {"gray_bad": 0.0, "gray_total": 0.0, "stable_bad": 0.0, "stable_total": 0.0}


def test_a_bad_event_is_not_lost_when_the_total_is_missing_for_a_tick() -> None:
    state, seen = analyse(a_plan(), RUNNING, samples(1, **FULL), {})
    blind = {**FULL, "gray_bad": 7.0, "gray_total": None}
    state, seen = analyse(a_plan(), state, samples(2, **blind), seen)
    assert state.slos[0].verdict is Verdict.NO_DATA

    full = {**FULL, "gray_bad": 7.0, "gray_total": 100.0}
    state, seen = analyse(a_plan(), state, samples(3, **full), seen)

    assert state.slos[0].gray == Counts(100, 7)


def test_without_stables_series_gray_is_judged_alone() -> None:
    plan = a_plan()
    alone = {"gray_bad": 0.0, "gray_total": 0.0}
    state, seen = analyse(plan, RUNNING, samples(1, **alone), {})

    bad = {"gray_bad": 50.0, "gray_total": 100.0}
    state, _ = analyse(plan, state, samples(2, **bad), seen)

    assert verdict_of(plan, state, START + timedelta(seconds=2)) is Verdict.BREACH


def test_a_comparison_without_stable_is_no_data() -> None:
    plan = a_plan(objectives=(a_ratio(max_ratio=1.5),))

    state, seen = analyse(plan, RUNNING, samples(1, gray_bad=0.0, gray_total=0.0), {})

    assert (state.slos[0].verdict, seen) == (Verdict.NO_DATA, {})
    assert explain(state, Verdict.NO_DATA) == (
        "success: Prometheus has no series for `bad` of stable"
    )


def test_a_counter_that_is_no_counter_is_an_error() -> None:
    state, _ = analyse(a_plan(), RUNNING, samples(1, **{**FULL, "gray_total": nan}), {})

    assert state.slos[0].verdict is Verdict.ERROR


def test_the_first_requests_of_gray_do_not_count() -> None:
    plan = a_plan(warmup=timedelta(seconds=30), objectives=(a_ratio(), a_gauge()))
    cold = samples(1, **FULL)
    state, seen = analyse(plan, RUNNING, cold, {})

    state, seen = analyse(
        plan, state, samples(2, **{**FULL, "gray_bad": 50.0, "gray_total": 50.0}), seen
    )

    assert [slo.message for slo in state.slos] == ["warming up", "warming up"]
    assert state.slos[0].gray == Counts(0, 0)


def test_latency_counts_what_is_not_under_the_edge() -> None:
    slow = builtins.latency("success", below_s=0.3, allowed=0.05, unacceptable=0.1)
    plan = a_plan(objectives=(slow,))
    state, seen = analyse(plan, RUNNING, samples(1, **FULL), {})

    under = {**FULL, "gray_bad": 90.0, "gray_total": 100.0}
    state, _ = analyse(plan, state, samples(2, **under), seen)

    assert state.slos[0].gray == Counts(100, 10)


def test_a_histogram_without_the_edge_is_an_error_not_a_slow_version() -> None:
    slow = builtins.latency("success", below_s=0.3, allowed=0.05, unacceptable=0.1)

    missing = samples(1, **{**FULL, "gray_bad": None})
    state, _ = analyse(a_plan(objectives=(slow,)), RUNNING, missing, {})

    assert state.slos[0].verdict is Verdict.ERROR
    assert state.slos[0].message == "the histogram of gray has no edge at the limit of success"


def test_errors_and_success_ask_for_different_outcomes() -> None:
    shape = {"allowed": 0.01, "unacceptable": 0.02, "max_ratio": None}

    success = builtins.blur_success("a", **shape)
    errors = builtins.errors("b", **shape)

    def asked(outcomes: str) -> str:
        return (
            'faceblur_requests_total{namespace="{{namespace}}",pod=~"{{pods}}",'
            f'outcome=~"{outcomes}"}}'
        )

    # Degraded: stable answered in gray's place. Users noticed nothing, and gray failed.
    assert (success.bad, success.total) == (
        asked("error|rejected|degraded"),
        asked("success|error|rejected|degraded"),
    )
    assert (errors.bad, errors.total) == (
        asked("error|degraded"),
        asked("success|client_error|error|rejected|degraded"),
    )


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(
            builtins.errors("success", allowed=0.01, unacceptable=0.1, max_ratio=None),
            id="errors",
        ),
        pytest.param(
            builtins.blur_success("success", allowed=0.01, unacceptable=0.1, max_ratio=None),
            id="blurSuccess",
        ),
    ],
)
def test_a_gray_that_only_stable_answers_for_is_rolled_back(made: RatioObjective) -> None:
    """Every request of gray is degraded: what a query counts is what its pattern matches."""

    def counted(query: str, **outcomes: float) -> float:
        pattern = query.split('outcome=~"')[1].split('"')[0]
        return sum(n for name, n in outcomes.items() if re.fullmatch(pattern, name))

    state = RUNNING
    seen: Looks = {}
    for at, degraded in enumerate((0.0, 0.0, 60.0, 60.0), start=1):
        gray = {"success": 0.0, "error": 0.0, "degraded": degraded}
        stable = {"success": 100.0 * at, "error": 0.0, "degraded": 0.0}
        now = samples(
            at,
            gray_bad=counted(made.bad, **gray),
            gray_total=counted(made.total, **gray),
            stable_bad=counted(made.bad, **stable),
            stable_total=counted(made.total, **stable),
        )
        state, seen = analyse(a_plan(objectives=(made,)), state, now, seen)

    assert (state.slos[0].gray, state.slos[0].verdict) == (Counts(60, 60), Verdict.BREACH)


def test_no_objective_judged_yet_is_not_a_pass() -> None:
    assert verdict_of(a_plan(), replace(RUNNING, slos=()), START) is Verdict.INSUFFICIENT
