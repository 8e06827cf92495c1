"""Errors as problem+json (RFC 9457): a sentence for people and a stable code for programs."""

import json
import logging

from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from faceblur_service.errors import FaceBlurError, QueueFull

_log = logging.getLogger("faceblur.web")
RETRY_AFTER_S = 1

_HTTP_CODES = {404: "not-found", 405: "method-not-allowed", 413: "picture-too-large"}


def problem(status: int, code: str, title: str, detail: str) -> Response:
    """Return an answer that says what went wrong."""
    g.problem_code = code
    body = {
        "type": f"urn:faceblur:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": g.get("request_id", ""),
    }
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status=status, content_type="application/problem+json")


def install(app: Flask) -> None:
    """Answer every error of the app as a problem."""
    app.register_error_handler(FaceBlurError, _of_ours)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _of_nobody)


def _of_ours(err: FaceBlurError) -> Response:
    if err.status >= 500 and not isinstance(err, QueueFull):
        _log.error("request failed", extra={"fields": {"code": err.code, "reason": str(err)}})
    answer = problem(err.status, err.code, err.title, str(err))
    if err.status == 503:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def _of_http(err: HTTPException) -> Response:
    status = err.code or 500
    code = _HTTP_CODES.get(status, "bad-request" if status < 500 else "internal-error")
    answer = problem(status, code, err.name, err.description or err.name)
    for name, value in err.get_headers():
        if name.lower() == "allow":
            answer.headers[name] = value
    return answer


def _of_nobody(err: Exception) -> Response:
    _log.error("unexpected error", exc_info=err, extra={"fields": {"code": "internal-error"}})
    return problem(500, "internal-error", "Internal error", "Something went wrong on our side.")
