"""The pipeline in a process of its own: what is asked, and what a lost engine costs."""

from collections.abc import Callable
from multiprocessing import Pipe
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
