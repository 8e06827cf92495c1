"""The work on one picture, whoever does it: the cache, this pod's pipeline, or stable.

On the gray track with a stable version to fall back to, a picture that takes too long or fails
here is answered by stable with the original bytes. Everywhere else this pod answers or says why
not. Knows nothing of Flask: the batch works on after its request's context has ended.
"""

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from faceblur_service.cache import ResultCache
from faceblur_service.codec import Header, read_header
from faceblur_service.detection import Detector
from faceblur_service.errors import EngineLost, FaceBlurError, QueueFull, RequestError
from faceblur_service.geometry import Box
from faceblur_service.metrics import Metrics
from faceblur_service.options import Options, Sensitivity
from faceblur_service.pipeline import Found, Result
from faceblur_service.settings import Settings
from faceblur_service.web.admission import Admission
from faceblur_service.web.fallback import Asks, Guard, StableAnswer, StableUnavailable
from faceblur_service.web.shadow import Sample, Shadow

_log = logging.getLogger("faceblur.web")

_FREE_MEGAPIXELS = 2.0
_S_PER_MEGAPIXEL = 0.1


class Hides(Protocol):
    """A pipeline, in this process or apart from it."""

    @property
    def detector(self) -> Detector:
        """Return what finds the faces."""
        ...

    def run(self, data: bytes, options: Options, header: Header) -> Result:
        """Return the picture with every face hidden; see `Pipeline.run`."""
        ...

    def detect(self, data: bytes, sensitivity: Sensitivity, header: Header) -> Found:
        """Return where the faces are; see `Pipeline.detect`."""
        ...

    def is_starting(self) -> bool:
        """Return whether a picture would have to wait until there is somebody to work on it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """An answer to one picture."""

    data: bytes
    media_type: str
    faces: int
    hidden_again: int = 0
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    boxes: tuple[Box, ...] | None = None
    """Where this pod saw faces; None when it did not look just now."""

    status: int = 200
    """Other than 200 only when stable refused the picture."""

    degraded: str | None = None
    """Why stable answered; None when this pod did."""

    served_by: Mapping[str, str] = field(default_factory=dict)
    """Headers that name the version and track of whoever made the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Helpers:
    """What a gray pod has beside its own pipeline."""

    stable: Asks
    guard: Guard
    shadow: Shadow


class Work:
    """Hides faces in pictures, one call per picture; thread-safe."""

    def __init__(
        self,
        settings: Settings,
        pipeline: Hides,
        cache: ResultCache,
        admission: Admission,
        metrics: Metrics,
        helpers: Helpers | None = None,
    ) -> None:
        """Work with what is given; without helpers everything is answered here."""
        self._settings, self._pipeline, self._cache = settings, pipeline, cache
        self._admission, self._metrics, self._helpers = admission, metrics, helpers
        # As many as can hold a place: a picture never waits for one of these threads.
        self._threads = ThreadPoolExecutor(settings.slots + settings.queue, "work")

    def hide(self, data: bytes, options: Options, tags: Mapping[str, str], *, hop: bool) -> Hidden:
        """Return the picture with its faces hidden.

        Args:
            data: The picture's file.
            options: What the caller chose.
            tags: Headers that tie this to its request, for whoever is asked next.
            hop: Another pod sent this: it is answered here or not at all.

        Raises:
            FaceBlurError: Why there is no picture.
        """
        header = read_header(data)
        if self._helpers is None or hop:
            return self._own(data, options, header, threading.Event())
        return self._timed(self._helpers, data, options, header, tags)

    def can_forward(self, *, hop: bool) -> bool:
        """Return whether stable may be asked for a picture that finds no place here."""
        return self._helpers is not None and not hop and self._helpers.guard.is_open()

    def forward(
        self, data: bytes, options: Options, tags: Mapping[str, str], reason: str
    ) -> Hidden:
        """Return stable's answer to a picture that this pod has not even tried.

        Raises:
            QueueFull: Stable does not answer either.
            RequestError: The picture cannot be used.
        """
        header = read_header(data)
        assert self._helpers is not None  # noqa: S101 - can_forward said so; narrows the type
        try:
            return self._ask(self._helpers, data, options, header, tags, reason=reason)
        except StableUnavailable as err:
            raise QueueFull("All places in the queue are taken. Try again in a second.") from err

    def offer(
        self,
        hidden: Hidden,
        data: bytes,
        options: Options,
        tags: Mapping[str, str],
        *,
        named: Sensitivity | None,
    ) -> None:
        """Let an answered picture be compared with stable, perhaps; returns at once.

        Args:
            hidden: The answer.
            data: The picture's file.
            options: What the picture was hidden with.
            tags: Headers that tie this to its request.
            named: The sensitivity that the caller asked for, if he did.
        """
        if self._helpers is None or hidden.boxes is None or options.boxes is not None:
            return
        sample = Sample(
            data=data,
            media_type=hidden.media_type,
            sensitivity=named,
            boxes=hidden.boxes,
            tags=tags,
        )
        self._helpers.shadow.offer(sample, busy=self._admission.is_busy())

    def _timed(
        self,
        helpers: Helpers,
        data: bytes,
        options: Options,
        header: Header,
        tags: Mapping[str, str],
    ) -> Hidden:
        given_up = threading.Event()
        if self._pipeline.is_starting():
            with suppress(StableUnavailable):
                return self._ask(helpers, data, options, header, tags, reason=EngineLost.code)
            # Late is better than never: nobody else is left to ask.
            return self._own(data, options, header, given_up)
        job = self._threads.submit(self._own, data, options, header, given_up)
        reason = _trouble(job, self._patience_s(header))
        if reason is None:
            helpers.guard.served()
            return job.result()
        try:
            hidden = self._ask(helpers, data, options, header, tags, reason=reason)
        except StableUnavailable:
            # Late is better than never: nobody else is left to ask.
            return job.result()
        given_up.set()
        job.cancel()
        self._admission.nudge()
        return hidden

    def _ask(
        self,
        helpers: Helpers,
        data: bytes,
        options: Options,
        header: Header,
        tags: Mapping[str, str],
        *,
        reason: str,
    ) -> Hidden:
        fields = {"reason": reason, **tags}
        try:
            answer = helpers.guard.ask(
                lambda: helpers.stable.blur(data, header.format.media_type, options, tags)
            )
        except StableUnavailable as err:
            self._metrics.fell_back(reason, worked=False)
            _log.warning("no fallback", extra={"fields": {**fields, "why": str(err)}})
            raise
        self._metrics.fell_back(reason, worked=True)
        _log.warning("degraded", extra={"fields": fields})
        return _from_stable(answer, reason)

    def _own(
        self, data: bytes, options: Options, header: Header, given_up: threading.Event
    ) -> Hidden:
        if self._settings.fault:
            self._settings.fault.strike()

        def make() -> Result:
            with self._admission.slot(header.cost, given_up):
                # What was answered before may be made again; a picture at work needs its room.
                self._cache.shrink(self._admission.room_left())
                return self._pipeline.run(data, options, header)

        result, hit = self._cache.get_or_make(self._cache.key(data, options), make)
        if not hit:
            self._metrics.hidden(len(result.faces), result.stage_seconds, result.hidden_again)
        return Hidden(
            data=result.data,
            media_type=result.format.media_type,
            faces=len(result.faces),
            hidden_again=result.hidden_again,
            stage_seconds={} if hit else result.stage_seconds,
            boxes=None if hit else tuple(face.box for face in result.faces),
        )

    def _patience_s(self, header: Header) -> float:
        beyond = max(0.0, header.pixels / 1e6 - _FREE_MEGAPIXELS)
        return self._settings.fallback_after_ms / 1000 + beyond * _S_PER_MEGAPIXEL


def _trouble(job: Future[Hidden], patience_s: float) -> str | None:
    """Return what is wrong with a job after waiting for it; None when it is well."""
    try:
        job.result(patience_s)
    except TimeoutError:
        return "slow"
    except QueueFull:
        return "queue-full"
    except RequestError:
        return None  # the picture's own fault; stable would say the same
    except FaceBlurError as err:
        return err.code
    except Exception:  # noqa: BLE001 - whatever it is, stable may do better
        _log.exception("unexpected error")
        return "internal-error"
    return None


def _from_stable(answer: StableAnswer, reason: str) -> Hidden:
    faces = answer.headers.get("X-Face-Blur-Faces", "0")
    return Hidden(
        data=answer.data,
        media_type=answer.content_type,
        faces=int(faces) if faces.isascii() and faces.isdigit() else 0,
        status=answer.status,
        degraded=reason,
        served_by={k: v for k, v in answer.headers.items() if k != "X-Face-Blur-Faces"},
    )
