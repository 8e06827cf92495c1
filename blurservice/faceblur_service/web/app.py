"""Put the service together: gunicorn calls `create_app()` in its worker, after the fork."""

import logging
import sys
from functools import partial

from flask import Flask

from faceblur_service import codec, gray, jsonlog
from faceblur_service import settings as _settings
from faceblur_service.apart import ApartPipeline
from faceblur_service.cache import ResultCache
from faceblur_service.detection import Detector
from faceblur_service.errors import StartError
from faceblur_service.fingerprint import fingerprint
from faceblur_service.gray import GrayPool
from faceblur_service.metrics import Metrics
from faceblur_service.pipeline import Pipeline
from faceblur_service.settings import Settings
from faceblur_service.web import (
    admin_api,
    batch_api,
    blur_api,
    detect_api,
    gray_api,
    health,
    hooks,
    openapi_api,
    page,
    problems,
    readings,
    uploads,
)
from faceblur_service.web.admission import OVERFLOW, Admission
from faceblur_service.web.careful_pool import CarefulPool
from faceblur_service.web.fallback import Asks, Guard, Stable
from faceblur_service.web.identity import Identities
from faceblur_service.web.rate import RateLimit
from faceblur_service.web.readiness import Readiness
from faceblur_service.web.services import KEY, Services
from faceblur_service.web.shadow import Shadow
from faceblur_service.web.work import Helpers, Hides, Work

_log = logging.getLogger("faceblur.web")

# gunicorn's own status for "the application does not load": its master then stops as well.
_APP_LOAD_ERROR = 4
_FORM_OVERHEAD = 64 * 1024
# Asks for readiness while pictures are at work.
_BESIDE = 1


def create_app() -> Flask:
    """Return the service as the environment asks for; end the process when it cannot start."""
    try:
        settings = _settings.read()
        return _around(settings, _pipeline(settings))
    except StartError as err:
        jsonlog.fatal(str(err))
        sys.exit(_APP_LOAD_ERROR)


def build(
    settings: Settings,
    detector: Detector,
    pool: GrayPool | None = None,
    stable: Asks | None = None,
) -> Flask:
    """Return the service around a detector.

    Args:
        settings: What the environment asks for.
        detector: Finds the faces.
        pool: The gray channel's members; the pool of the settings by default.
        stable: The stable version; the one of the settings by default.
    """
    return _around(settings, Pipeline(detector), pool, stable)


def _pipeline(settings: Settings) -> Hides:
    """Return what works on pictures; in a process of its own where stable can stand in for it."""
    if settings.works_apart:
        return ApartPipeline(lanes=settings.slots + _BESIDE)
    # Here: MediaPipe takes memory, also where it is not used.
    from faceblur_service.detection.factory import make_detector

    return Pipeline(make_detector())


def _around(
    settings: Settings, pipeline: Hides, pool: GrayPool | None = None, stable: Asks | None = None
) -> Flask:
    app = Flask(__name__, static_url_path="/static")
    app.request_class = uploads.MemoryRequest
    app.config["MAX_CONTENT_LENGTH"] = codec.MAX_BYTES + _FORM_OVERHEAD
    own = _services(settings, pipeline, pool, stable)
    app.extensions[KEY] = own
    for module in (blur_api, batch_api, detect_api, gray_api, admin_api, health, openapi_api, page):
        app.register_blueprint(module.blueprint)
    problems.install(app)
    hooks.install(app, settings, own.metrics)
    _log.info("service made", extra={"fields": _told(settings)})
    return app


def _services(
    settings: Settings, pipeline: Hides, pool: GrayPool | None, stable: Asks | None
) -> Services:
    metrics = Metrics(track=settings.track, version=settings.version)
    admission = Admission(slots=settings.slots, queue=settings.queue)
    cache = ResultCache(
        f"{settings.version} {fingerprint()}", max_bytes=settings.cache_mib * 1024 * 1024
    )
    careful = CarefulPool(pool or gray.make_pool(settings.redis_url, settings.gray_db))
    helpers = _helpers(settings, metrics, stable)
    metrics.observe(
        [
            partial(readings.cache, cache),
            partial(readings.load, admission),
            partial(readings.detectors, pipeline.detector),
            careful.read,
        ]
    )
    return Services(
        settings=settings,
        pipeline=pipeline,
        metrics=metrics,
        admission=admission,
        pool=careful,
        identities=Identities(settings.secret_key),
        readiness=Readiness(pipeline.detector),
        rate=RateLimit(settings.rate_per_minute),
        work=Work(settings, pipeline, cache, admission, metrics, helpers),
    )


def _helpers(settings: Settings, metrics: Metrics, stable: Asks | None) -> Helpers | None:
    if settings.track != "gray":
        return None
    if stable is None and settings.fallback_url is not None:
        token = settings.api_tokens[0] if settings.api_tokens else None
        stable = Stable(settings.fallback_url, token)
    if stable is None:
        return None
    guard = Guard(at_once=settings.slots + OVERFLOW, percent=settings.fallback_percent)
    # A guard of its own: comparing must not use up what people need.
    compare = Guard(at_once=1, percent=100)
    shadow = Shadow(stable, compare, metrics, percent=settings.shadow_percent)
    return Helpers(stable=stable, guard=guard, shadow=shadow)


def _told(settings: Settings) -> dict[str, object]:
    return {
        "version": settings.version,
        "track": settings.track,
        "sensitivity": settings.sensitivity.value,
        "grayPool": "redis" if settings.redis_url else "sqlite",
        "fallback": "on" if settings.fallback_url and settings.track == "gray" else "off",
        "tokens": "wanted" if settings.api_tokens else "none",
        "fault": repr(settings.fault) if settings.fault else "off",
    }
