"""What a picture takes is what its header says, and all of it is given back."""

import subprocess
import sys

import pytest
from tests.support.peak import measured

from faceblur_service.codec import MAX_COST

_GROWTH = """
from tests.benchmarks.blur.memory import growth
from tests.support.detectors import FakeDetector
from faceblur_service.geometry import Box

print(growth(FakeDetector([Box(4, 4, 30, 30, 0.9)]), 2000)[0])
"""


@pytest.mark.parametrize(
    "kind",
    [
        *("JPEG CMYK", "PNG alpha turned", "PNG animated", "GIF", "AVIF", "AVIF alpha"),
        *("WEBP", "WEBP lossless", "WEBP alpha"),
    ],
)
def test_a_picture_takes_no_more_than_its_cost(kind: str) -> None:
    found = measured(kind, 3)

    assert found.peak - found.base <= found.cost


@pytest.mark.parametrize("kind", ["HEIC", "HEIC 10 bits", "HEIC alpha"])
def test_a_heic_takes_no_more_than_its_cost(kind: str) -> None:
    found = measured(kind, 3)

    assert found.cost / 3 < found.peak - found.base <= found.cost


def test_a_heic_of_25_megapixels_fits_into_a_pod() -> None:
    found = measured("HEIC", 25)

    assert found.pixels == 25_000_000
    assert found.peak - found.base <= found.cost < MAX_COST


@pytest.mark.parametrize("kind", ["AVIF alpha", "TIFF alpha", "WEBP alpha", "WEBP lossless"])
def test_25_megapixels_of_what_takes_the_most_fit_into_a_pod(kind: str) -> None:
    found = measured(kind, 24.9)

    assert found.pixels > 24_800_000
    assert found.peak - found.base <= found.cost < MAX_COST


def test_many_pictures_good_and_broken_leave_nothing_behind() -> None:
    # In a process of its own: what other tests left in the allocator would move the line.
    done = subprocess.run(
        [sys.executable, "-c", _GROWTH], capture_output=True, text=True, check=True
    )

    slope = float(done.stdout)

    assert slope < 1000  # KiB per thousand: one lost picture of the smallest would be 11,000
