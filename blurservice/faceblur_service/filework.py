"""What a worker process does with one file; see `filejob` for what goes in and out."""

from dataclasses import dataclass

import cv2
import numpy as np

from faceblur_service import atomic
from faceblur_service.blurring import Picture
from faceblur_service.codec import MAX_BYTES, decode, read_header
from faceblur_service.faces import Face
from faceblur_service.filejob import FileAnswer, FileJob, failure
from faceblur_service.pipeline import Pipeline

_GREEN = (80, 220, 60)
_BLACK = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class FileWork:
    """Does jobs with one pipeline."""

    pipeline: Pipeline

    def __call__(self, job: FileJob) -> FileAnswer:
        """Do one job and return what became of it; raises nothing."""
        try:
            return self._do(job)
        except Exception as err:  # noqa: BLE001 - the outermost loop: the next file comes
            return failure(err)

    def _do(self, job: FileJob) -> FileAnswer:
        with job.source.open("rb") as file:
            # One byte more than allowed is enough to be refused, however long the file is.
            data = file.read(MAX_BYTES + 1)
        if job.target is not None:
            result = self.pipeline.run(data, job.options)
            # Only then something is lost when neither the old nor the new file is on the disk.
            atomic.write(
                job.target,
                result.data,
                durable=job.target.exists(),
                before_naming=job.before_naming,
            )
            return FileAnswer(faces=tuple(result.faces), hidden_again=result.hidden_again)
        found = self.pipeline.detect(data, job.options.sensitivity)
        if job.preview is not None:
            drawn = preview(data, found.faces)
            atomic.write(job.preview, drawn, before_naming=job.before_naming)
        return FileAnswer(faces=tuple(found.faces), width=found.width, height=found.height)


def preview(data: bytes, faces: list[Face]) -> bytes:
    """Return a JPEG of the picture, nothing hidden, with a numbered box around each face."""
    picture = decode(data, read_header(data)).picture
    return bytes(cv2.imencode(".jpg", draw(picture, faces))[1])


def draw(picture: Picture, faces: list[Face]) -> Picture:
    """Return a copy of a picture with a numbered box around each face.

    Args:
        picture: uint8, shape (height, width, 3), BGR.
        faces: In pixels of the picture.
    """
    drawn = picture.copy()
    # Lines that can be seen when the whole picture is shown on a screen.
    thick = max(2, max(picture.shape[:2]) // 500)
    for face in faces:
        box = face.box
        corner, other = (round(box.x1), round(box.y1)), (round(box.x2), round(box.y2))
        text = f"{face.id}  {box.score:.2f}"
        where = (corner[0], max(12 * thick, corner[1] - 3 * thick))
        for colour, width in ((_BLACK, thick + 2), (_GREEN, thick)):
            cv2.rectangle(drawn, corner, other, colour, width)
            cv2.putText(
                drawn, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.35 * thick, colour, width // 2 + 1
            )
    return np.asarray(drawn)
