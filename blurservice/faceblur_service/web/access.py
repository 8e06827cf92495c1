"""Who may use what: tokens, rate limits, other sites' pages."""

import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Response, request

from faceblur_service.errors import CrossSite, NoToken
from faceblur_service.settings import Settings
from faceblur_service.web import clients
from faceblur_service.web.services import services

API = "/api/v1/"
ADMIN = "/api/v1/admin/"
DOCUMENT = "/api/v1/openapi.json"

_EXPOSED = ", ".join(
    (
        "Retry-After",
        "Server-Timing",
        "X-Face-Blur-Degraded",
        "X-Face-Blur-Faces",
        "X-Face-Blur-Hidden-Again",
        "X-Face-Blur-Track",
        "X-Face-Blur-Version",
        "X-Request-Id",
    )
)


def check() -> Response | None:
    """Let this request in, answer a preflight, or refuse.

    Raises:
        NoToken: It needs a token and has none that is right.
        RateLimited: The client sent too much.
    """
    path = request.path
    if not path.startswith(API) or path.startswith(ADMIN) or path == DOCUMENT:
        return None
    own = services()
    if request.method == "OPTIONS" and _origin(own.settings) is not None:
        return Response(status=204)
    if request.method != "POST":
        return None
    if own.settings.api_tokens and not bearer_is(own.settings.api_tokens):
        raise NoToken("This service wants a token: Authorization: Bearer ...")
    own.rate.take(clients.bucket(own.settings))
    return None


def bearer_is(tokens: Iterable[str]) -> bool:
    """Return whether the request carries one of the tokens; takes the same time for each."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    digest = hashlib.sha256(given.strip().encode()).digest()
    # Every token is looked at: the time must not tell how many there are before a match.
    same = [hmac.compare_digest(digest, hashlib.sha256(one.encode()).digest()) for one in tokens]
    return scheme.lower() == "bearer" and any(same)


def same_site() -> None:
    """Refuse what another site's page does in a visitor's name.

    Raises:
        CrossSite: Another site sent it.
    """
    sender = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if sender is None and origin is not None:
        # An old browser: it still says where the page is from.
        sender = "same-origin" if urlsplit(origin).netloc == request.host else "cross-site"
    if sender not in {None, "same-origin", "none"}:
        raise CrossSite("Only this site's own page may switch the gray channel.")


def share(answer: Response, settings: Settings) -> None:
    """Let pages of the named origins read the answer."""
    path = request.path
    if not settings.cors_origins or not path.startswith(API) or path.startswith(ADMIN):
        return
    answer.headers.add("Vary", "Origin")
    origin = _origin(settings)
    if origin is None:
        return
    # Never credentials: cookies count for this site's own page only.
    answer.headers["Access-Control-Allow-Origin"] = origin
    answer.headers["Access-Control-Expose-Headers"] = _EXPOSED
    if request.method == "OPTIONS":
        answer.headers["Access-Control-Allow-Methods"] = "GET, POST"
        answer.headers["Access-Control-Allow-Headers"] = (
            "Accept, Authorization, Content-Type, X-Gray-Enable, X-Request-Id"
        )
        answer.headers["Access-Control-Max-Age"] = "600"


def _origin(settings: Settings) -> str | None:
    given = request.headers.get("Origin", "")
    return given if given in settings.cors_origins else None
