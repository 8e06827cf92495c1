"""The colours of a GIF."""

import numpy as np
import numpy.typing as npt
import pytest

from faceblur_service.codec.palette import painted, palette_for

Pixels = npt.NDArray[np.uint8]


def _shown(picture: Pixels, most: int) -> Pixels:
    palette = palette_for(picture, most)
    assert len(palette.rgb) <= most
    indices = np.vstack([part for _, part in painted(picture, palette)])
    return palette.rgb[indices][:, :, ::-1]


@pytest.mark.parametrize("count", [1, 2, 256])
def test_few_colours_stay_exactly_as_they_are(count: int) -> None:
    rng = np.random.default_rng(count)
    colours = rng.integers(0, 256, (count, 3), np.uint8)
    # More pixels than one strip holds, so that no strip has all of them.
    picture = np.ascontiguousarray(colours[np.sort(rng.integers(0, count, (1100, 1000)), axis=0)])

    assert np.array_equal(_shown(picture, 256), picture)


def test_a_gradient_stays_smooth() -> None:
    ramp = np.linspace(40, 200, 640)
    picture = np.ascontiguousarray(
        np.broadcast_to(np.stack((ramp, ramp * 0.9, ramp * 0.8), -1), (400, 640, 3)).astype(
            np.uint8
        )
    )

    off = np.abs(_shown(picture, 64).astype(int) - picture)

    assert off.max() <= 8
