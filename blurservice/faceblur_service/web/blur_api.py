"""POST /api/v1/blur: a picture in, the same picture with hidden faces out."""

import io
import time

from flask import Blueprint, Request, Response, g, request

from faceblur_service.codec import read_header
from faceblur_service.errors import NoPicture, UnsupportedPicture
from faceblur_service.metrics import Outcome
from faceblur_service.options import Options
from faceblur_service.web.services import opted_in, services

blueprint = Blueprint("blur", __name__)


class MemoryRequest(Request):
    """Keeps uploads in memory: an original must never touch a disk."""

    max_form_parts = 8

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002 - the base class names it
        content_type: str | None,  # noqa: ARG002
        filename: str | None = None,  # noqa: ARG002
        content_length: int | None = None,  # noqa: ARG002
    ) -> io.BytesIO:
        return io.BytesIO()


@blueprint.post("/api/v1/blur")
def blur() -> Response:
    """Answer with the hidden picture, its faces counted in a header."""
    own = services()
    with own.admission.place():
        data = _picture()
        header = read_header(data)
        options = Options(sensitivity=own.settings.sensitivity)
        if own.settings.fault:
            own.settings.fault.strike()
        with own.admission.slot(header.pixels):
            result = own.pipeline.run(data, options, header)
    own.metrics.hidden(len(result.faces), result.stage_seconds)
    g.faces = len(result.faces)
    answer = Response(result.data, content_type=result.format.media_type)
    answer.headers["X-Face-Blur-Faces"] = str(len(result.faces))
    stages = result.stage_seconds.items()
    answer.headers["Server-Timing"] = ", ".join(f"{k};dur={v * 1000:.1f}" for k, v in stages)
    return answer


def count(answer: Response) -> None:
    """Count a finished blur request, whatever became of it."""
    if request.blueprint != blueprint.name:
        return
    seconds = time.perf_counter() - g.started
    services().metrics.answered(_outcome(answer.status_code), opted_in=opted_in(), seconds=seconds)


def _outcome(status: int) -> Outcome:
    if status == 503:
        return Outcome.REJECTED
    if status >= 500:
        return Outcome.ERROR
    return Outcome.CLIENT_ERROR if status >= 400 else Outcome.SUCCESS


def _picture() -> bytes:
    kind = request.mimetype
    if kind == "multipart/form-data":
        upload = request.files.get("image")
        if upload is None:
            raise NoPicture("The form has no file field `image`.")
        return bytes(upload.read())
    if kind.startswith("image/"):
        return request.get_data(cache=False)
    raise UnsupportedPicture(
        "Send the picture itself with an image/* content type, or a form with a file field `image`."
    )
