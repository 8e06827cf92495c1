"""How many faces of labelled group photos are found, and whether hiding them is enough.

The whole of it, on more pictures and with other programs beside it, is `make bench-blur`.
"""

from collections.abc import Iterator

import pytest
from tests.benchmarks.blur import recall

from faceblur_service import models
from faceblur_service.blurring import hide_faces
from faceblur_service.detection.combined import HINT, LEAST, CombinedDetector
from faceblur_service.detection.mediapipe_detector import MediaPipeDetector
from faceblur_service.detection.yunet_detector import YuNetDetector
from faceblur_service.geometry import Box
from faceblur_service.matching import match
from faceblur_service.options import Mode, Sensitivity, Strength

pytestmark = pytest.mark.skipif(
    not recall.is_there(),
    reason="no labelled pictures: set FACEBLUR_TEST_FACES to a folder with labels.json",
)


@pytest.fixture(scope="module")
def yunet() -> YuNetDetector:
    return YuNetDetector(models.ensure() / models.YUNET.name, threshold=HINT)


@pytest.fixture(scope="module")
def detector(yunet: YuNetDetector) -> Iterator[CombinedDetector]:
    model = models.ensure() / models.FACE_FULL_RANGE.name
    made = CombinedDetector(MediaPipeDetector(model, threshold=LEAST), yunet)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("sensitivity", "least"),
    [
        pytest.param(Sensitivity.FAST, 41, id="fast"),
        pytest.param(Sensitivity.NORMAL, 42, id="normal"),
        pytest.param(Sensitivity.HIGH, 43, id="high"),
        pytest.param(Sensitivity.MAX, 42, id="max"),
    ],
)
def test_nearly_every_face_of_group_photos_is_found(
    detector: CombinedDetector, sensitivity: Sensitivity, least: int
) -> None:
    """43 faces of 37 to 90 pixels."""
    groups = recall.pictures("dlib")

    pairs = [
        match(detector.find_faces(one.picture, sensitivity), one.faces).pairs for one in groups
    ]

    assert sum(len(one.faces) for one in groups) == 43
    assert sum(map(len, pairs)) >= least


def test_a_crowd_is_found_with_few_mistakes(detector: CombinedDetector) -> None:
    """The first crowds only: all of them take too long here."""
    found = right = large = large_found = 0
    for one in recall.pictures("wider416")[:12]:
        boxes = detector.find_faces(one.picture)
        pairs = match(boxes, one.faces).pairs
        found, right = found + len(boxes), right + len(pairs)
        wanted = {i for i, face in enumerate(one.faces) if max(face.width, face.height) >= 16}
        large, large_found = large + len(wanted), large_found + sum(j in wanted for _, j in pairs)

    assert right / found >= 0.85
    assert large_found / large >= 0.7


@pytest.mark.parametrize(
    ("mode", "strength"),
    [
        (Mode.BLUR, Strength.NORMAL),
        (Mode.BLUR, Strength.STRONG),
        (Mode.MOSAIC, Strength.NORMAL),
        (Mode.SOLID, Strength.NORMAL),
    ],
)
def test_hidden_faces_are_not_found_again(
    detector: CombinedDetector, yunet: YuNetDetector, mode: Mode, strength: Strength
) -> None:
    """Of 43 faces at most one may still look like a face, before the service looks again."""
    again = 0
    for one in recall.pictures("dlib"):
        hidden = hide_faces(one.picture, detector.find_faces(one.picture), mode, strength)
        after = [box for box in yunet.find_faces(hidden) if box.score >= 0.5]
        again += sum(any(_middle_lies_in(box, face) for box in after) for face in one.faces)

    assert again <= 1


def _middle_lies_in(box: Box, face: Box) -> bool:
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    return face.x1 <= x <= face.x2 and face.y1 <= y <= face.y2
