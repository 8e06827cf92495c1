"""/api/enable-gray: join or leave the gray channel, or ask who takes part.

Two things are kept apart: membership (in the pool, by identity) and routing (a cookie that the
Ingress controller reads). Both are set and cleared together.
"""

from flask import Blueprint, Response, jsonify, request

from faceblur_service.errors import BadRequest
from faceblur_service.gray import TTL_S
from faceblur_service.web import access, clients
from faceblur_service.web.membership import (
    IDENTITY_COOKIE,
    ROUTING_COOKIE,
    clear_route,
    membership,
    put_route_right,
    set_cookie,
    user,
)
from faceblur_service.web.services import services

blueprint = Blueprint("gray", __name__)

_IDENTITY_S = 365 * 24 * 3600

_JOINED = {
    "zh": "✅ 已进入灰度通道!您正在试用最新版智能打码引擎。",
    "en": "✅ You are in the gray channel and try the newest blur engine.",
}
_LEFT = {
    "zh": "🔁 已退出灰度模式,恢复稳定版本服务。",
    "en": "🔁 You have left the gray channel; the stable version serves you again.",
}
_AWAY = {
    "zh": "灰度通道暂时不可用，现由稳定版本为您服务。",
    "en": "The gray channel is not available right now; the stable version serves you.",
}


@blueprint.get("/api/enable-gray")
def state() -> Response:
    """Say whether the caller takes part, and put his routing cookie right."""
    found = membership()
    away = {} if found.available else {"available": False, "message": _AWAY[_language()]}
    answer = jsonify(enabled=found.enabled, **away)
    put_route_right(answer)
    return answer


@blueprint.post("/api/enable-gray")
def change() -> Response:
    """Let the caller in or out."""
    access.same_site()
    enabled = _wanted()
    own, who = services(), user()
    if enabled:
        who = who or own.identities.new()
        own.pool.add(who)
    elif who is not None:
        own.pool.remove(who)
    message = (_JOINED if enabled else _LEFT)[_language()]
    answer = jsonify(enabled=enabled, message=message)
    if enabled and who is not None:
        if clients.login(own.settings) is None:
            set_cookie(answer, IDENTITY_COOKIE, own.identities.sign(who), _IDENTITY_S)
        set_cookie(answer, ROUTING_COOKIE, "always", TTL_S)
    elif own.settings.gray_ranges or own.settings.gray_users:
        # The lists would take him back at once: remember that he does not want to.
        set_cookie(answer, ROUTING_COOKIE, "never", TTL_S)
    else:
        clear_route(answer)
    return answer


def _wanted() -> bool:
    # A form of another site can post text, but not JSON.
    body = request.get_json(silent=True) if request.mimetype == "application/json" else None
    if not isinstance(body, dict) or not isinstance(body.get("enabled"), bool) or len(body) != 1:
        raise BadRequest('Send JSON: {"enabled": true} or {"enabled": false}.')
    return bool(body["enabled"])


def _language() -> str:
    found = request.accept_languages.best_match(["zh", "zh-CN", "en"], default="zh")
    return str(found)[:2]
