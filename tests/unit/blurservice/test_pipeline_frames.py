"""Pictures of several frames through the service."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from tests.support.detectors import FakeDetector
from tests.support.samples import animation, image, saved

from faceblur_service.codec import Frame, frames, read_header
from faceblur_service.deadline import Deadline
from faceblur_service.errors import DetectionFailed, PictureTooSlow
from faceblur_service.faces import Face
from faceblur_service.geometry import Box
from faceblur_service.options import Options, Sensitivity
from faceblur_service.pipeline import Pipeline

FACE = Box(40, 40, 90, 90, 0.9)


def test_a_box_of_a_larger_page_is_hidden_there() -> None:
    pages = [image(np.zeros((height, 100, 3), np.uint8)) for height in (50, 150)]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    box = Box(10, 100, 40, 130)

    result = Pipeline(FakeDetector()).run(data, Options(boxes=(box,)))

    assert [face.box for face in result.faces] == [box]


class _Blinking(FakeDetector):
    """Finds the face in every frame but the second."""

    def find_faces(
        self, picture: npt.NDArray[np.uint8], sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        found = super().find_faces(picture, sensitivity)
        return [] if len(self.seen) == 2 else found


def _noise(count: int) -> list[Image.Image]:
    dice = np.random.default_rng(0)
    return [image(dice.integers(0, 256, (150, 200, 3), np.uint8)) for _ in range(count)]


def _decoded(data: bytes) -> list[Frame]:
    return list(frames(data, read_header(data)))


def _same(before: bytes, after: bytes) -> list[float]:
    pairs = zip(_decoded(before), _decoded(after), strict=True)
    face = (slice(45, 85), slice(45, 85))
    return [float(np.mean(a.picture[face] == b.picture[face])) for a, b in pairs]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_the_face_is_hidden_in_every_frame_also_where_it_was_missed(kind: str) -> None:
    data = animation(_noise(4), kind, [50, 60, 70, 80])
    detector = _Blinking([FACE])

    result = Pipeline(detector).run(data)

    assert len(detector.seen) == 4
    assert result.faces == [Face("1", FACE)]
    assert max(_same(data, result.data)) < 0.1
    assert [round(f.duration_ms) for f in _decoded(result.data)] == [50, 60, 70, 80]


def test_the_pages_of_a_document_are_not_neighbours() -> None:
    first, *rest = _noise(3)
    data = saved(first, "TIFF", save_all=True, append_images=rest)

    result = Pipeline(_Blinking([FACE])).run(data)

    same = _same(data, result.data)
    assert same[1] == 1
    assert max(same[0], same[2]) < 0.1


def test_a_persons_boxes_are_hidden_in_every_frame() -> None:
    data = animation(_noise(3), "PNG", [50] * 3)
    detector = FakeDetector()

    result = Pipeline(detector).run(data, Options(boxes=(FACE,)))

    assert detector.seen == []
    assert max(_same(data, result.data)) < 0.1


def test_detect_looks_at_every_frame_and_tells_each_face_once() -> None:
    data = animation(_noise(3), "GIF", [50] * 3)

    found = Pipeline(FakeDetector([FACE])).detect(data)

    assert (found.width, found.height, found.faces) == (200, 150, [Face("1", FACE)])


def test_without_detection_in_one_frame_no_picture_comes_out() -> None:
    class Failing(FakeDetector):
        def find_faces(
            self, picture: npt.NDArray[np.uint8], sensitivity: Sensitivity = Sensitivity.HIGH
        ) -> list[Box]:
            if len(self.seen) == 2:
                self.failure = "broken"
            return super().find_faces(picture, sensitivity)

    with pytest.raises(DetectionFailed, match="broken"):
        Pipeline(Failing([FACE])).run(animation(_noise(3), "WEBP", [50] * 3))


@pytest.mark.parametrize("frames_before", [0, 1, 2])
def test_a_picture_that_takes_too_long_does_not_come_out(frames_before: int) -> None:
    now = 0.0

    def look() -> None:
        nonlocal now
        now += 10.0 / (frames_before + 1)

    pipeline = Pipeline(FakeDetector([FACE], meanwhile=look), lambda: Deadline(10, lambda: now))
    data = animation(_noise(3), "PNG", [50] * 3)

    for work in (pipeline.run, pipeline.detect):
        with pytest.raises(PictureTooSlow, match="longer than 10 s"):
            work(data)
