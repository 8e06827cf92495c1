"""POST /api/v1/detect: a picture in, where its faces are out."""

from flask import Blueprint, Response, jsonify

from faceblur_service.codec import read_header
from faceblur_service.web import choices, uploads
from faceblur_service.web.services import services

blueprint = Blueprint("detect", __name__)


@blueprint.post("/api/v1/detect")
def detect() -> Response:
    """Answer with the boxes of all faces, which `blur` takes back corrected."""
    own = services()
    with own.admission.place():
        data = uploads.picture()
        sensitivity = choices.sensitivity(own.settings.sensitivity)
        header = read_header(data)
        with own.admission.slot(header.cost):
            found = own.pipeline.detect(data, sensitivity, header)
    faces = [face.as_json() for face in found.faces]
    return jsonify(width=found.width, height=found.height, faces=faces)
