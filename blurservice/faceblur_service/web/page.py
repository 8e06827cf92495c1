"""The page: one template, static files beside it, no build step."""

from flask import Blueprint, render_template

from faceblur_service.web.services import services

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def index() -> str:
    """Return the page, marked with the version and track that made it."""
    settings = services().settings
    return render_template("index.html", version=settings.version, track=settings.track)
