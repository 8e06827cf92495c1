"""What every detector promises: the fake and the real ones pass the same tests."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.detectors import FakeDetector
from tests.support.pictures import portrait

from faceblur_service import models
from faceblur_service.detection import Engine
from faceblur_service.detection.combined import CombinedDetector
from faceblur_service.detection.heads import LEVELS
from faceblur_service.detection.mediapipe_detector import MediaPipeDetector
from faceblur_service.detection.tiled import TiledDetector
from faceblur_service.detection.yunet_detector import YuNetDetector
from faceblur_service.detection.zoomed import ZoomedEngine
from faceblur_service.errors import DetectionFailed, ModelError
from faceblur_service.geometry import Box
from faceblur_service.options import Sensitivity

MakeDetector = Callable[[], Engine]
# Where Eileen Collins' face is in the portrait, eyebrows to chin.
FACE = Box(172, 68, 276, 172)


def _mediapipe() -> MediaPipeDetector:
    return MediaPipeDetector(models.ensure() / models.FACE_FULL_RANGE.name, threshold=0.3)


def _yunet() -> YuNetDetector:
    return YuNetDetector(models.ensure() / models.YUNET.name, threshold=0.3)


def _tiled(inner: Engine) -> TiledDetector:
    return TiledDetector(inner, whole=0.4, tiles=0.5)


MAKERS = [
    pytest.param(lambda: FakeDetector([FACE]), id="fake"),
    pytest.param(_mediapipe, id="MediaPipe"),
    pytest.param(lambda: _tiled(_mediapipe()), id="MediaPipe with tiles"),
    pytest.param(_yunet, id="YuNet"),
    pytest.param(lambda: ZoomedEngine(_yunet()), id="YuNet zoomed"),
    pytest.param(lambda: CombinedDetector(_mediapipe(), _yunet()), id="all together"),
    pytest.param(lambda: CombinedDetector(_mediapipe()), id="all together without YuNet"),
]


@pytest.fixture(scope="module", params=MAKERS)
def detector(request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = request.param()
    yield made
    made.close()


def test_a_face_is_found_where_it_is(detector: Engine) -> None:
    best = detector.find_faces(portrait())[0]

    assert _iou(best, FACE) > 0.6
    assert 0.5 < best.score <= 1


@pytest.mark.parametrize("size", [(481, 482), (963, 971), (2046, 1923)])
def test_mediapipe_finds_a_face_in_a_larger_copy_where_it_is(size: tuple[int, int]) -> None:
    """It is shown the copy shrunk by halves, of which rows and columns may be left over."""
    picture = portrait()
    across, down = size[0] / picture.shape[1], size[1] / picture.shape[0]
    large = np.asarray(cv2.resize(picture, size), np.uint8)
    detector = _mediapipe()

    found = detector.find_faces(large)[0]
    detector.close()

    wanted = Box(FACE.x1 * across, FACE.y1 * down, FACE.x2 * across, FACE.y2 * down)
    assert _iou(found, wanted) > 0.6


def test_the_picture_is_left_unchanged(detector: Engine) -> None:
    picture = portrait()

    detector.find_faces(picture)

    assert np.array_equal(picture, portrait())


def test_a_plain_picture_has_no_faces(detector: Engine) -> None:
    assert detector.find_faces(np.full((300, 700, 3), 90, np.uint8)) == []


def test_boxes_come_best_first(detector: Engine) -> None:
    scores = [box.score for box in detector.find_faces(portrait())]

    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_closed_detector_refuses_instead_of_finding_nothing(maker: MakeDetector) -> None:
    made = maker()
    made.close()
    made.close()

    with pytest.raises(DetectionFailed, match="closed"):
        made.find_faces(portrait())


def test_no_run_computes_what_nobody_asks_for() -> None:
    detector = _yunet()

    outputs = [output.name for output in detector._session.get_outputs()]
    detector.close()

    assert outputs == list(LEVELS)


@pytest.mark.parametrize("maker", [_mediapipe, _yunet])
def test_a_detector_made_before_a_fork_refuses_instead_of_hanging(maker: MakeDetector) -> None:
    made = maker()
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


@pytest.mark.parametrize(
    ("engine", "content"),
    [
        pytest.param(MediaPipeDetector, b"TFL3 but not really", id="MediaPipe"),
        pytest.param(YuNetDetector, b"not a network", id="YuNet, another file"),
        pytest.param(
            YuNetDetector,
            b"\x0a\x03\x08\x80\x05\x0a\x03\x08\x80\x05 but not really",
            id="YuNet, broken",
        ),
    ],
)
def test_a_broken_model_is_refused_with_a_sentence(
    tmp_path: Path, engine: type[MediaPipeDetector | YuNetDetector], content: bytes
) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(content)

    with pytest.raises(ModelError, match=rf"^Model {broken} cannot be used: \S"):
        engine(broken, threshold=0.4)


def test_tiles_see_every_part_of_a_large_picture() -> None:
    inner = FakeDetector([Box(10, 10, 50, 50, 0.9)])
    picture = np.random.default_rng(0).integers(0, 256, (1440, 2560, 3), np.uint8)

    _tiled(inner).find_faces(picture)

    assert inner.seen[0] == (1080, 1920, 3)
    assert 1 < len(inner.seen) - 1 <= 24
    assert {max(shape[:2]) for shape in inner.seen[1:]} <= set(range(384, 700))


def test_a_face_in_a_tile_is_found_at_its_place_in_the_picture() -> None:
    class OnlyInTheLastTile(FakeDetector):
        def find_faces(
            self, picture: np.ndarray, sensitivity: Sensitivity = Sensitivity.HIGH
        ) -> list[Box]:
            super().find_faces(picture, sensitivity)
            return [Box(10, 20, 50, 60, 0.9)] if len(self.seen) == 5 else []

    found = _tiled(OnlyInTheLastTile()).find_faces(np.zeros((480, 640, 3), np.uint8))

    assert found == [Box(266, 116, 306, 156, 0.9)]


def test_an_unsure_face_in_a_tile_does_not_count() -> None:
    class Unsure(FakeDetector):
        def find_faces(
            self, picture: np.ndarray, sensitivity: Sensitivity = Sensitivity.HIGH
        ) -> list[Box]:
            super().find_faces(picture, sensitivity)
            return [Box(10, 20, 50, 60, 0.45)] if len(self.seen) > 1 else []

    assert _tiled(Unsure()).find_faces(np.zeros((480, 640, 3), np.uint8)) == []


def _iou(one: Box, two: Box) -> float:
    width = min(one.x2, two.x2) - max(one.x1, two.x1)
    height = min(one.y2, two.y2) - max(one.y1, two.y1)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.area + two.area - shared)
