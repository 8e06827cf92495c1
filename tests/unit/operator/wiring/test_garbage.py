"""Garbage that refers to itself is looked for seldom, and found all the same."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from faceblur_operator.wiring import look_for_garbage_less_often


class Ring:
    """Refers to itself, so that counting references never frees it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_garbage_is_still_found() -> None:
    gc.disable()
    look_for_garbage_less_often()
    often = gc.get_threshold()[0]
    lost = weakref.ref(Ring())
    kept: list[list[int]] = [[] for _ in range(2 * often)]

    assert len(kept) > 700
    assert lost() is None
