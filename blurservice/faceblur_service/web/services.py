"""What the routes work with: made once per process, found through the Flask app."""

from dataclasses import dataclass

from flask import current_app, g, request

from faceblur_service.metrics import Metrics
from faceblur_service.settings import Settings
from faceblur_service.web.admission import Admission
from faceblur_service.web.careful_pool import CarefulPool
from faceblur_service.web.fallback import HOP
from faceblur_service.web.identity import Identities
from faceblur_service.web.rate import RateLimit
from faceblur_service.web.readiness import Readiness
from faceblur_service.web.work import Hides, Work

KEY = "faceblur"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a request may need."""

    settings: Settings
    pipeline: Hides
    metrics: Metrics
    admission: Admission
    pool: CarefulPool
    identities: Identities
    readiness: Readiness
    rate: RateLimit
    work: Work


def services() -> Services:
    """Return the services of the app that handles this request."""
    found = current_app.extensions[KEY]
    assert isinstance(found, Services)  # noqa: S101 - set by create_app; narrows the type
    return found


def opted_in() -> bool:
    """Return whether the caller asked for the gray version himself."""
    wanted = request.headers.get("X-Gray-Enable", "").lower() == "true"
    return wanted or request.cookies.get("gray") == "always"


def is_hop() -> bool:
    """Return whether another pod sent this request on."""
    return HOP in request.headers


def tags() -> dict[str, str]:
    """Return the headers that tie what is asked elsewhere to this request."""
    found = {"X-Request-Id": str(g.request_id)}
    trace = g.get("traceparent")
    return {**found, "traceparent": trace} if trace else found
