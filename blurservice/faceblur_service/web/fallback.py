"""The stable version as a gray pod reaches it, for pictures it cannot answer and to compare.

`Stable` speaks HTTP to FACEBLUR_FALLBACK_URL. `Guard` decides whether it may be asked at all: a
stable version in trouble must not get gray's load on top.
"""

import http.client
import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import SplitResult, urlencode, urlsplit

from faceblur_service.boxes import boxes_from_json
from faceblur_service.errors import BadRequest
from faceblur_service.geometry import Box
from faceblur_service.options import Options, Sensitivity

HOP = "X-Face-Blur-Hop"
"""Marks a request that came from another pod: it is answered there or not at all."""

TIMEOUT_S = 5.0
_MAX_ANSWER = 64 * 1024 * 1024
_KEPT = ("X-Face-Blur-Faces", "X-Face-Blur-Version", "X-Face-Blur-Track")


class StableUnavailable(Exception):  # noqa: N818 - named after what happened
    """Stable was not asked, did not answer, or is in trouble itself."""


@dataclass(frozen=True, slots=True)
class StableAnswer:
    """What stable said to a picture."""

    status: int
    content_type: str
    headers: dict[str, str]
    data: bytes


class Asks(Protocol):
    """Asks the stable version; every method raises StableUnavailable."""

    def blur(
        self, data: bytes, media_type: str, options: Options, tags: Mapping[str, str]
    ) -> StableAnswer:
        """Return stable's answer to a picture: a picture or the caller's own error."""
        ...

    def detect(
        self, data: bytes, media_type: str, sensitivity: Sensitivity | None, tags: Mapping[str, str]
    ) -> tuple[Box, ...]:
        """Return where stable sees faces; None: as hard as it looks for callers who say nothing."""
        ...


class Stable:
    """The stable version behind an address."""

    def __init__(self, url: str, token: str | None, timeout_s: float = TIMEOUT_S) -> None:
        """Remember the address; nothing is sent before a picture needs it."""
        self._url, self._token, self._timeout_s = urlsplit(url), token, timeout_s

    def blur(
        self, data: bytes, media_type: str, options: Options, tags: Mapping[str, str]
    ) -> StableAnswer:
        """Return stable's answer to a picture."""
        if options.boxes:
            # Many boxes do not fit into an address.
            data, media_type = _form(data, media_type, options.boxes)
        answer = self._post("/api/v1/blur", _query(options), data, media_type, tags)
        # Of the caller's own errors only those that a picture can have: the rest is our doing.
        if answer.status not in {200, 400, 413, 415, 422}:
            raise StableUnavailable(f"stable answered {answer.status}")
        return answer

    def detect(
        self, data: bytes, media_type: str, sensitivity: Sensitivity | None, tags: Mapping[str, str]
    ) -> tuple[Box, ...]:
        """Return where stable sees faces; None: as hard as it looks for callers who say nothing."""
        query = {"sensitivity": sensitivity.value} if sensitivity else {}
        answer = self._post("/api/v1/detect", query, data, media_type, tags)
        try:
            if answer.status == 200:
                return boxes_from_json(json.loads(answer.data)["faces"])
        except (ValueError, KeyError, TypeError, BadRequest) as err:
            raise StableUnavailable("stable's answer cannot be read") from err
        raise StableUnavailable(f"stable answered {answer.status}")

    def _post(
        self,
        path: str,
        query: Mapping[str, str],
        data: bytes,
        media_type: str,
        tags: Mapping[str, str],
    ) -> StableAnswer:
        headers = {**tags, HOP: "1", "Content-Type": media_type}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = _connection(self._url, self._timeout_s)
        try:
            target = f"{self._url.path}{path}?{urlencode(query)}"
            connection.request("POST", target, data, headers)
            answer = connection.getresponse()
            body = answer.read(_MAX_ANSWER + 1)
        except (OSError, http.client.HTTPException) as err:
            raise StableUnavailable(f"stable does not answer: {type(err).__name__}") from err
        finally:
            connection.close()
        if len(body) > _MAX_ANSWER:
            raise StableUnavailable("stable's answer is too large")
        kept = {name: value for name in _KEPT if (value := answer.getheader(name)) is not None}
        kind = answer.getheader("Content-Type") or "application/octet-stream"
        return StableAnswer(answer.status, kind, kept, body)


class Guard:
    """Says whether stable may be asked now; thread-safe.

    Three limits: so many questions at once, at most a share of the recent requests, and none for
    a while after stable failed several times in a row (each time longer, one try in between).
    """

    FAILURES = 3
    FIRST_PAUSE_S = 2.0
    LONGEST_PAUSE_S = 60.0
    RECENT = 100

    def __init__(
        self, *, at_once: int, percent: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with trust in stable."""
        self._at_once, self._percent, self._monotonic = at_once, percent, monotonic
        self._lock = threading.Lock()
        self._asking = 0
        self._failed = 0
        self._pause_s = self.FIRST_PAUSE_S
        self._closed_until = 0.0
        self._recent: deque[bool] = deque(maxlen=self.RECENT)

    def served(self) -> None:
        """Remember a request that needed no stable: it earns its share."""
        with self._lock:
            self._recent.append(False)

    def ask(self, question: Callable[[], Any]) -> Any:
        """Ask stable, when that is allowed, and learn from how it goes.

        Raises:
            StableUnavailable: It is not allowed, or did not work.
        """
        self._enter()
        try:
            found = question()
        except StableUnavailable:
            self._leave(worked=False)
            raise
        except BaseException:
            self._leave(worked=True)  # our own mistake says nothing about stable
            raise
        self._leave(worked=True)
        return found

    def is_open(self) -> bool:
        """Return whether a question would be let through now."""
        with self._lock:
            return self._refusal() is None

    def _enter(self) -> None:
        with self._lock:
            refusal = self._refusal()
            if refusal is not None:
                raise StableUnavailable(refusal)
            if self._failed >= self.FAILURES:
                # The one try of this pause: everybody else waits for how it goes.
                self._closed_until = self._monotonic() + TIMEOUT_S
            self._asking += 1
            self._recent.append(True)

    def _refusal(self) -> str | None:
        if self._monotonic() < self._closed_until:
            return "stable is in trouble itself"
        if self._asking >= self._at_once:
            return "enough questions are on their way"
        asked = sum(self._recent)
        # The first few always: a share of nothing would be nothing.
        if asked >= 10 and asked * 100 >= self._percent * (len(self._recent) + 1):
            return "the share of stable is used up"
        return None

    def _leave(self, *, worked: bool) -> None:
        with self._lock:
            self._asking -= 1
            if worked:
                self._failed, self._closed_until = 0, 0.0
                self._pause_s = self.FIRST_PAUSE_S
                return
            self._failed += 1
            if self._failed >= self.FAILURES:
                self._closed_until = self._monotonic() + self._pause_s
                self._pause_s = min(self._pause_s * 2, self.LONGEST_PAUSE_S)


def _query(options: Options) -> dict[str, str]:
    query = {
        "mode": options.mode.value,
        "strength": options.strength.value,
        "sensitivity": options.sensitivity.value,
    }
    # Empty boxes hide nothing, which is another wish than none.
    return query if options.boxes is None or options.boxes else {**query, "boxes": "[]"}


def _form(data: bytes, media_type: str, boxes: tuple[Box, ...]) -> tuple[bytes, str]:
    mark = secrets.token_hex(16)
    listed = json.dumps(
        [{"x": b.x1, "y": b.y1, "width": b.width, "height": b.height} for b in boxes]
    )
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="boxes"\r\n\r\n{listed}\r\n'
        f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="image"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    body = b"".join((head.encode(), data, f"\r\n--{mark}--\r\n".encode()))
    return body, f"multipart/form-data; boundary={mark}"


def _connection(url: SplitResult, timeout_s: float) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.hostname or "", url.port, timeout=timeout_s)
