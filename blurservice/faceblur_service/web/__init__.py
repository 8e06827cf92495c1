"""The HTTP service; the only place with Flask."""

from faceblur_service.web.app import create_app

__all__ = ["create_app"]
