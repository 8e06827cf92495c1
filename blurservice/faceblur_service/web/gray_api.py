"""/api/enable-gray: join or leave the gray channel, or ask who takes part.

Two things are kept apart: membership (in the pool, by identity) and routing (a cookie that the
Ingress controller reads). Both are set and cleared together.
"""

from flask import Blueprint, Response, jsonify, request

from faceblur_service.errors import BadRequest, CrossSite
from faceblur_service.gray import TTL_S
from faceblur_service.web.services import services

blueprint = Blueprint("gray", __name__)

IDENTITY_COOKIE = "faceblur_id"
ROUTING_COOKIE = "gray"
_IDENTITY_S = 365 * 24 * 3600

_JOINED = {
    "zh": "✅ 已进入灰度通道!您正在试用最新版智能打码引擎。",
    "en": "✅ You are in the gray channel and try the newest blur engine.",
}
_LEFT = {
    "zh": "🔁 已退出灰度模式,恢复稳定版本服务。",
    "en": "🔁 You have left the gray channel; the stable version serves you again.",
}


@blueprint.get("/api/enable-gray")
def state() -> Response:
    """Say whether the caller takes part, and put his routing cookie right."""
    own = services()
    user = own.identities.read(request.cookies.get(IDENTITY_COOKIE))
    has_cookie = request.cookies.get(ROUTING_COOKIE) == "always"
    member = user is not None and own.pool.has(user)
    if not own.pool.shared:
        member = member or has_cookie
    answer = jsonify(enabled=member)
    if has_cookie and not member:
        _clear_routing(answer)
    elif member and not has_cookie:
        _set_cookie(answer, ROUTING_COOKIE, "always", TTL_S)
    return answer


@blueprint.post("/api/enable-gray")
def change() -> Response:
    """Let the caller in or out."""
    enabled = _wanted()
    own = services()
    user = own.identities.read(request.cookies.get(IDENTITY_COOKIE))
    if enabled:
        user = user or own.identities.new()
        own.pool.add(user)
    elif user is not None:
        own.pool.remove(user)
    answer = jsonify(enabled=enabled, message=_message(enabled=enabled))
    if enabled and user is not None:
        _set_cookie(answer, IDENTITY_COOKIE, own.identities.sign(user), _IDENTITY_S)
        _set_cookie(answer, ROUTING_COOKIE, "always", TTL_S)
    else:
        _clear_routing(answer)
    return answer


def _wanted() -> bool:
    # A form of another site can post text, but neither JSON nor with this header absent or honest.
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise CrossSite("Only this site's own page may switch the gray channel.")
    body = request.get_json(silent=True) if request.mimetype == "application/json" else None
    if not isinstance(body, dict) or not isinstance(body.get("enabled"), bool) or len(body) != 1:
        raise BadRequest('Send JSON: {"enabled": true} or {"enabled": false}.')
    return bool(body["enabled"])


def _message(*, enabled: bool) -> str:
    language = request.accept_languages.best_match(["zh", "zh-CN", "en"], default="zh")
    return (_JOINED if enabled else _LEFT)[str(language)[:2]]


def _set_cookie(answer: Response, name: str, value: str, max_age: int) -> None:
    answer.set_cookie(
        name, value, max_age=max_age, httponly=True, samesite="Lax", secure=_is_https()
    )


def _clear_routing(answer: Response) -> None:
    answer.delete_cookie(ROUTING_COOKIE, httponly=True, samesite="Lax", secure=_is_https())


def _is_https() -> bool:
    # The proxy's word is enough here: a liar only makes his own cookie stricter.
    return request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"
