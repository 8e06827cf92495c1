"""When rollouts are looked at: wakes, timers, answers, failures, the end. In virtual time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.fakes.outside import FakeOutside
from tests.support.fakes.ports import FakeMeter, FakePrometheus
from tests.support.virtual_time import VirtualClock, run_virtually

from faceblur_operator.core.errands import Report
from faceblur_operator.core.snapshot import NoSamples, Samples, Vector
from faceblur_operator.engine import Answer, Ask, Outcome, Scheduler
from faceblur_operator.ports.cluster import Key
from faceblur_operator.ports.errors import (
    ConflictError,
    NotLeadingError,
    RefusedError,
    UnreachableError,
)

A, B = Key("demo", "a"), Key("demo", "b")
ASK = Ask("http://p", {"x:gray:bad": "bad"}, timedelta(seconds=5))


def now() -> float:
    return round(asyncio.get_running_loop().time(), 2)


@dataclass
class ScriptedLooker:
    """Looks by a script and remembers when it looked at what.

    Attributes:
        outcome: what each look leads to, or an error to raise.
        takes: seconds that a look takes.
    """

    outcome: Callable[[Key, Answer | None], Outcome | Exception] = lambda *_: Outcome()
    takes: Callable[[Key], float] = lambda _: 0.0
    looks: list[tuple[Key, float]] = field(default_factory=list)
    answers: list[tuple[float, Samples | NoSamples]] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    async def look(
        self, key: Key, answer: Answer | None = None, reports: tuple[Report, ...] = ()
    ) -> Outcome:
        self.reports += reports
        self.looks.append((key, now()))
        if answer is not None:
            self.answers.append((now(), answer.samples))
        await asyncio.sleep(self.takes(key))
        outcome = self.outcome(key, answer)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def times(self, key: Key = A) -> list[float]:
        return [at for looked, at in self.looks if looked == key]


@dataclass
class Stage:
    """A scheduler with its surroundings."""

    looker: ScriptedLooker
    meter: FakeMeter = field(default_factory=FakeMeter)

    def __post_init__(self) -> None:
        self.prometheus = FakePrometheus(VirtualClock())
        self.outside = FakeOutside(VirtualClock())
        self.scheduler = Scheduler(
            self.looker, self.prometheus, self.meter, self.outside, chance=lambda: 1.0
        )


def play(looker: ScriptedLooker, story: Callable[[Stage], Any]) -> Stage:
    async def go() -> Stage:
        stage = Stage(looker)
        await story(stage)
        await stage.scheduler.stop(patience=timedelta(seconds=3))
        return stage

    return run_virtually(go())


def test_wakes_during_a_look_lead_to_one_more_look() -> None:
    looker = ScriptedLooker(takes=lambda _: 1.0)

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(0.5)
        for _ in range(10):
            stage.scheduler.wake(A)
        await asyncio.sleep(5)

    play(looker, story)

    assert looker.times() == [0.0, 1.0]


def test_rollout_that_hangs_does_not_hold_up_another() -> None:
    looker = ScriptedLooker(takes=lambda key: 1000.0 if key == A else 0.0)

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(1)
        stage.scheduler.wake(B)
        await asyncio.sleep(1)

    play(looker, story)

    assert looker.looks == [(A, 0.0), (B, 1.0)]


def test_looks_again_when_the_outcome_says_and_at_least_every_minute() -> None:
    rests = iter([timedelta(seconds=7), None, timedelta(seconds=-1), None])
    looker = ScriptedLooker(outcome=lambda *_: Outcome(next(rests, None)))

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(100)

    play(looker, story)

    assert looker.times() == [0.0, 7.0, 67.0, 67.01]


def test_prometheus_is_asked_at_even_intervals_and_each_answer_looked_at() -> None:
    looker = ScriptedLooker(outcome=lambda *_: Outcome(ask=ASK))

    async def story(stage: Stage) -> None:
        stage.prometheus.latency = timedelta(seconds=0.5)
        stage.scheduler.wake(A)
        await asyncio.sleep(18)

    stage = play(looker, story)

    # The second is soon after the first, which only tells where counting begins.
    assert [at for at, _ in stage.prometheus.asked] == [0.0, 1.0, 6.0, 11.0, 16.0]
    assert looker.times() == [0.0, 0.5, 1.5, 6.5, 11.5, 16.5]


def test_nothing_is_asked_while_there_is_nothing_to_ask() -> None:
    looker = ScriptedLooker()

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(300)

    assert play(looker, story).prometheus.asked == []


def test_question_that_comes_late_is_asked_once_an_interval_from_then_on() -> None:
    asks: list[Ask | None] = [None]
    looker = ScriptedLooker(outcome=lambda *_: Outcome(ask=asks[0]))

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(40)
        asks[0] = ASK
        stage.scheduler.wake(A)
        await asyncio.sleep(12)

    stage = play(looker, story)

    assert [at for at, _ in stage.prometheus.asked] == [40.0, 41.0, 46.0, 51.0]


def test_hanging_prometheus_does_not_hold_up_a_look_at_an_event() -> None:
    looker = ScriptedLooker(outcome=lambda *_: Outcome(ask=ASK))

    async def story(stage: Stage) -> None:
        stage.prometheus.latency = timedelta(hours=1)
        stage.scheduler.wake(A)
        await asyncio.sleep(0.5)
        stage.scheduler.wake(A)
        await asyncio.sleep(3)

    play(looker, story)

    assert looker.times() == [0.0, 0.5, 2.0]
    assert [type(one) for _, one in looker.answers] == [NoSamples]


def test_changed_question_is_asked_before_the_next_turn() -> None:
    asks = [ASK]
    looker = ScriptedLooker(outcome=lambda *_: Outcome(ask=asks[0]))

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(2)
        asks[0] = Ask(ASK.url, {"x:gray:bad": "of other pods"}, ASK.interval)
        stage.scheduler.wake(A)
        await asyncio.sleep(1)

    stage = play(looker, story)

    assert [(at, one["x:gray:bad"]) for at, one in stage.prometheus.asked] == [
        (0.0, "bad"),
        (1.0, "bad"),
        (2.0, "of other pods"),
        (3.0, "of other pods"),
    ]


PAST = datetime(2026, 1, 1, tzinfo=UTC)
Found = dict[str, Vector]
THEN: Found = {"x:gray:bad": Vector(((("pod", "a"),),), (3.0,))}


@pytest.mark.parametrize(
    ("remembers", "says", "want"),
    [
        pytest.param(True, THEN, [THEN, None], id="it remembers"),
        pytest.param(False, THEN, [{"x:gray:bad": Vector((), ())}, None], id="it has forgotten"),
        pytest.param(True, "busy", ["busy", "busy"], id="it does not answer"),
    ],
)
def test_the_past_is_asked_beside_now_while_that_is_wanted(
    remembers: bool, says: Found | str, want: list[object]
) -> None:
    pasts: list[datetime | None] = [PAST, None]
    looker = ScriptedLooker(outcome=lambda *_: Outcome(ask=replace(ASK, past=pasts[0])))

    async def story(stage: Stage) -> None:
        stage.prometheus.answered[PAST] = THEN
        stage.prometheus.remembers = remembers
        stage.prometheus.answer = lambda _: says
        stage.scheduler.wake(A)
        await asyncio.sleep(0.5)
        pasts.pop(0)
        stage.scheduler.wake(A)
        await asyncio.sleep(2)

    stage = play(looker, story)

    said = [one for _, one in looker.answers]
    found = [
        "busy" if isinstance(one, NoSamples) else one.past and one.past.series for one in said[:2]
    ]
    assert found == want
    assert stage.prometheus.asked_of_past == [PAST]


def test_question_that_hurries_is_repeated_sooner_and_at_its_interval_again_after_that() -> None:
    intervals = [ASK.interval]
    looker = ScriptedLooker(outcome=lambda *_: Outcome(ask=Ask(ASK.url, ASK.queries, intervals[0])))

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(2)
        intervals[0] = timedelta(seconds=1)
        stage.scheduler.wake(A)
        await asyncio.sleep(1.5)
        intervals[0] = ASK.interval
        await asyncio.sleep(10)

    stage = play(looker, story)

    assert [at for at, _ in stage.prometheus.asked] == [0.0, 1.0, 2.0, 3.0, 4.0, 9.0]


@pytest.mark.parametrize(
    ("takes_s", "want"),
    [
        pytest.param(0.01, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], id="fast"),
        pytest.param(0.06, [0.0, 0.3, 0.6, 0.9], id="busy for a fifth of the time"),
        pytest.param(0.5, [0.0, 1.0], id="slow, and asked at its interval"),
    ],
)
def test_slow_prometheus_is_not_hurried(takes_s: float, want: list[float]) -> None:
    ask = Ask(ASK.url, ASK.queries, timedelta(seconds=0.2), longest=timedelta(seconds=1))
    looker = ScriptedLooker(outcome=lambda *_: Outcome(ask=ask))

    async def story(stage: Stage) -> None:
        stage.prometheus.latency = timedelta(seconds=takes_s)
        stage.scheduler.wake(A)
        await asyncio.sleep(1.1)

    stage = play(looker, story)

    assert [round(at, 2) for at, _ in stage.prometheus.asked] == want


@pytest.mark.parametrize(
    ("error", "want_times", "want_counted"),
    [
        pytest.param(
            UnreachableError("x"), [0.0, 0.1, 0.3, 0.7], "UnreachableError", id="out of reach"
        ),
        pytest.param(ConflictError("x"), [0.0, 0.0, 0.0, 0.0], "ConflictError", id="conflict"),
        pytest.param(RefusedError("x"), [0.0], "RefusedError", id="refused"),
        pytest.param(ZeroDivisionError("x"), [0.0, 0.1, 0.3, 0.7], "Bug", id="a bug"),
    ],
)
def test_failed_look_is_repeated(
    error: Exception, want_times: list[float], want_counted: str
) -> None:
    looker = ScriptedLooker(outcome=lambda *_: error)

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(0.75)

    stage = play(looker, story)

    assert looker.times()[: len(want_times)] == want_times
    assert set(stage.meter.errors) == {want_counted}


def test_losing_the_lease_is_no_error() -> None:
    looker = ScriptedLooker(outcome=lambda *_: NotLeadingError("x"))

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(20)

    assert play(looker, story).meter.errors == []
    assert looker.times() == [0.0]


def test_worker_of_a_rollout_that_is_gone_ends_and_a_new_one_starts_with_a_wake() -> None:
    gone = [True]
    looker = ScriptedLooker(outcome=lambda *_: Outcome(is_gone=gone[0]))
    keys = []

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(1)
        keys.append(stage.scheduler.keys)
        gone[0] = False
        stage.scheduler.wake(A)
        await asyncio.sleep(1)
        keys.append(stage.scheduler.keys)

    play(looker, story)

    assert keys == [frozenset(), frozenset({A})]
    assert looker.times() == [0.0, 1.0]


def test_end_waits_for_the_look_that_is_going_on_and_starts_none() -> None:
    looker = ScriptedLooker(takes=lambda _: 2.0)

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(1)
        stage.scheduler.wake(A)
        await stage.scheduler.stop(patience=timedelta(seconds=3))
        stage.scheduler.wake(B)
        assert now() == 2.0
        await asyncio.sleep(10)

    play(looker, story)

    assert looker.looks == [(A, 0.0)]


def test_end_gives_up_on_a_look_that_hangs() -> None:
    looker = ScriptedLooker(takes=lambda _: 1000.0)

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(1)
        await stage.scheduler.stop(patience=timedelta(seconds=3))
        assert now() == 4.0

    play(looker, story)


def test_lateness_is_the_time_between_the_cause_and_the_look() -> None:
    looker = ScriptedLooker(takes=lambda _: 2.0)

    async def story(stage: Stage) -> None:
        stage.scheduler.wake(A)
        await asyncio.sleep(0.5)
        stage.scheduler.wake(A)
        await asyncio.sleep(10)

    stage = play(looker, story)

    assert [(seconds, late) for seconds, late in stage.meter.ticks] == [(2.0, 0.0), (2.0, 1.5)]
