"""POST /api/v1/blur/batch: many pictures in one form, the hidden ones streamed back.

Two forms of the answer. A ZIP archive, which `curl -o` saves as it is: pictures in the order of
the form, `report.json` last. Or, for `Accept: application/x-ndjson`, a line of JSON per picture.

The answer begins when the form has arrived: proxies and browsers do not read an answer while they
still send. The form is small enough to be held in memory, each original goes as soon as its
picture is done, and each result as soon as it is sent, so memory does not grow with the batch.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, request

from faceblur_service.errors import FaceBlurError, QueueFull
from faceblur_service.metrics import Metrics, outcome_of
from faceblur_service.options import Options, Sensitivity
from faceblur_service.web import choices, uploads
from faceblur_service.web.problems import body_of, problem_of
from faceblur_service.web.services import is_hop, opted_in, services, tags
from faceblur_service.web.uploads import Upload
from faceblur_service.web.work import Hidden, Work
from faceblur_service.web.zipping import ZipStream

blueprint = Blueprint("batch", __name__)

MOST = 500
"""Pictures in one batch."""

MAX_BYTES = 32 * 1024 * 1024
"""Bytes of one batch: they are held in memory, as an original must never touch a disk."""

_TRIES = 3

ZIP = "application/zip"
LINES = "application/x-ndjson"
_SUFFIXES = {"image/jpeg": ".jpg"}


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one picture of a batch."""

    number: int
    name: str
    hidden: Hidden | None
    problem: Mapping[str, object] | None

    def as_json(self) -> dict[str, object]:
        """Return everything but the picture."""
        told: dict[str, object] = {"index": self.number, "name": self.name}
        if self.hidden is None:
            return {**told, "status": "failed", "problem": self.problem}
        told |= {"status": "done", "faces": self.hidden.faces, "type": self.hidden.media_type}
        return told | ({"degraded": self.hidden.degraded} if self.hidden.degraded else {})


@blueprint.post("/api/v1/blur/batch")
def batch() -> Response:
    """Answer with all hidden pictures, each as soon as it is done."""
    own = services()
    kind = request.accept_mimetypes.best_match([ZIP, LINES], default=ZIP)
    request.max_content_length = MAX_BYTES
    own.admission.take_batch()
    try:
        files = uploads.pictures(MOST)
        options = choices.options_of_many(own.settings.sensitivity)
        run = _Run(
            work=own.work,
            options=options,
            named=choices.named_sensitivity(),
            marks=tags(),
            opted_in=opted_in(),
            hop=is_hop(),
            metrics=own.metrics,
        )
        write = _archive if kind == ZIP else _lines
        answer = Response(write(run.each(files)), content_type=kind)
    except BaseException:
        own.admission.leave_batch()
        raise
    answer.call_on_close(own.admission.leave_batch)
    if kind == ZIP:
        answer.headers["Content-Disposition"] = 'attachment; filename="faceblur.zip"'
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One batch; knows what the request said, for the request's context ends before its answer."""

    work: Work
    options: Options
    named: Sensitivity | None
    marks: Mapping[str, str]
    opted_in: bool
    hop: bool
    metrics: Metrics

    def each(self, files: list[Upload]) -> Iterator[Done]:
        """Work on the pictures one after the other: the rest of the pod is for other people."""
        for number in range(1, len(files) + 1):
            upload = files.pop(0)
            done = self._one(number, upload)
            yield done
            # Once the answer is on its way: comparing must not delay it.
            if done.hidden is not None and not self.hop:
                self.work.offer(
                    done.hidden, upload.data, self.options, self.marks, named=self.named
                )
            del upload, done  # both go now, not with the next ones

    def _one(self, number: int, upload: Upload) -> Done:
        start = time.perf_counter()
        status, degraded = 200, False
        try:
            hidden = self._patiently(upload.data)
        except Exception as err:  # noqa: BLE001 - the outermost loop: one picture must not end the batch
            told = problem_of(err)
            status = told.status
            done = Done(number, upload.name, None, body_of(told, self.marks.get("X-Request-Id")))
        else:
            degraded = hidden.degraded is not None
            done = Done(number, upload.name, hidden, None)
        self.metrics.answered(
            outcome_of(status, degraded=degraded),
            opted_in=self.opted_in,
            seconds=time.perf_counter() - start,
        )
        return done

    def _patiently(self, data: bytes) -> Hidden:
        for again in reversed(range(_TRIES)):
            try:
                hidden = self.work.hide(data, self.options, self.marks, hop=self.hop)
                break
            except QueueFull:
                # Nobody can come back for one picture of a batch.
                if not again:
                    raise
        if hidden.status != 200:
            told = json.loads(hidden.data)
            raise _Refused(str(told.get("detail", "")), hidden.status, str(told.get("code", "")))
        return hidden


class _Refused(FaceBlurError):  # noqa: N818 - named after what happened
    """Stable, asked instead of gray, refused the picture."""

    title = "Picture refused"

    def __init__(self, detail: str, status: int, code: str) -> None:
        super().__init__(detail)
        self.status, self.code = status, code


def _lines(pictures: Iterator[Done]) -> Iterator[bytes]:
    for done in pictures:
        line = done.as_json()
        if done.hidden is not None:
            line["data"] = base64.b64encode(done.hidden.data).decode()
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _archive(pictures: Iterator[Done]) -> Iterator[bytes]:
    stream, report = ZipStream(), []
    for done in pictures:
        told = done.as_json()
        if done.hidden is not None:
            told["file"] = _file_name(done.number, done.name, done.hidden.media_type)
            yield from stream.add(str(told["file"]), done.hidden.data)
        report.append(told)
    listed = json.dumps({"pictures": report}, ensure_ascii=False, indent=1)
    yield from stream.add("report.json", listed.encode())
    yield stream.end()


def _file_name(number: int, name: str, media_type: str) -> str:
    stem = name.rpartition(".")[0] or name or "picture"
    suffix = _SUFFIXES.get(media_type, "." + media_type.removeprefix("image/"))
    return f"{number:03d}-{stem}{suffix}"
