"""One picture through the service: decode, detect, hide, encode; each stage timed.

Fails closed: the result is built from pixels that went through hiding, so an error in any stage
means that no picture leaves.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import cv2

from faceblur_service.blurring import hide_faces
from faceblur_service.codec import Decoded, Format, Header, decode, encode, read_header
from faceblur_service.detection import Detector
from faceblur_service.faces import Face, numbered
from faceblur_service.options import Options, Sensitivity

# One picture uses one core: parallel work comes from several requests and several pods.
cv2.setNumThreads(1)

_DEFAULTS = Options()


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

    def run(
        self, data: bytes, options: Options = _DEFAULTS, header: Header | None = None
    ) -> Result:
        """Return the picture with every face hidden, in its own format.

        Args:
            data: A JPEG, PNG or WebP file.
            options: What the caller chose.
            header: What `read_header` said, when the caller knows already.

        Raises:
            RequestError: The bytes cannot be used.
            DetectionFailed: The faces could not be looked for.
            EncodingFailed: The result could not be written.
        """
        clock = _StageClock()
        with clock.stage("decode"):
            header = header or read_header(data)
            decoded = decode(data, header)
        with clock.stage("detect"):
            boxes = options.boxes
            if boxes is None:
                boxes = tuple(self.detector.find_faces(decoded.picture, options.sensitivity))
        with clock.stage("blur"):
            hidden = Decoded(hide_faces(decoded.picture, boxes), decoded.alpha)
            del decoded  # 25 megapixels are 75 MB, and encoding needs as much again
        with clock.stage("encode"):
            out = encode(hidden, header.format)
        return Result(out, header.format, numbered(boxes), 0, clock.seconds)

    def detect(
        self,
        data: bytes,
        sensitivity: Sensitivity = Sensitivity.HIGH,
        header: Header | None = None,
    ) -> Found:
        """Return where the faces are, in pixels of the picture turned upright.

        Raises:
            RequestError: The bytes cannot be used.
            DetectionFailed: The faces could not be looked for.
        """
        picture = decode(data, header or read_header(data)).picture
        height, width = picture.shape[:2]
        return Found(width, height, numbered(self.detector.find_faces(picture, sensitivity)))


@dataclass(slots=True)
class _StageClock:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
