"""Hiding faces in arrays."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from faceblur_service.blurring import hide_faces
from faceblur_service.geometry import Box, Region, head_of, visible

Pixels = npt.NDArray[np.uint8]


def _noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def _region(face: Box, width: int, height: int) -> Region:
    region = visible(head_of(face), width, height)
    assert region is not None
    return region


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x, y = draw(st.integers(-40, 160)), draw(st.integers(-40, 130))
    return Box(x, y, x + draw(st.integers(1, 150)), y + draw(st.integers(1, 150)))


def test_without_faces_the_picture_stays_as_it_is() -> None:
    picture = _noise(40, 60)

    hidden = hide_faces(picture, [])

    assert np.array_equal(hidden, picture)
    assert hidden is not picture


def test_a_face_outside_the_picture_changes_nothing() -> None:
    picture = _noise(40, 60)

    assert np.array_equal(hide_faces(picture, [Box(-90, -90, -60, -60)]), picture)


@given(boxes())
def test_nothing_outside_the_margin_changes(face: Box) -> None:
    picture = _noise(120, 160)
    before = picture.copy()

    hidden = hide_faces(picture, [face])

    assert np.array_equal(picture, before), "the input was changed"
    region = visible(head_of(face), 160, 120)
    changed = np.any(hidden != picture, axis=2)
    if region is not None:
        changed[region.y1 : region.y2, region.x1 : region.x2] = False
    assert not changed.any()


@given(st.integers(-10, 180), st.integers(-10, 180), st.integers(30, 90), st.integers(30, 90))
def test_no_pixel_of_the_face_box_survives(x: int, y: int, width: int, height: int) -> None:
    """Also where the picture's edge cuts the face."""
    face = Box(x, y, x + width, y + height)
    hidden = hide_faces(_noise(220, 220), [face])

    seen = visible(face, 220, 220)
    assert seen is not None
    inside = hidden[seen.y1 : seen.y2, seen.x1 : seen.x2].astype(int)

    # Noise jumps by up to 255 from pixel to pixel; what was enlarged from 4 x 4 cannot.
    down, across = np.abs(np.diff(inside, axis=0)), np.abs(np.diff(inside, axis=1))
    steps = max(down.max(initial=0), across.max(initial=0))
    assert steps <= 40


def test_only_sixteen_mean_colours_are_left_of_a_face() -> None:
    """Shuffling all detail inside the cells of the grid does not change the result."""
    face = Box(100, 100, 200, 300)
    region = _region(face, 400, 400)
    assert region == Region(76, 32, 224, 348)
    picture = np.full((400, 400, 3), 128, np.uint8)
    shuffled = picture.copy()
    rng = np.random.default_rng(1)
    for x in range(region.x1, region.x2, 37):
        for y in range(region.y1, region.y2, 79):
            block = rng.integers(0, 256, (79, 37, 3), np.uint8)
            picture[y : y + 79, x : x + 37] = block
            shuffled[y : y + 79, x : x + 37] = block[:, ::-1]

    one, two = hide_faces(picture, [face]), hide_faces(shuffled, [face])

    assert np.array_equal(one[100:300, 100:200], two[100:300, 100:200])


def test_a_tiny_face_is_hidden_to_the_corners() -> None:
    picture = _noise(60, 60)
    region = _region(Box(20, 20, 30, 30), 60, 60)

    hidden = hide_faces(picture, [Box(20, 20, 30, 30)])

    corner = (region.y1, region.x1)
    assert not np.array_equal(hidden[corner], picture[corner])


def test_the_corners_around_a_large_face_stay_sharp() -> None:
    picture = _noise(300, 300)
    face = Box(100, 100, 200, 200)
    region = _region(face, 300, 300)

    hidden = hide_faces(picture, [face])

    corner = (region.y1, region.x1)
    assert np.array_equal(hidden[corner], picture[corner])


def test_overlapping_faces_are_all_hidden() -> None:
    picture = _noise(300, 300)
    faces = [Box(60, 60, 160, 160), Box(120, 80, 220, 180)]

    hidden = hide_faces(picture, faces)

    for face in faces:
        box = (slice(int(face.y1), int(face.y2)), slice(int(face.x1), int(face.x2)))
        assert np.mean(np.any(hidden[box] != picture[box], axis=2)) > 0.99
