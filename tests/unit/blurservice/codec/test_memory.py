"""What a picture takes is what its header says, and all of it is given back."""

import pytest
from tests.benchmarks.blur.memory import growth
from tests.support.detectors import FakeDetector
from tests.support.peak import measured

from faceblur_service.geometry import Box


@pytest.mark.parametrize(
    "kind", ["JPEG CMYK", "PNG alpha turned", "WEBP", "WEBP lossless", "AVIF alpha", "PNG animated"]
)
def test_a_picture_takes_no_more_than_its_cost(kind: str) -> None:
    found = measured(kind, 3)

    assert found.peak - found.base <= found.cost


def test_many_pictures_good_and_broken_leave_nothing_behind() -> None:
    slope, _ = growth(FakeDetector([Box(4, 4, 30, 30, 0.9)]), 300)

    assert slope < 5000  # KiB per thousand: one lost picture of the smallest would be 11,000
