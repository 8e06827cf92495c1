"""What the routes work with: made once per process, found through the Flask app."""

from dataclasses import dataclass

from flask import current_app, request

from faceblur_service.gray import GrayPool
from faceblur_service.metrics import Metrics
from faceblur_service.pipeline import Pipeline
from faceblur_service.settings import Settings
from faceblur_service.web.admission import Admission
from faceblur_service.web.identity import Identities
from faceblur_service.web.readiness import Readiness

KEY = "faceblur"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a request may need."""

    settings: Settings
    pipeline: Pipeline
    metrics: Metrics
    admission: Admission
    pool: GrayPool
    identities: Identities
    readiness: Readiness


def services() -> Services:
    """Return the services of the app that handles this request."""
    found = current_app.extensions[KEY]
    assert isinstance(found, Services)  # noqa: S101 - set by create_app; narrows the type
    return found


def opted_in() -> bool:
    """Return whether the caller asked for the gray version himself."""
    wanted = request.headers.get("X-Gray-Enable", "").lower() == "true"
    return wanted or request.cookies.get("gray") == "always"
