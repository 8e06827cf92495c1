"""One picture through the service: decode, detect, hide, encode; each stage timed.

A picture is an iterator of frames, one for a still picture: each goes through all stages before
the next one is decoded, so that a film would need no more memory than an animation.

Fails closed: the result is built from pixels that went through hiding, so an error in any stage
means that no picture leaves.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import cv2

from faceblur_service.allocator import sparing
from faceblur_service.animation import over_all, with_neighbours
from faceblur_service.blurring import Picture, hide_faces_inplace
from faceblur_service.codec import Format, Frame, Header, encode, frames, read_header
from faceblur_service.deadline import Deadline
from faceblur_service.detection import Detector
from faceblur_service.errors import BadRequest
from faceblur_service.faces import Face, numbered
from faceblur_service.geometry import Box
from faceblur_service.leaning import leans
from faceblur_service.options import Mode, Options, Sensitivity
from faceblur_service.selfcheck import still_faces

# One picture uses one core: parallel work comes from several requests and several pods.
cv2.setNumThreads(1)

_DEFAULTS = Options()
# Pixels. Smaller pictures are quick because their memory is still there from the one before.
_LARGE = 4_000_000


@dataclass(frozen=True, slots=True)
class Result:
    """A hidden picture and how it came about."""

    data: bytes
    format: Format
    faces: list[Face]
    """What was hidden."""

    hidden_again: int
    """How many of them still looked like a face and were hidden harder."""

    stage_seconds: dict[str, float]
    """Seconds per stage: decode, detect, blur, encode."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A hidden picture that is an array."""

    picture: Picture
    faces: list[Face]
    """What was hidden."""

    hidden_again: int
    """How many of them still looked like a face and were hidden harder."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where the faces of a picture are."""

    width: int
    """Pixels, of the picture turned upright."""

    height: int
    faces: list[Face]
    """Best first."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Hides faces in pictures with one detector."""

    detector: Detector
    deadline: Callable[[], Deadline] = Deadline
    """Makes what limits the time of one picture."""

    def run(
        self, data: bytes, options: Options = _DEFAULTS, header: Header | None = None
    ) -> Result:
        """Return the picture with every face hidden, in its own format; HEIC as JPEG.

        Args:
            data: A picture file of one of the formats of `codec.Format`.
            options: What the caller chose.
            header: What `read_header` said, when the caller knows already.

        Raises:
            RequestError: The bytes cannot be used.
            DetectionFailed: The faces could not be looked for.
            EncodingFailed: The result could not be written.
        """
        clock, deadline = _StageClock(), self.deadline()
        with clock.stage("decode"):
            header = header or read_header(data)
        with sparing(when=header.pixels >= _LARGE):
            return self._run(data, options, header, clock, deadline)

    def _run(
        self,
        data: bytes,
        options: Options,
        header: Header,
        clock: "_StageClock",
        deadline: Deadline,
    ) -> Result:
        boxes: list[Box] = []
        again: list[int] = []
        nowhere = set(options.boxes or ())

        def judge(frame: Frame) -> tuple[Frame, tuple[Box, ...]]:
            with clock.stage("detect"):
                found = self._find(frame.picture, options)
            nowhere.difference_update(_inside(nowhere, frame.picture))
            boxes.extend(found)
            deadline.check()
            return frame, found

        def hide(judged: tuple[Frame, tuple[Box, ...]]) -> Frame:
            frame, found = judged
            with clock.stage("blur"):
                # In the decoded pixels themselves, which nobody else has.
                again.append(self._hide_inplace(frame.picture, found, options))
            deadline.check()
            return frame

        # By map: a loop's variable would keep 75 MB of an original of 25 megapixels in memory
        # while its result is written.
        judged = map(judge, clock.each("decode", frames(data, header, deadline)))
        out = clock.rest("encode", lambda: encode(map(hide, _seen(judged, header)), header))
        if nowhere:
            raise _outside(nowhere, options)
        if header.frames > 1:
            boxes = list(over_all(boxes))
        return Result(out, header.format.written, numbered(boxes), sum(again), clock.seconds)

    def is_starting(self) -> bool:
        """Return False: whoever asks does the work himself."""
        return False

    def detect(
        self,
        data: bytes,
        sensitivity: Sensitivity = Sensitivity.HIGH,
        header: Header | None = None,
    ) -> Found:
        """Return where the faces are, in pixels of the picture turned upright.

        Of an animation, in any of its frames.

        Raises:
            RequestError: The bytes cannot be used.
            DetectionFailed: The faces could not be looked for.
        """
        header, deadline = header or read_header(data), self.deadline()
        options = Options(sensitivity=sensitivity)
        height = width = 0
        boxes: list[Box] = []
        with sparing(when=header.pixels >= _LARGE):
            for frame in frames(data, header, deadline):
                boxes.extend(self._find(frame.picture, options))
                height = max(height, frame.picture.shape[0])
                width = max(width, frame.picture.shape[1])
                deadline.check()
        if header.frames > 1:
            boxes = list(over_all(boxes))
        return Found(width, height, numbered(boxes))

    def _find(self, picture: Picture, options: Options) -> tuple[Box, ...]:
        if options.boxes is not None:
            return options.boxes
        return tuple(self.detector.find_faces(picture, options.sensitivity))

    def hide(self, picture: Picture, options: Options = _DEFAULTS) -> Hidden:
        """Return a picture that is an array already with every face hidden.

        Args:
            picture: uint8, shape (height, width, 3), BGR; left unchanged.
            options: What the caller chose.

        Raises:
            BadRequest: A corrected box lies outside of the picture.
            DetectionFailed: The faces could not be looked for.
        """
        nowhere = set(options.boxes or ())
        nowhere -= _inside(nowhere, picture)
        if nowhere:
            raise _outside(nowhere, options)
        boxes = self._find(picture, options)
        hidden = picture.copy()
        again = self._hide_inplace(hidden, boxes, options)
        return Hidden(hidden, numbered(boxes), again)

    def _hide_inplace(self, picture: Picture, boxes: tuple[Box, ...], options: Options) -> int:
        """Hide the boxes, look again, hide harder what is still a face; return how many are.

        Solid and emoji are opaque: there is nothing left to be recognised, and a drawn face that
        is taken for one is what was asked for.
        """
        turned = leans(picture, boxes, self.detector) if options.mode is Mode.EMOJI else ()
        hide_faces_inplace(picture, boxes, options.mode, options.strength, leans=turned)
        if not boxes or options.mode in {Mode.SOLID, Mode.EMOJI}:
            return 0
        still = [boxes[index] for index in still_faces(picture, boxes, self.detector)]
        hide_faces_inplace(picture, still, Mode.SOLID)
        return len(still)


def _inside(boxes: Iterable[Box], picture: Picture) -> set[Box]:
    height, width = picture.shape[:2]
    return {
        box for box in boxes if box.x1 < width and box.y1 < height and box.x2 > 0 and box.y2 > 0
    }


def _outside(nowhere: set[Box], options: Options) -> BadRequest:
    # Never done quietly: boxes of another picture or size would leave its faces clear.
    place = min((options.boxes or ()).index(box) for box in nowhere) + 1
    return BadRequest(
        f"Box {place} to hide lies outside of the picture: is it of this picture, in its pixels?"
    )


def _seen(
    judged: Iterator[tuple[Frame, tuple[Box, ...]]], header: Header
) -> Iterator[tuple[Frame, tuple[Box, ...]]]:
    return with_neighbours(judged) if header.animated else judged


@dataclass(slots=True)
class _StageClock:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside to a stage."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - start

    def each(self, name: str, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Add the time that each frame takes to come to a stage."""

        def step() -> Frame | None:
            with self.stage(name):
                return next(frames, None)

        return iter(step, None)

    def rest(self, name: str, work: Callable[[], bytes]) -> bytes:
        """Give a stage what the others do not take of the time that the work takes."""
        start, others = time.perf_counter(), sum(self.seconds.values())
        out = work()
        others = sum(self.seconds.values()) - others
        self.seconds[name] = time.perf_counter() - start - others
        return out
