"""What `fast` loses: releases that are taken back for lost faces are tested with it."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from tests.support.pictures import crowd

from faceblur_service.blurring import Picture
from faceblur_service.detection import Detector
from faceblur_service.detection.factory import make_detector
from faceblur_service.matching import match
from faceblur_service.options import Sensitivity


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    made = make_detector()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("sensitivity", "least", "most"),
    [(Sensitivity.FAST, 1, 5), (Sensitivity.NORMAL, 13, 15), (Sensitivity.HIGH, 15, 15)],
)
def test_fast_loses_most_of_a_crowd_and_high_nobody(
    detector: Detector, sensitivity: Sensitivity, least: int, most: int
) -> None:
    photo, faces = crowd()
    picture: Picture = np.asarray(cv2.imdecode(np.frombuffer(photo, np.uint8), 1), np.uint8)

    found = detector.find_faces(picture, sensitivity)

    assert least <= len(match(found, faces).pairs) <= most
    assert len(found) <= most
