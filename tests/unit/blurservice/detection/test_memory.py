"""Looking for faces takes no memory that the header's cost does not name."""

import subprocess
import sys

import pytest
from tests.support.peak import Peak, measured

from faceblur_service import models
from faceblur_service.codec import MAX_COST
from faceblur_service.detection import yunet_detector, zoomed
from faceblur_service.selfcheck import ACROSS, CELL

POD = 512 * 2**20
# What gunicorn's parent holds beside its worker.
PARENT = 60 * 2**20


@pytest.fixture(scope="module", params=[12, 24.9])
def found(request: pytest.FixtureRequest) -> Peak:
    if not all(map(models.find_optional, (models.FACE_FULL_RANGE, models.YUNET))):
        pytest.skip("no models: set FACEBLUR_MODELS_DIR")
    return measured("JPEG faces", request.param, real=True)


def test_a_photo_with_faces_takes_no_more_than_its_cost(found: Peak) -> None:
    assert found.peak - found.base <= found.cost


def test_the_service_and_a_photo_fit_into_a_pod(found: Peak) -> None:
    assert found.held + found.cost + PARENT <= POD


def test_the_service_and_the_dearest_picture_fit_into_a_pod(found: Peak) -> None:
    assert found.held + MAX_COST + PARENT <= POD


_WARM = """
import numpy as np
from tests.support.peak import resident
from faceblur_service.allocator import give_back_large_blocks, sparing
from faceblur_service.detection.factory import make_detector

give_back_large_blocks()
detector = make_detector()
# Each size that the networks look at leaves memory for the next run.
for size in ((1080, 1920, 3), (720, 1280, 3)):
    detector.find_faces(np.zeros(size, np.uint8))
before = resident("RssAnon")
with sparing():
    print(before - resident("RssAnon"))
    detector.find_faces(np.zeros((1080, 1920, 3), np.uint8))
    print(before - resident("RssAnon"))
"""


def test_a_large_picture_gets_what_is_kept_for_looking() -> None:
    if not all(map(models.find_optional, (models.FACE_FULL_RANGE, models.YUNET))):
        pytest.skip("no models: set FACEBLUR_MODELS_DIR")
    done = subprocess.run([sys.executable, "-c", _WARM], capture_output=True, text=True, check=True)

    at_first, after_looking = map(int, done.stdout.split())

    assert min(at_first, after_looking) > 25 * 2**20


def test_no_window_needs_more_than_what_is_held_from_the_start() -> None:
    assert max(zoomed.WINDOW, ACROSS * CELL) <= yunet_detector.LARGEST_SIDE
