"""Colours look the same before and after, without the profile."""

import io

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import ImageCms
from tests.support.profiles import grey_profile, wide_profile
from tests.support.samples import arrow, image, saved

from faceblur_service.codec import decode, encode, frames, read_header

Pixels = npt.NDArray[np.uint8]


def _colours() -> Pixels:
    """A smooth field of colours, none of them near the edge of what sRGB can show."""
    steps = np.linspace(60, 190, 48).astype(np.float32)
    red, green = np.meshgrid(steps, steps)
    return np.dstack((250 - red, green, red)).clip(60, 190).astype(np.uint8)


def _lab(bgr: Pixels, profile: bytes | None = None) -> npt.NDArray[np.float64]:
    """Return what a viewer that honours profiles shows, in CIE Lab."""
    rgb = image(bgr)
    if profile is not None:
        seen = ImageCms.profileToProfile(
            rgb,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
        assert seen is not None
        rgb = seen
    return np.asarray(
        cv2.cvtColor(np.asarray(rgb, np.float32) / 255, cv2.COLOR_RGB2Lab), np.float64
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_colours_of_a_wide_profile_are_right_without_it(kind: str) -> None:
    profile = wide_profile()
    data = saved(image(_colours()), kind, icc_profile=profile)
    header = read_header(data)

    out = encode(frames(data, header), header)

    found = decode(out, read_header(out)).picture
    error = np.linalg.norm(_lab(found) - _lab(_colours(), profile), axis=2)
    ignored = np.linalg.norm(_lab(_colours()) - _lab(_colours(), profile), axis=2)
    assert ignored.mean() > 4  # what ignoring the profile would cost
    assert error.mean() < {"JPEG": 1.5, "AVIF": 2.5}.get(kind, 0.5)  # the lossy ones lose more


def test_a_profile_of_srgb_changes_no_pixel() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(image(_colours()), "PNG", icc_profile=profile)

    assert np.array_equal(decode(data, read_header(data)).picture, _colours())


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(b"\0" * 128, id="zeros"),
        pytest.param(wide_profile()[:200], id="cut off"),
        pytest.param(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), id="LAB"),
    ],
)
def test_a_profile_that_does_not_fit_is_ignored(profile: bytes) -> None:
    data = saved(image(_colours()), "PNG", icc_profile=profile)

    assert np.array_equal(decode(data, read_header(data)).picture, _colours())


def test_transparent_colours_are_turned_too() -> None:
    alpha = np.full((48, 48), 200, np.uint8)
    profile = wide_profile()
    clear, solid = (saved(image(_colours(), a), "PNG", icc_profile=profile) for a in (alpha, None))

    found, wanted = (decode(data, read_header(data)) for data in (clear, solid))

    assert np.array_equal(found.picture, wanted.picture)


def test_a_grey_profile_is_honoured() -> None:
    grey = image(arrow()).convert("L")
    data = saved(grey, "PNG", icc_profile=grey_profile(1.0))

    found = decode(data, read_header(data)).picture

    # The middle of a linear scale is light to the eye.
    level = int(np.asarray(grey)[0, 0])
    assert np.ptp(found[0, 0].astype(int)) == 0
    assert int(found[0, 0, 0]) > level + 40


def test_a_large_picture_is_turned_in_strips() -> None:
    large = np.asarray(cv2.resize(_colours(), (1200, 1000)), np.uint8)
    data = saved(image(large), "PNG", icc_profile=wide_profile())

    found = decode(data, read_header(data)).picture

    error = np.linalg.norm(_lab(found) - _lab(large, wide_profile()), axis=2)
    assert error.max() < 1.5
