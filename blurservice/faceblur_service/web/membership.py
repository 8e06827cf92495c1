"""Who takes part in the gray channel, from everything that says so.

The pool (who joined), the lists of users and networks in the settings, and, where the pool is not
shared, the routing cookie. A store that does not answer means: nobody takes part for now.
"""

from dataclasses import dataclass

from flask import Response, request

from faceblur_service.errors import GrayPoolUnavailable
from faceblur_service.gray import TTL_S
from faceblur_service.web import clients
from faceblur_service.web.services import services

IDENTITY_COOKIE = "faceblur_id"
ROUTING_COOKIE = "gray"


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
