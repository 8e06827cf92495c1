"""The pipeline in a process of its own, so that what kills it does not take the request with it.

A gray pod that can hand on to stable uses it: decoding and detecting are what runs out of memory,
crashes in native code or hangs. That happens in the engine (`apart_engine.py`); the process that
holds the connection and the original bytes lives on, hands the picture to stable and starts
another engine. Must not be used where nobody else could answer: it costs memory and a start.
"""

import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection, Pipe
from typing import Any, Protocol

from faceblur_service.blurring import Picture
from faceblur_service.codec import Header
from faceblur_service.deadline import PICTURE_SECONDS
from faceblur_service.errors import DetectionFailed, EngineLost, StartError
from faceblur_service.geometry import Box
from faceblur_service.options import Options, Sensitivity
from faceblur_service.pipeline import Found, Result

_log = logging.getLogger("faceblur.engine")

STARTING_S = 30.0
"""How long an engine may take until it answers for the first time."""

# Beyond the deadline of a picture it does not look at its clock any more: it hangs.
_PICTURE_S = PICTURE_SECONDS + 5
_TRY_S = 10.0


class Asked(Protocol):
    """One engine's life, as `ApartPipeline` sees it."""

    def ask(self, what: str, arguments: tuple[Any, ...], seconds: float) -> Any:
        """Return the answer; raise EngineLost when there is none."""
        ...

    def is_starting(self) -> bool:
        """Return whether it has not answered yet, and still may take its time."""
        ...

    def kill(self) -> int | None:
        """End it at once and return its exit status."""
        ...


class Engine:
    """A process with a pipeline, asked over one connection per picture at work; thread-safe."""

    def __init__(
        self,
        lanes: int,
        program: Sequence[str] = ("-m", "faceblur_service.apart_engine"),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start it; what is asked before it is ready waits.

        Args:
            lanes: How many may ask at once.
            program: What Python runs; it gets the number of each lane.
            monotonic: The clock.
        """
        ours, theirs = zip(*(Pipe() for _ in range(lanes)), strict=True)
        numbers = [end.fileno() for end in theirs]
        command = [sys.executable, *program, *map(str, numbers)]
        # It ends when its standard input does, so however this process ends.
        self._process = subprocess.Popen(  # noqa: S603 - our own program, with numbers
            command, pass_fds=numbers, stdin=subprocess.PIPE
        )
        for end in theirs:
            end.close()
        self._lanes: queue.SimpleQueue[Connection[Any, Any]] = queue.SimpleQueue()
        for end in ours:
            self._lanes.put(end)
        self._monotonic, self._born, self._answered = monotonic, monotonic(), False

    def ask(self, what: str, arguments: tuple[Any, ...], seconds: float) -> Any:
        """Return what a method of the pipeline or its detector returns.

        Raises:
            FaceBlurError: The method raised it, or the engine ended or did not answer in time.
        """
        lane, answer = self._lanes.get(), None
        try:
            lane.send((what, arguments))
            if not lane.poll(seconds):
                raise EngineLost("The blur engine does not answer.")
            answer = lane.recv()
        except (EOFError, OSError) as err:
            raise EngineLost("The blur engine ended.") from err
        finally:
            if answer is None:
                # Its answer may still come, and must not be taken for the next picture's.
                lane.close()
            self._lanes.put(lane)
        worked, found = answer
        self._answered = True
        if not worked:
            raise found
        return found

    def is_starting(self) -> bool:
        """Return whether it has not answered yet, and still may take its time."""
        return not self._answered and self._monotonic() - self._born < STARTING_S

    def kill(self) -> int | None:
        """End it at once and return its exit status."""
        self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return self._process.wait()


class ApartPipeline:
    """A pipeline, and its detector, that live in an engine; thread-safe.

    An engine that was lost is replaced by the next one; its pictures are not tried again.
    """

    def __init__(self, lanes: int, start: Callable[[int], Asked] = Engine) -> None:
        """Start an engine and wait until it answers.

        Args:
            lanes: How many threads may ask at once.
            start: Makes an engine.

        Raises:
            StartError: It does not start.
        """
        self._lanes, self._start = lanes, start
        self._lock = threading.Lock()
        self._engine = start(lanes)
        try:
            self._there: Mapping[str, bool] = self._engine.ask("detectors", (), STARTING_S)
        except EngineLost as err:
            self._engine.kill()
            raise StartError("The blur engine does not start.") from err

    @property
    def detector(self) -> "ApartPipeline":
        """Return the engine's detector."""
        return self

    def run(
        self, data: bytes, options: Options | None = None, header: Header | None = None
    ) -> Result:
        """Return the picture with every face hidden; see `Pipeline.run`."""
        found = self._ask("run", data, options or Options(), header)
        assert isinstance(found, Result)  # noqa: S101 - narrows the type
        return found

    def detect(
        self,
        data: bytes,
        sensitivity: Sensitivity = Sensitivity.HIGH,
        header: Header | None = None,
    ) -> Found:
        """Return where the faces are; see `Pipeline.detect`."""
        found = self._ask("detect", data, sensitivity, header)
        assert isinstance(found, Found)  # noqa: S101 - narrows the type
        return found

    def find_faces(
        self, picture: Picture, sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        """Return a box per face; nothing while a lost engine is replaced.

        Only readiness asks, with an empty picture: meanwhile stable answers, and a pod that said
        "not ready" would turn that into failed requests.

        Raises:
            DetectionFailed: The engine does not answer.
        """
        if self.is_starting():
            return []
        try:
            return list(self._ask("find_faces", picture, sensitivity, seconds=_TRY_S))
        except EngineLost as err:
            raise DetectionFailed(str(err)) from err

    def find_leftovers(self, picture: Picture) -> list[Box]:
        """Return what still looks like a face in a sheet of hidden ones."""
        return list(self._ask("find_leftovers", picture))

    def detectors(self) -> Mapping[str, bool]:
        """Return every detector by name, and whether it is there."""
        return self._there

    def is_starting(self) -> bool:
        """Return whether a lost engine is being replaced, so that a picture would have to wait."""
        return self._engine.is_starting()

    def close(self) -> None:
        """End the engine."""
        self._engine.kill()

    def _ask(self, what: str, *arguments: Any, seconds: float = _PICTURE_S) -> Any:
        engine = self._engine
        try:
            return engine.ask(what, arguments, seconds)
        except EngineLost:
            self._replace(engine)
            raise

    def _replace(self, lost: Asked) -> None:
        with self._lock:
            # Whoever shared it has lost it too; one of them replaces it.
            if self._engine is not lost:
                return
            status = lost.kill()
            self._engine = self._start(self._lanes)
        # Nobody waits for it, so nobody would notice that it is there.
        threading.Thread(target=_wake, args=(self._engine,), name="wake", daemon=True).start()
        _log.error("the blur engine was lost", extra={"fields": {"exitStatus": status}})


def _wake(engine: Asked) -> None:
    try:
        engine.ask("detectors", (), STARTING_S)
    except EngineLost as err:
        # Whoever asks for a picture next finds out and replaces it: not at once, again and again.
        _log.warning("the blur engine does not start", extra={"fields": {"reason": str(err)}})
