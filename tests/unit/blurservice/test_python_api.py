"""The Python API."""

import subprocess
import sys

import numpy as np
import pytest
from tests.support.pictures import portrait

import faceblur_service
from faceblur_service import blur_image, models


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEBLUR_MODELS_DIR", str(models.ensure()))


@pytest.mark.parametrize("sensitivity", ["fast", "normal"])
def test_a_face_is_hidden_in_a_new_array(sensitivity: str) -> None:
    picture = portrait()

    hidden = blur_image(picture, sensitivity=sensitivity)

    assert (hidden.shape, hidden.dtype) == (picture.shape, picture.dtype)
    assert np.array_equal(picture, portrait())
    assert np.mean(hidden[80:160, 190:260] != picture[80:160, 190:260]) > 0.9
    assert np.array_equal(hidden[300:], picture[300:])


@pytest.mark.parametrize(
    ("picture", "want"),
    [
        (np.zeros((9, 9), np.uint8), r"shape \(9, 9\)"),
        (np.zeros((9, 9, 4), np.uint8), r"shape \(9, 9, 4\)"),
        (np.zeros((9, 9, 3), np.float32), "found float32"),
        (np.zeros((0, 9, 3), np.uint8), "empty"),
    ],
)
def test_another_array_is_refused(picture: np.ndarray, want: str) -> None:
    with pytest.raises(ValueError, match=want):
        blur_image(picture)


def test_another_sensitivity_is_refused() -> None:
    with pytest.raises(ValueError, match="ultra"):
        blur_image(portrait(), sensitivity="ultra")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = faceblur_service.nothing


def test_a_program_that_used_it_ends_quietly() -> None:
    """Native threads are gone at exit: closing too late prints errors or hangs."""
    program = (
        "import numpy; from faceblur_service import blur_image; "
        "blur_image(numpy.zeros((64, 64, 3), numpy.uint8))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
