"""A picture is let go of when its work ends, not when Python next looks for circles."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from tests.support.detectors import FakeDetector
from tests.support.peak import KINDS, sample

from faceblur_service.deadline import Deadline
from faceblur_service.errors import PictureTooSlow
from faceblur_service.geometry import Box
from faceblur_service.pipeline import Pipeline

_MEGAPIXELS = 0.5
_FACE = Box(4, 4, 60, 60, 0.9)


@pytest.fixture(autouse=True)
def _nobody_looks_for_circles() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


def _left(work: Callable[[], object]) -> int:
    """Return bytes that are left of the second time."""
    work()
    before = tracemalloc.get_traced_memory()[0]
    work()
    return tracemalloc.get_traced_memory()[0] - before


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_picture_is_left(kind: str) -> None:
    data = sample(kind, _MEGAPIXELS)
    pipeline = Pipeline(FakeDetector([_FACE]))

    left = _left(lambda: len(pipeline.run(data).data))

    assert left < _MEGAPIXELS * 1e6


def test_nothing_of_a_picture_that_failed_is_left() -> None:
    data = sample("JPEG", _MEGAPIXELS)
    pipeline = Pipeline(FakeDetector([_FACE]), lambda: Deadline(0))

    def fail() -> None:
        with pytest.raises(PictureTooSlow):
            pipeline.run(data)

    assert _left(fail) < _MEGAPIXELS * 1e6
