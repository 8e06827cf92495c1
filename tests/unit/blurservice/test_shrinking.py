"""Making part of a picture smaller."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur_service.shrinking import Picture, halved, quickly_shrunk, shrunk, whole_fraction

both = pytest.mark.parametrize("shrink", [shrunk, quickly_shrunk])
Shrink = Callable[[Picture, int, int], Picture]


@both
@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_the_size_is_the_one_that_was_asked_for(
    shrink: Shrink, width: int, height: int, data: st.DataObject
) -> None:
    wanted = data.draw(st.integers(1, width)), data.draw(st.integers(1, height))

    small = shrink(np.zeros((height, width, 3), np.uint8), *wanted)

    assert small.shape == (wanted[1], wanted[0], 3)


@both
@pytest.mark.parametrize("side", [8, 13, 31, 64, 201])
def test_a_pixel_is_the_mean_of_what_it_shows(shrink: Shrink, side: int) -> None:
    # Stripes that nearest pixels would show as one colour.
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[:, ::2] = 200

    small = shrink(picture, side, side).astype(int)

    assert abs(small.mean() - 100) < 2
    if side < 64:
        assert np.abs(small - 100).max() <= 16


@both
def test_what_is_shown_stays_where_it_is(shrink: Shrink) -> None:
    picture = np.zeros((403, 805, 3), np.uint8)
    picture[200:, 400:] = 255

    small = shrink(picture, 80, 40)

    assert not small[:19, :39].any()
    assert (small[21:, 41:] == 255).all()


@pytest.mark.parametrize(
    ("shape", "factor", "want"),
    [
        ((1080, 1920), 2, (540, 960)),
        ((1081, 1919), 2, (540, 959)),
        ((1, 5000), 6, (1, 833)),
        ((7, 9), 1, (7, 9)),
    ],
)
def test_a_whole_fraction_drops_what_is_left_over(
    shape: tuple[int, int], factor: int, want: tuple[int, int]
) -> None:
    assert whole_fraction(np.zeros((*shape, 3), np.uint8), factor).shape == (*want, 3)


@pytest.mark.parametrize(
    ("shape", "want"),
    [
        ((95, 500), (95, 500)),
        ((191, 500), (191, 500)),
        ((192, 500), (96, 250)),
        ((801, 802), (100, 100)),
    ],
)
def test_halves_keep_both_sides_large_enough(shape: tuple[int, int], want: tuple[int, int]) -> None:
    assert halved(np.zeros((*shape, 3), np.uint8), 96).shape == (*want, 3)


@pytest.mark.parametrize("shape", [(1000, 1000), (705, 683), (417, 203)])
def test_halves_have_the_same_mean_colours(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 64, (*shape, 3), np.uint8)
    picture[400:, :200] += 150

    small = halved(picture, 96)

    whole, half = (
        cv2.resize(one, (4, 4), interpolation=cv2.INTER_AREA) for one in (picture, small)
    )
    assert small.shape[0] < shape[0]
    assert np.abs(whole.astype(int) - half.astype(int)).max() <= 3
