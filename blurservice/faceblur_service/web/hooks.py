"""What happens around every request: id, headers, counting, access log."""

import logging
import re
import time
import uuid

from flask import Flask, Response, g, request

from faceblur_service.metrics import Metrics
from faceblur_service.settings import Settings
from faceblur_service.web import access, blur_api
from faceblur_service.web.services import opted_in

_log = logging.getLogger("faceblur.access")
# What people ask for and are refused; other 4xx are in the requests' outcomes.
_REJECTIONS = {401, 403, 408, 413, 415, 422, 429, 503}
_TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_SECURITY = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


def install(app: Flask, settings: Settings, metrics: Metrics) -> None:
    """Wrap every request of the app."""

    @app.before_request
    def start() -> Response | None:
        g.started = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        trace = request.headers.get("traceparent", "")
        g.traceparent = trace if _TRACE.fullmatch(trace) else None
        return access.check()

    @app.after_request
    def finish(answer: Response) -> Response:
        answer.headers.update(_SECURITY)
        # Where stable made the picture, it is named already.
        answer.headers.setdefault("X-Face-Blur-Version", settings.version)
        answer.headers.setdefault("X-Face-Blur-Track", settings.track)
        answer.headers["X-Request-Id"] = g.request_id
        # Two versions answer under one address: no cache may hand one user's answer to another.
        answer.headers["Cache-Control"] = "no-store"
        answer.headers.add("Vary", "Cookie, X-Gray-Enable")
        access.share(answer, settings)
        if answer.status_code in _REJECTIONS and g.get("problem_code"):
            metrics.rejected(g.problem_code)
        blur_api.count(answer)
        _access(answer, settings)
        return answer


def _access(answer: Response, settings: Settings) -> None:
    fields = {
        "requestId": g.request_id,
        "method": request.method,
        # The rule, not the path: what a caller types may be a name.
        "route": request.url_rule.rule if request.url_rule else None,
        "status": answer.status_code,
        "code": g.get("problem_code"),
        "degraded": g.get("degraded"),
        "traceId": g.traceparent[3:35] if g.get("traceparent") else None,
        "ms": round((time.perf_counter() - g.started) * 1000, 1),
        "bytesIn": request.content_length,
        "bytesOut": answer.content_length,
        "faces": g.get("faces"),
        "optedIn": opted_in(),
        "track": settings.track,
        "version": settings.version,
    }
    present = {name: value for name, value in fields.items() if value is not None}
    _log.info("request", extra={"fields": present})
