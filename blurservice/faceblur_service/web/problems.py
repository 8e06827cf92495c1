"""Errors as problem+json (RFC 9457): a sentence for people and a stable code for programs."""

import json
import logging
from dataclasses import dataclass, field

from flask import Flask, Response, g, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import (
    ClientDisconnected,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
)

from faceblur_service.errors import FaceBlurError, QueueFull, RateLimited
from faceblur_service.web.uploads import MAX_PARTS

_log = logging.getLogger("faceblur.web")
RETRY_AFTER_S = 1
TYPE = "application/problem+json"

_HTTP_CODES = {
    404: "not-found",
    405: "method-not-allowed",
    413: "picture-too-large",
    415: "unsupported-picture",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong."""

    status: int
    code: str
    title: str
    detail: str
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, code: str, title: str, detail: str) -> Response:
    """Return an answer that says what went wrong."""
    return answer_of(Problem(status, code, title, detail))


def answer_of(told: Problem) -> Response:
    """Return the answer to a request that ended in a problem."""
    g.problem_code = told.code
    text = json.dumps(body_of(told, g.get("request_id")), ensure_ascii=False)
    return Response(text, told.status, headers=told.headers, content_type=TYPE)


def body_of(told: Problem, request_id: str | None) -> dict[str, object]:
    """Return the JSON of a problem."""
    return {
        "type": f"urn:faceblur:problem:{told.code}",
        "title": told.title,
        "status": told.status,
        "detail": told.detail,
        "code": told.code,
        "requestId": request_id or "",
    }


def problem_of(err: Exception) -> Problem:
    """Return what an error says to the caller; logs what is our own fault."""
    if isinstance(err, FaceBlurError):
        return _of_ours(err)
    if isinstance(err, HTTPException):
        return _of_http(err)
    if isinstance(err, ParseException):
        # Neither its own words nor a line in the log: they quote the picture that was sent.
        detail = "The body does not come in the chunks that it announces."
        return Problem(400, "bad-request", "Bad Request", detail, {"Connection": "close"})
    _log.error("unexpected error", exc_info=err, extra={"fields": {"code": "internal-error"}})
    return Problem(500, "internal-error", "Internal error", "Something went wrong on our side.")


def install(app: Flask) -> None:
    """Answer every error of the app as a problem."""
    app.register_error_handler(Exception, lambda err: answer_of(problem_of(err)))


def _of_ours(err: FaceBlurError) -> Problem:
    if err.status >= 500 and not isinstance(err, QueueFull):
        _log.error("request failed", extra={"fields": {"code": err.code, "reason": str(err)}})
    headers = {}
    if isinstance(err, RateLimited):
        headers["Retry-After"] = str(err.retry_after_s)
    elif err.status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    elif err.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    elif err.status == 408:
        headers["Connection"] = "close"
    return Problem(err.status, err.code, err.title, str(err), headers)


def _of_http(err: HTTPException) -> Problem:
    if isinstance(err, ClientDisconnected):
        detail = "The rest of the request did not come in time."
        return Problem(408, "upload-stalled", "Upload stalled", detail, {"Connection": "close"})
    status = err.code or 500
    code = _HTTP_CODES.get(status, "bad-request" if status < 500 else "internal-error")
    kept = {name: value for name, value in err.get_headers() if name.lower() == "allow"}
    detail = _in_plain_words(err) or err.description or err.name
    return Problem(status, code, err.name, detail, kept)


def _in_plain_words(err: HTTPException) -> str | None:
    """Return a sentence that says what to do, where the library's own does not."""
    if isinstance(err, NotFound):
        return "There is no such address here; /api/v1/openapi.json names them all."
    if isinstance(err, MethodNotAllowed):
        return f"This address takes {', '.join(sorted(err.valid_methods or ()))}."
    if isinstance(err, RequestEntityTooLarge):
        most = (request.max_content_length or 0) // 2**20
        return f"The request is too large: at most {most} MiB, and a form of {MAX_PARTS} parts."
    return None
