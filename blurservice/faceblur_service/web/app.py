"""Put the service together: gunicorn calls `create_app()` in its worker, after the fork."""

import logging
import sys

from flask import Flask

from faceblur_service import codec, gray, jsonlog
from faceblur_service import settings as _settings
from faceblur_service.detection import Detector
from faceblur_service.detection.factory import make_detector
from faceblur_service.errors import StartError
from faceblur_service.gray import GrayPool
from faceblur_service.metrics import Metrics
from faceblur_service.pipeline import Pipeline
from faceblur_service.settings import Settings
from faceblur_service.web import blur_api, gray_api, health, hooks, page, problems
from faceblur_service.web.admission import Admission
from faceblur_service.web.identity import Identities
from faceblur_service.web.readiness import Readiness
from faceblur_service.web.services import KEY, Services

_log = logging.getLogger("faceblur.web")

# gunicorn's own status for "the application does not load": its master then stops as well.
_APP_LOAD_ERROR = 4
_FORM_OVERHEAD = 64 * 1024


def create_app() -> Flask:
    """Return the service as the environment asks for; end the process when it cannot start."""
    try:
        settings = _settings.read()
        return build(settings, make_detector())
    except StartError as err:
        jsonlog.fatal(str(err))
        sys.exit(_APP_LOAD_ERROR)


def build(settings: Settings, detector: Detector, pool: GrayPool | None = None) -> Flask:
    """Return the service around a detector and a pool, the one of the settings by default."""
    app = Flask(__name__, static_url_path="/static")
    app.request_class = blur_api.MemoryRequest
    app.config["MAX_CONTENT_LENGTH"] = codec.MAX_BYTES + _FORM_OVERHEAD
    app.extensions[KEY] = Services(
        settings=settings,
        pipeline=Pipeline(detector),
        metrics=Metrics(track=settings.track, version=settings.version),
        admission=Admission(slots=settings.slots, queue=settings.queue),
        pool=pool or gray.make_pool(settings.redis_url, settings.gray_db),
        identities=Identities(settings.secret_key),
        readiness=Readiness(detector),
    )
    for module in (blur_api, gray_api, health, page):
        app.register_blueprint(module.blueprint)
    problems.install(app)
    hooks.install(app, settings)
    _log.info(
        "service made",
        extra={
            "fields": {
                "version": settings.version,
                "track": settings.track,
                "sensitivity": settings.sensitivity.value,
                "grayPool": "redis" if settings.redis_url else "sqlite",
                "fault": repr(settings.fault) if settings.fault else "off",
            }
        },
    )
    return app
