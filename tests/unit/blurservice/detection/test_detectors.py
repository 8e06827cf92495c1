"""What every detector promises: the fake and the real ones pass the same tests."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.support.detectors import FakeDetector
from tests.support.pictures import portrait

from faceblur_service import models
from faceblur_service.detection import Detector
from faceblur_service.detection.mediapipe_detector import MediaPipeDetector
from faceblur_service.detection.tiled import TiledDetector
from faceblur_service.errors import DetectionFailed, ModelError
from faceblur_service.geometry import Box

MakeDetector = Callable[[], Detector]
# Where Eileen Collins' face is in the portrait, eyebrows to chin.
FACE = Box(172, 68, 276, 172)


def _real() -> Detector:
    return MediaPipeDetector(models.ensure() / models.FACE_FULL_RANGE.name, threshold=0.4)


MAKERS = [
    pytest.param(lambda: FakeDetector([FACE]), id="fake"),
    pytest.param(_real, id="MediaPipe"),
    pytest.param(lambda: TiledDetector(_real()), id="MediaPipe with tiles"),
]


@pytest.fixture(scope="module", params=MAKERS)
def detector(request: pytest.FixtureRequest) -> Iterator[Detector]:
    made = request.param()
    yield made
    made.close()


def test_a_face_is_found_where_it_is(detector: Detector) -> None:
    best = detector.find_faces(portrait())[0]

    assert _iou(best, FACE) > 0.6
    assert 0.5 < best.score <= 1


def test_the_picture_is_left_unchanged(detector: Detector) -> None:
    picture = portrait()

    detector.find_faces(picture)

    assert np.array_equal(picture, portrait())


def test_a_plain_picture_has_no_faces(detector: Detector) -> None:
    assert detector.find_faces(np.full((300, 700, 3), 90, np.uint8)) == []


def test_boxes_come_best_first(detector: Detector) -> None:
    scores = [box.score for box in detector.find_faces(portrait())]

    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_closed_detector_refuses_instead_of_finding_nothing(maker: MakeDetector) -> None:
    made = maker()
    made.close()
    made.close()

    with pytest.raises(DetectionFailed, match="closed"):
        made.find_faces(portrait())


def test_a_detector_made_before_a_fork_refuses_instead_of_hanging() -> None:
    made = _real()
    child = os.fork()
    if child == 0:  # pragma: no cover - runs in the child
        signal.alarm(10)
        try:
            made.find_faces(portrait())
        except DetectionFailed:
            made.close()
            os._exit(7)
        os._exit(1)

    status = os.waitpid(child, 0)[1]
    made.close()

    assert os.waitstatus_to_exitcode(status) == 7


def test_a_broken_model_is_refused_with_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"TFL3 but not really")

    with pytest.raises(ModelError, match=rf"^Model {broken} cannot be used: \S"):
        MediaPipeDetector(broken, threshold=0.4)


def test_tiles_see_every_part_of_a_large_picture() -> None:
    inner = FakeDetector([Box(10, 10, 50, 50, 0.9)])
    picture = np.random.default_rng(0).integers(0, 256, (1440, 2560, 3), np.uint8)

    TiledDetector(inner).find_faces(picture)

    assert inner.seen[0] == (1080, 1920, 3)
    assert 1 < len(inner.seen) - 1 <= 24
    assert {max(shape[:2]) for shape in inner.seen[1:]} <= set(range(384, 700))


def test_a_face_in_a_tile_is_found_at_its_place_in_the_picture() -> None:
    class OnlyInTheLastTile(FakeDetector):
        def find_faces(self, picture: np.ndarray) -> list[Box]:
            self.seen.append(picture.shape)
            return [Box(10, 20, 50, 60, 0.9)] if len(self.seen) == 5 else []

    found = TiledDetector(OnlyInTheLastTile()).find_faces(np.zeros((480, 640, 3), np.uint8))

    assert found == [Box(266, 116, 306, 156, 0.9)]


def test_an_unsure_face_in_a_tile_does_not_count() -> None:
    class Unsure(FakeDetector):
        def find_faces(self, picture: np.ndarray) -> list[Box]:
            self.seen.append(picture.shape)
            return [Box(10, 20, 50, 60, 0.45)] if len(self.seen) > 1 else []

    assert TiledDetector(Unsure()).find_faces(np.zeros((480, 640, 3), np.uint8)) == []


def _iou(one: Box, two: Box) -> float:
    width = min(one.x2, two.x2) - max(one.x1, two.x1)
    height = min(one.y2, two.y2) - max(one.y1, two.y1)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.area + two.area - shared)
