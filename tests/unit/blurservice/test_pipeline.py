"""One picture through the service."""

import cv2
import numpy as np
import pytest
from tests.support.detectors import FakeDetector

from faceblur_service.codec import Format
from faceblur_service.errors import DetectionFailed
from faceblur_service.geometry import Box
from faceblur_service.pipeline import Pipeline

FACE = Box(40, 40, 90, 90, 0.9)


def _noise_png() -> bytes:
    picture = np.random.default_rng(0).integers(0, 256, (150, 200, 3), np.uint8)
    return bytes(cv2.imencode(".png", picture)[1])


def test_the_face_is_hidden_and_the_rest_is_kept() -> None:
    data = _noise_png()

    result = Pipeline(FakeDetector([FACE])).run(data)

    before, after = (
        cv2.imdecode(np.frombuffer(d, np.uint8), cv2.IMREAD_COLOR) for d in (data, result.data)
    )
    assert before is not None
    assert after is not None
    assert (result.format, result.faces) == (Format.PNG, [FACE])
    assert np.mean(before[40:90, 40:90] == after[40:90, 40:90]) < 0.05
    assert np.array_equal(before[:, 110:], after[:, 110:])


def test_every_stage_is_timed() -> None:
    result = Pipeline(FakeDetector()).run(_noise_png())

    assert list(result.stage_seconds) == ["decode", "detect", "blur", "encode"]
    assert all(seconds > 0 for seconds in result.stage_seconds.values())


def test_without_detection_no_picture_comes_out() -> None:
    detector = FakeDetector([FACE])
    detector.failure = "broken"

    with pytest.raises(DetectionFailed, match="broken"):
        Pipeline(detector).run(_noise_png())
