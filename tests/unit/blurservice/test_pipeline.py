"""One picture through the service."""

import cv2
import numpy as np
import pytest
from tests.support.detectors import FakeDetector

from faceblur_service.blurring import SOLID_BGR, hide_faces
from faceblur_service.codec import Format
from faceblur_service.errors import BadRequest, DetectionFailed
from faceblur_service.faces import Face
from faceblur_service.geometry import Box
from faceblur_service.options import Mode, Options, Sensitivity
from faceblur_service.pipeline import Found, Pipeline

FACE = Box(40, 40, 90, 90, 0.9)


def _noise_png() -> bytes:
    picture = np.random.default_rng(0).integers(0, 256, (150, 200, 3), np.uint8)
    return bytes(cv2.imencode(".png", picture)[1])


def test_the_face_is_hidden_and_the_rest_is_kept() -> None:
    data = _noise_png()

    result = Pipeline(FakeDetector([FACE])).run(data)

    before, after = (_pixels(d) for d in (data, result.data))
    assert (result.format, result.faces) == (Format.PNG, [Face("1", FACE)])
    assert np.mean(before[40:90, 40:90] == after[40:90, 40:90]) < 0.05
    assert np.array_equal(before[:, 120:], after[:, 120:])


def test_every_stage_is_timed() -> None:
    result = Pipeline(FakeDetector()).run(_noise_png())

    assert list(result.stage_seconds) == ["decode", "detect", "blur", "encode"]
    assert all(seconds > 0 for seconds in result.stage_seconds.values())


def test_the_detector_looks_as_hard_as_asked() -> None:
    detector = FakeDetector()
    pipeline = Pipeline(detector)

    pipeline.run(_noise_png(), Options(sensitivity=Sensitivity.FAST))
    pipeline.detect(_noise_png(), Sensitivity.MAX)

    assert detector.asked == [Sensitivity.FAST, Sensitivity.MAX]


def test_corrected_boxes_are_hidden_and_nothing_else() -> None:
    """A person left the face that the detector sees out, and drew another."""
    detector, drawn = FakeDetector([FACE]), Box(130, 90, 160, 120)
    data = _noise_png()

    result = Pipeline(detector).run(data, Options(boxes=(drawn,)))

    before, after = (_pixels(d) for d in (data, result.data))
    assert result.faces == [Face("1", drawn)]
    assert np.mean(before[90:120, 130:160] == after[90:120, 130:160]) < 0.05
    assert np.array_equal(before[:75], after[:75])


@pytest.mark.parametrize(
    "box", [Box(200, 0, 230, 30), Box(0, 150, 30, 180), Box(-30, 10, 0, 40), Box(10, -30, 40, 0)]
)
def test_boxes_of_another_picture_are_refused(box: Box) -> None:
    """They would hide nothing, and nobody would be told."""
    options = Options(boxes=(FACE, box))

    with pytest.raises(BadRequest, match="Box 2 to hide lies outside of the picture"):
        Pipeline(FakeDetector()).run(_noise_png(), options)
    with pytest.raises(BadRequest, match="Box 2 to hide lies outside of the picture"):
        Pipeline(FakeDetector()).hide(np.zeros((150, 200, 3), np.uint8), options)


def test_a_box_at_the_edge_is_hidden_as_far_as_it_goes() -> None:
    box = Box(199, 149, 250, 200)

    result = Pipeline(FakeDetector()).run(_noise_png(), Options(boxes=(box,)))

    assert result.faces == [Face("1", box)]


def test_no_boxes_at_all_hide_nothing() -> None:
    data = _noise_png()

    result = Pipeline(FakeDetector([FACE])).run(data, Options(boxes=()))

    assert np.array_equal(_pixels(data), _pixels(result.data))


def test_a_face_that_is_still_one_is_hidden_harder_and_counted() -> None:
    detector = FakeDetector([FACE])
    detector.leftovers = [Box(18, 22, 60, 66, 0.8)]

    result = Pipeline(detector).run(_noise_png())

    assert result.hidden_again == 1
    face = _pixels(result.data)[40:90, 40:90]
    assert np.array_equal(face, np.broadcast_to(np.array(SOLID_BGR, np.uint8), face.shape))


@pytest.mark.parametrize(
    ("mode", "want"),
    [
        (Mode.SOLID, []),
        pytest.param(Mode.EMOJI, [(160, 1120, 3)], id="emoji: once before, for how it leans"),
    ],
)
def test_an_opaque_face_is_not_looked_at_again(mode: Mode, want: list[tuple[int, ...]]) -> None:
    detector = FakeDetector([FACE])
    detector.leftovers = [Box(18, 22, 60, 66, 0.8)]

    result = Pipeline(detector).run(_noise_png(), Options(mode=mode))

    assert (result.hidden_again, detector.sheets) == (0, want)


def test_looking_again_never_touches_what_a_person_left_out() -> None:
    """What is found beside the corrected box is a face that was to stay clear."""
    detector, drawn = FakeDetector([FACE]), Box(130, 90, 160, 120)
    detector.leftovers = [Box(0, 0, 10, 10, 0.9)]
    data = _noise_png()

    result = Pipeline(detector).run(data, Options(boxes=(drawn,)))

    assert result.hidden_again == 0
    assert np.array_equal(_pixels(data)[:75], _pixels(result.data)[:75])


def test_an_array_is_hidden_as_a_file_is() -> None:
    picture = _pixels(_noise_png())

    hidden = Pipeline(FakeDetector([FACE])).hide(picture, Options(mode=Mode.SOLID))

    assert (hidden.faces, hidden.hidden_again) == ([Face("1", FACE)], 0)
    assert np.array_equal(hidden.picture, hide_faces(picture, [FACE], Mode.SOLID))


def test_detect_says_size_and_numbered_faces() -> None:
    other = Box(120, 20, 150, 50, 0.6)

    found = Pipeline(FakeDetector([other, FACE])).detect(_noise_png())

    assert found == Found(200, 150, [Face("1", FACE), Face("2", other)])


def test_without_detection_no_picture_comes_out() -> None:
    detector = FakeDetector([FACE])
    detector.failure = "broken"

    with pytest.raises(DetectionFailed, match="broken"):
        Pipeline(detector).run(_noise_png())


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
