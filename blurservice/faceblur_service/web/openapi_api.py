"""GET /api/v1/openapi.json: the API described for programs."""

from flask import Blueprint, Response, jsonify

from faceblur_service.web.openapi import document

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/api/v1/openapi.json")
def openapi() -> Response:
    """Return the document, which is the same for everybody."""
    return jsonify(document())
