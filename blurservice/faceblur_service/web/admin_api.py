"""/api/v1/admin/gray-users: list and end memberships; for people and for the operator."""

from flask import Blueprint, Response, jsonify

from faceblur_service.errors import NotOffered, NoToken
from faceblur_service.web import access
from faceblur_service.web.services import services

blueprint = Blueprint("admin", __name__)


@blueprint.before_request
def _check() -> None:
    token = services().settings.admin_token
    if token is None:
        raise NotOffered("FACEBLUR_ADMIN_TOKEN is not set: nobody can do this here.")
    if not access.bearer_is([token]):
        raise NoToken("This address wants the administrator's token: Authorization: Bearer ...")


@blueprint.get("/api/v1/admin/gray-users")
def users() -> Response:
    """List who takes part, and for how many more seconds."""
    found = services().pool.members()
    listed = [{"id": user, "expiresIn": seconds} for user, seconds in sorted(found.items())]
    return jsonify(count=len(listed), users=listed)


@blueprint.delete("/api/v1/admin/gray-users")
def purge() -> Response:
    """End every membership: all go back to stable with their next request."""
    return jsonify(removed=services().pool.purge())


@blueprint.delete("/api/v1/admin/gray-users/<user>")
def remove(user: str) -> Response:
    """End one membership."""
    own = services()
    was = own.pool.has(user)
    own.pool.remove(user)
    return jsonify(removed=int(was))
