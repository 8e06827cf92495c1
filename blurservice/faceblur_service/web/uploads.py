"""Pictures as requests bring them: kept in memory only, an original never touches a disk."""

import io
import re
from dataclasses import dataclass

from flask import Request, request
from werkzeug.exceptions import ClientDisconnected

from faceblur_service.errors import BadRequest, NoPicture, UnsupportedPicture, UploadStalled

MAX_PARTS = 520
"""Parts of a form: the files of a batch and its options."""


class MemoryRequest(Request):
    """Keeps uploads in memory."""

    max_form_parts = MAX_PARTS

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002 - the base class names it
        content_type: str | None,  # noqa: ARG002
        filename: str | None = None,  # noqa: ARG002
        content_length: int | None = None,  # noqa: ARG002
    ) -> io.BytesIO:
        return io.BytesIO()


@dataclass(slots=True)
class Upload:
    """One picture of a form, and what its sender calls it."""

    name: str
    data: bytes


def picture() -> bytes:
    """Return the one picture of this request: its body, or the form's field `image`.

    Raises:
        NoPicture: There is none.
        UnsupportedPicture: The body is not called a picture.
        UploadStalled: The rest of it did not come.
    """
    kind = request.mimetype
    if kind == "multipart/form-data":
        files = _files()
        if len(files) > 1:
            raise BadRequest("One picture, please: /api/v1/blur/batch takes several.")
        return files[0].data
    if kind.startswith("image/"):
        try:
            return request.get_data(cache=False)
        except (ClientDisconnected, OSError) as err:
            raise _stalled() from err
    raise UnsupportedPicture(
        "Send the picture itself with an image/* content type, or a form with a file field `image`."
    )


def pictures(most: int) -> list[Upload]:
    """Return all pictures of this form's field `image`, in their order.

    Raises:
        NoPicture: There is none.
        BadRequest: There are more than `most`, or this is not a form.
        UploadStalled: The rest of the form did not come.
    """
    if request.mimetype != "multipart/form-data":
        raise BadRequest("Send a form (multipart/form-data) with file fields `image`.")
    files = _files()
    if len(files) > most:
        raise BadRequest(f"A batch may hold {most} pictures, found {len(files)}.")
    return files


def _files() -> list[Upload]:
    try:
        found = request.files.getlist("image")
    except (ClientDisconnected, OSError) as err:
        raise _stalled() from err
    if not found:
        raise NoPicture("The form has no file field `image`.")
    uploads = []
    for file in found:
        uploads.append(Upload(_plain(file.filename or ""), file.read()))
        file.close()
    return uploads


def _plain(name: str) -> str:
    """Return the last part of a file's name, without what could lead out of a folder."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(c for c in last if c.isprintable()).strip(". ")[:100]


def _stalled() -> UploadStalled:
    return UploadStalled("The rest of the request did not come in time.")
