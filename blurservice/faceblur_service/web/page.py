"""The page: one template, static files beside it, no build step."""

from flask import Blueprint, Response, make_response, render_template

from faceblur_service.web.membership import put_route_right
from faceblur_service.web.services import services

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def index() -> Response:
    """Return the page, marked with the version and track that made it."""
    settings = services().settings
    page = make_response(
        render_template(
            "index.html",
            version=settings.version,
            track=settings.track,
            sensitivity=settings.sensitivity.value,
        )
    )
    put_route_right(page)
    return page
