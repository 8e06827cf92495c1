"""Who takes part in the gray channel, from everything that says so.

The pool (who joined), the lists of users and networks in the settings, and, where the pool is not
shared, the routing cookie. A store that does not answer means: nobody takes part for now. It is
asked again after a pause, so that pages do not hang on it.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import Response, request

from faceblur_service.errors import GrayPoolUnavailable
from faceblur_service.gray import TTL_S, GrayPool
from faceblur_service.metrics import Readings
from faceblur_service.web import clients
from faceblur_service.web.services import services

_Answer = TypeVar("_Answer")
_log = logging.getLogger("faceblur.web")

IDENTITY_COOKIE = "faceblur_id"
ROUTING_COOKIE = "gray"
_PAUSE_S = 5.0
_COUNT_S = 30.0


class CarefulPool:
    """A pool that is left alone for a while after it did not answer; thread-safe."""

    def __init__(self, pool: GrayPool, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Trust the pool until it fails."""
        self.shared = pool.shared
        self._pool, self._monotonic = pool, monotonic
        self._lock = threading.Lock()
        self._down_until = 0.0
        self._counted: tuple[float, int] | None = None

    def has(self, user: str) -> bool:
        """Return whether the user joined."""
        return self._ask(lambda: self._pool.has(user))

    def add(self, user: str) -> None:
        """Let the user in; a person waits for this, so the pool is asked in its pause too."""
        self._ask(lambda: self._pool.add(user), always=True)

    def remove(self, user: str) -> None:
        """Let the user out."""
        self._ask(lambda: self._pool.remove(user), always=True)

    def members(self) -> dict[str, int]:
        """Return everybody who joined, and for how many more seconds."""
        return self._ask(self._pool.members, always=True)

    def purge(self) -> int:
        """Let everybody out."""
        self._counted = None
        return self._ask(self._pool.purge, always=True)

    def read(self, readings: Readings) -> None:
        """Tell Prometheus how many take part, counted twice a minute at most."""
        now = self._monotonic()
        if self._counted is None or now - self._counted[0] >= _COUNT_S:
            try:
                self._counted = (now, len(self._ask(self._pool.members)))
            except GrayPoolUnavailable:
                self._counted = None
        up = self._counted is not None
        readings.gauge("gray_pool_up", "1 while the gray channel's store answers.", float(up))
        if self._counted is not None:
            text = "Members of the gray channel, 10,000 at most."
            readings.gauge("gray_users", text, self._counted[1])

    def _ask(self, question: Callable[[], _Answer], *, always: bool = False) -> _Answer:
        with self._lock:
            if not always and self._monotonic() < self._down_until:
                raise GrayPoolUnavailable("The gray channel's store does not answer.")
        try:
            answer = question()
        except GrayPoolUnavailable:
            with self._lock:
                if not self._down_until:
                    _log.warning("gray channel unavailable: everybody is served by stable")
                self._down_until = self._monotonic() + _PAUSE_S
            raise
        with self._lock:
            if self._down_until:
                _log.warning("gray channel available again")
            self._down_until = 0.0
        return answer


@dataclass(frozen=True, slots=True)
class Membership:
    """What is known about the caller."""

    user: str | None
    """His id: by login, else by cookie; None when he has none yet."""

    enabled: bool
    available: bool = True
    """False while the store does not answer; nobody takes part then."""


def user() -> str | None:
    """Return the caller's id, None when he has none or it is forged."""
    own = services()
    login = clients.login(own.settings)
    # Apart from the ids of cookies: a login must not be able to name one of those.
    if login is not None:
        return f"login:{login}"
    return own.identities.read(request.cookies.get(IDENTITY_COOKIE))


def membership() -> Membership:
    """Return whether the caller takes part now."""
    own, who, route = services(), user(), request.cookies.get(ROUTING_COOKIE)
    try:
        joined = who is not None and own.pool.has(who)
    except GrayPoolUnavailable:
        return Membership(who, enabled=False, available=False)
    if route == "never":
        # He left; the lists do not take him back.
        return Membership(who, enabled=joined)
    listed = clients.login(own.settings) in own.settings.gray_users
    trusted = route == "always" and not own.pool.shared
    return Membership(who, joined or listed or trusted or clients.in_ranges(own.settings))


def put_route_right(answer: Response) -> None:
    """Make the routing cookie of a page load say what membership says."""
    route = request.cookies.get(ROUTING_COOKIE)
    own = services()
    lists = own.settings.gray_ranges or own.settings.gray_users
    if route != "always" and not lists and user() is None:
        return  # a stranger: no store has to be asked
    found = membership()
    if route == "always" and not found.enabled:
        clear_route(answer)
    elif route != "always" and found.enabled:
        set_cookie(answer, ROUTING_COOKIE, "always", TTL_S)


def set_cookie(answer: Response, name: str, value: str, max_age: int) -> None:
    """Set a cookie that scripts cannot read and other sites' requests do not carry."""
    answer.set_cookie(
        name, value, max_age=max_age, httponly=True, samesite="Lax", secure=_is_https()
    )


def clear_route(answer: Response) -> None:
    """Send the browser back to stable."""
    answer.delete_cookie(ROUTING_COOKIE, httponly=True, samesite="Lax", secure=_is_https())


def _is_https() -> bool:
    # The proxy's word is enough here: a liar only makes his own cookie stricter.
    return request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"
