"""/healthz, /readyz and /metrics."""

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST

from faceblur_service.web import drain
from faceblur_service.web.problems import problem
from faceblur_service.web.services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that the process answers; a restart would help if it did not."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Say whether pictures can be served: the detector works and nobody asked to stop."""
    if drain.is_draining():
        return problem(503, "draining", "Not ready", "The service is stopping.")
    own = services()
    reason = own.readiness.problem()
    if reason is not None:
        return problem(503, "detection-failed", "Not ready", reason)
    return jsonify(
        status="ready",
        version=own.settings.version,
        track=own.settings.track,
        sensitivity=own.settings.sensitivity.value,
        detectors=dict(own.pipeline.detector.detectors()),
    )


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the metrics in Prometheus' text format."""
    return Response(services().metrics.text(), content_type=CONTENT_TYPE_LATEST)
