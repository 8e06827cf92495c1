"""The pipeline in a process of its own: what is asked, and what a lost engine costs."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

import numpy as np
import pytest
from tests.support.detectors import FakeDetector

from faceblur_service import apart_engine
from faceblur_service.apart import ApartPipeline, Engine
from faceblur_service.errors import (
    DetectionFailed,
    EngineLost,
    ServiceError,
    StartError,
    UnsupportedPicture,
)
from faceblur_service.geometry import Box
from faceblur_service.options import Options
from faceblur_service.pipeline import Pipeline

EMPTY = np.zeros((64, 64, 3), np.uint8)
PICTURE = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
FACE = Box(4, 4, 60, 60, 0.9)


class FakeEngine:
    """Answers with the detectors, and otherwise as it is told."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        """Live."""
        self.starting, self.killed, self._answer = False, 0, answer

    def ask(self, what: str, *_: Any, **__: Any) -> Any:
        """Return the detectors, or what it was told."""
        return {"mediapipe": True} if what == "detectors" else self._answer(what)

    def is_starting(self) -> bool:
        """Return what was set."""
        return self.starting

    def kill(self) -> int:
        """Count."""
        self.killed += 1
        return -9


def _lost(what: str) -> Any:
    raise EngineLost(f"gone while asked to {what}")


def _engines(*answers: Callable[[str], Any]) -> tuple[ApartPipeline, list[FakeEngine]]:
    left, made = iter(answers), []

    def start(_lanes: int) -> FakeEngine:
        made.append(FakeEngine(next(left)))
        return made[-1]

    return ApartPipeline(3, start), made


def test_a_lost_engine_is_killed_and_replaced_and_its_picture_not_tried_again() -> None:
    pipeline, made = _engines(_lost, lambda _what: [])

    with pytest.raises(EngineLost):
        pipeline.run(b"", Options())

    assert [engine.killed for engine in made] == [1, 0]
    assert pipeline.detector.find_faces(EMPTY) == []


def test_who_shared_a_lost_engine_does_not_kill_the_next_one() -> None:
    pipeline, made = _engines(_lost, lambda _what: [], lambda _what: [])
    first = made[0]

    def lost_later(what: str) -> Any:
        # Another thread has seen it first.
        pipeline._replace(first)
        return _lost(what)

    first._answer = lost_later
    with pytest.raises(EngineLost):
        pipeline.run(b"", Options())

    assert [engine.killed for engine in made] == [1, 0]


def test_a_pod_stays_ready_while_an_engine_starts_and_not_when_it_never_answers() -> None:
    pipeline, made = _engines(_lost, _lost)
    made[0].starting = True

    assert pipeline.find_faces(EMPTY) == []
    made[0].starting = False
    with pytest.raises(DetectionFailed):
        pipeline.find_faces(EMPTY)


def test_a_replaced_engine_is_starting_until_it_answers_though_nobody_waits_for_it() -> None:
    awake, answered = threading.Event(), threading.Event()

    class Sleepy(FakeEngine):
        def ask(self, what: str, *_: Any, **__: Any) -> Any:
            self.starting = not awake.wait(20)
            answered.set()
            return super().ask(what)

    first, second = FakeEngine(_lost), Sleepy(lambda _what: [])
    second.starting = True
    engines = iter([first, second])
    pipeline = ApartPipeline(1, lambda _lanes: next(engines))

    with pytest.raises(EngineLost):
        pipeline.run(b"", Options())
    told = [pipeline.is_starting()]
    awake.set()
    assert answered.wait(20)
    told.append(pipeline.is_starting())

    assert told == [True, False]


def test_an_engine_that_dies_as_it_starts_is_not_started_again_until_somebody_asks() -> None:
    woken = threading.Event()

    class Dead(FakeEngine):
        def ask(self, what: str, *_: Any, **__: Any) -> Any:
            woken.set()
            return _lost(what)

    made: list[FakeEngine] = []

    def start(_lanes: int) -> FakeEngine:
        made.append(Dead(_lost) if made else FakeEngine(_lost))
        return made[-1]

    pipeline = ApartPipeline(1, start)
    with pytest.raises(EngineLost):
        pipeline.run(b"", Options())
    assert woken.wait(20)

    assert [engine.killed for engine in made] == [1, 0]


def test_an_engine_that_does_not_start_stops_the_start() -> None:
    class Dead(FakeEngine):
        def ask(self, what: str, *_: Any, **__: Any) -> Any:
            return _lost(what)

    with pytest.raises(StartError, match="does not start"):
        ApartPipeline(1, lambda _lanes: Dead(_lost))


def test_an_engine_answers_what_is_asked_and_raises_what_was_raised() -> None:
    ours, theirs = Pipe()
    methods = apart_engine.methods_of(Pipeline(FakeDetector([FACE])))
    thread = Thread(target=apart_engine.serve, args=(theirs, methods))
    thread.start()

    asked = [("find_faces", (PICTURE,)), ("detect", (b"\xff\xd8nothing",)), ("find_faces", (1, 2))]
    found: list[tuple[bool, Any]] = []
    for question in asked:
        ours.send(question)
        found.append(ours.recv())
    ours.close()
    thread.join()

    assert found[0] == (True, [FACE])
    assert [(worked, type(error)) for worked, error in found[1:]] == [
        (False, UnsupportedPicture),
        (False, ServiceError),
    ]


def test_a_killed_engine_is_told_from_an_answer() -> None:
    engine = Engine(1)

    status = engine.kill()
    with pytest.raises(EngineLost):
        engine.ask("detectors", (), 5)

    assert status == -9


# Answers with what it was asked, after as many seconds as it was told.
ECHO = """
import sys, threading, time
from multiprocessing.connection import Connection
from faceblur_service.apart_engine import serve

def echo(seconds, word):
    time.sleep(seconds)
    return word

for number in sys.argv[1:]:
    lane = Connection(int(number))
    threading.Thread(target=serve, args=(lane, {"echo": echo}), daemon=True).start()
sys.stdin.read()
"""


@pytest.fixture
def echoing() -> Iterator[Callable[[int], Engine]]:
    made: list[Engine] = []

    def start(lanes: int) -> Engine:
        made.append(Engine(lanes, ("-c", ECHO)))
        made[-1].ask("echo", (0, "awake"), 30)
        return made[-1]

    yield start
    for engine in made:
        engine.kill()


def test_a_late_answer_is_never_taken_for_the_next_pictures(
    echoing: Callable[[int], Engine],
) -> None:
    """One person's picture in another person's answer is the worst that could happen."""
    engine = echoing(1)
    os.kill(engine._process.pid, signal.SIGSTOP)
    with pytest.raises(EngineLost, match="does not answer"):
        engine.ask("echo", (0, "the first one's picture"), 0)
    os.kill(engine._process.pid, signal.SIGCONT)

    with pytest.raises(EngineLost):
        engine.ask("echo", (0, "the second one's picture"), 30)


def test_an_answer_that_was_not_taken_whole_is_not_taken_at_all(
    echoing: Callable[[int], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_lane: object) -> None:
        raise MemoryError

    engine = echoing(1)
    with monkeypatch.context() as patched:
        # What a worker meets whose memory ends in the middle of an answer.
        patched.setattr(Connection, "recv", fail)
        with pytest.raises(MemoryError):
            engine.ask("echo", (0, "the first one's picture"), 30)

    with pytest.raises(EngineLost):
        engine.ask("echo", (0, "the second one's picture"), 30)


def test_however_late_engines_answer_everybody_gets_his_own_or_nothing(
    echoing: Callable[[int], Engine],
) -> None:
    rng = random.Random(7)
    asked = [(rng.choice([0, 0.002, 0.02]), rng.choice([0, 0.002, 0.02, 30])) for _ in range(120)]

    def ask(engine: Engine, number: int) -> int | None:
        delay, patience = asked[number]
        try:
            return int(engine.ask("echo", (delay, number), patience))
        except EngineLost:
            return None

    answers: dict[int, int | None] = {}
    with ThreadPoolExecutor(8) as people:
        # Each engine loses its lanes one by one, as nobody replaces it here.
        for start in range(0, len(asked), 60):
            engine, some = echoing(16), range(start, start + 60)
            found = people.map(ask, repeat(engine), some)
            answers.update(zip(some, found, strict=True))

    got = {number: answer for number, answer in answers.items() if answer is not None}
    assert got == {number: number for number in got}
    assert 0 < len(got) < len(asked)
