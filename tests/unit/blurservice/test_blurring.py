"""Hiding faces in arrays."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur_service.blurring import SOLID_BGR, hide_faces
from faceblur_service.geometry import Box, Region, head_of, visible
from faceblur_service.options import Mode, Strength

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


WAYS = [
    pytest.param(Mode.BLUR, Strength.NORMAL, id="blur"),
    pytest.param(Mode.BLUR, Strength.STRONG, id="strong blur"),
    pytest.param(Mode.MOSAIC, Strength.NORMAL, id="mosaic"),
    pytest.param(Mode.MOSAIC, Strength.STRONG, id="strong mosaic"),
    pytest.param(Mode.SOLID, Strength.NORMAL, id="solid"),
    pytest.param(Mode.EMOJI, Strength.NORMAL, id="emoji"),
]
every_way = pytest.mark.parametrize(("mode", "strength"), WAYS)


@every_way
def test_without_faces_the_picture_stays_as_it_is(mode: Mode, strength: Strength) -> None:
    picture = _noise(40, 60)

    hidden = hide_faces(picture, [], mode, strength)

    assert np.array_equal(hidden, picture)
    assert hidden is not picture


@every_way
def test_a_face_outside_the_picture_changes_nothing(mode: Mode, strength: Strength) -> None:
    picture = _noise(40, 60)

    assert np.array_equal(hide_faces(picture, [Box(-90, -90, -60, -60)], mode, strength), picture)


@every_way
@given(face=boxes())
def test_nothing_outside_the_margin_changes(mode: Mode, strength: Strength, face: Box) -> None:
    picture = _noise(120, 160)
    before = picture.copy()

    hidden = hide_faces(picture, [face], mode, strength)

    assert np.array_equal(picture, before), "the input was changed"
    assert (hidden.shape, hidden.dtype) == (picture.shape, picture.dtype)
    region = visible(head_of(face), 160, 120)
    changed = np.any(hidden != picture, axis=2)
    if region is not None:
        changed[region.y1 : region.y2, region.x1 : region.x2] = False
    assert not changed.any()


@every_way
@given(face=boxes())
def test_no_pixel_of_the_face_box_shows_through(mode: Mode, strength: Strength, face: Box) -> None:
    """Also where the picture's edge cuts the face.

    Two pictures with the same mean colours and nothing else in common become the same where the
    face is: what is left is at most those means.
    """
    seen = visible(face, 160, 120)
    picture = np.full((120, 160, 3), 128, np.uint8)
    speckled = picture - 30 + _checkers(120, 160)

    one, two = (hide_faces(p, [face], mode, strength).astype(int) for p in (picture, speckled))

    if seen is not None and strength is Strength.NORMAL:
        inside = (slice(seen.y1, seen.y2), slice(seen.x1, seen.x2))
        region = _region(face, 160, 120)
        # A cell of few pixels need not hold as many bright checkers as dark ones.
        rest = 4 + 2 * 60 * 4 / min(region.width, region.height)
        assert np.abs(one[inside] - two[inside]).max() <= rest


@pytest.mark.parametrize("mode", [Mode.SOLID, Mode.EMOJI])
@given(face=boxes())
def test_opaque_modes_leave_nothing_of_the_face(mode: Mode, face: Box) -> None:
    one, two = (hide_faces(_noise(120, 160, seed), [face], mode) for seed in (1, 2))

    seen = visible(face, 160, 120)
    if seen is not None:
        inside = (slice(seen.y1, seen.y2), slice(seen.x1, seen.x2))
        assert np.array_equal(one[inside], two[inside])


def test_solid_is_one_colour() -> None:
    hidden = hide_faces(_noise(120, 160), [Box(40, 40, 90, 90)], Mode.SOLID)

    assert np.array_equal(hidden[40:90, 40:90], np.full((50, 50, 3), SOLID_BGR, np.uint8))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2)])
@every_way
def test_a_picture_of_a_few_pixels_is_hidden_whole(
    mode: Mode, strength: Strength, shape: tuple[int, int]
) -> None:
    picture = np.full((*shape, 3), 200, np.uint8)

    hidden = hide_faces(picture, [Box(-1, -1, 8, 8)], mode, strength)

    assert hidden.shape == picture.shape
    if mode in {Mode.SOLID, Mode.EMOJI}:
        assert np.all(np.any(hidden != picture, axis=2))


@every_way
def test_a_face_larger_than_the_picture_is_hidden(mode: Mode, strength: Strength) -> None:
    picture = _noise(90, 120)

    hidden = hide_faces(picture, [Box(-1e5, -1e5, 1e5, 1e5)], mode, strength)

    assert np.mean(np.any(hidden != picture, axis=2)) > 0.99


def test_a_huge_face_is_blended_in_parts_without_a_seam() -> None:
    """More pixels than one part holds: rows of a smooth picture still follow each other."""
    ramp = np.linspace(0, 255, 700).astype(np.uint8)
    picture = np.ascontiguousarray(np.broadcast_to(ramp[:, None, None], (700, 900, 3)))

    hidden = hide_faces(picture, [Box(200, 150, 700, 550)]).astype(int)

    assert np.abs(np.diff(hidden[150:550, 450], axis=0)).max() <= 4


def test_the_edge_of_a_blurred_head_is_soft() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[:200] = 255

    hidden = hide_faces(picture, [Box(150, 150, 250, 250)]).astype(int)

    # From the picture into the head, along its middle row's upper neighbour.
    assert np.abs(np.diff(hidden[190, :, 0])).max() < 40
    assert hidden[190, 200, 0] < 200


def test_only_sixteen_mean_colours_are_left_of_a_face() -> None:
    """Shuffling all detail inside the cells of the grid does not change the result."""
    face = Box(100, 100, 180, 260)
    region = _region(face, 400, 400)
    assert region == Region(60, 20, 220, 308)
    picture = np.full((400, 400, 3), 128, np.uint8)
    shuffled = picture.copy()
    rng = np.random.default_rng(1)
    for x in range(region.x1, region.x2, 40):
        for y in range(region.y1, region.y2, 72):
            block = rng.integers(0, 256, (72, 40, 3), np.uint8)
            picture[y : y + 72, x : x + 40] = block
            shuffled[y : y + 72, x : x + 40] = block[:, ::-1]

    one, two = hide_faces(picture, [face]), hide_faces(shuffled, [face])

    assert np.array_equal(one[100:260, 100:180], two[100:260, 100:180])


def test_a_mosaic_has_sixteen_squares_and_a_strong_one_nine() -> None:
    y, x = np.indices((300, 300))
    picture = np.dstack((x * 0.8, y * 0.8, (x + y) * 0.4)).astype(np.uint8)
    face = Box(100, 100, 200, 200)
    region = _region(face, 300, 300)

    counts = []
    for strength in Strength:
        hidden = hide_faces(picture, [face], Mode.MOSAIC, strength)
        squares = hidden[region.y1 : region.y2, region.x1 : region.x2].reshape(-1, 3)
        counts.append(len(np.unique(squares, axis=0)))

    assert counts == [16, 9]


def test_the_noise_of_strong_is_another_each_time() -> None:
    """Noise that can be foretold can be subtracted."""
    picture, face = _noise(300, 300), Box(100, 100, 200, 200)

    one, two = (hide_faces(picture, [face], Mode.BLUR, Strength.STRONG) for _ in range(2))

    assert not np.array_equal(one, two)


@pytest.mark.parametrize(
    ("bright", "want_low", "want_high"),
    [
        pytest.param(0, 0, 0, id="black stays black"),
        pytest.param(16, 0.5, 5, id="a dark picture gets no glaring colours"),
        pytest.param(128, 10, 30, id="a bright one gets all of the noise"),
    ],
)
def test_the_noise_of_strong_follows_the_brightness(
    bright: int, want_low: float, want_high: float
) -> None:
    picture = np.full((300, 300, 3), bright, np.uint8)

    hidden = hide_faces(picture, [Box(100, 100, 200, 200)], Mode.MOSAIC, Strength.STRONG)

    off = np.sqrt(np.mean((hidden[100:200, 100:200].astype(float) - bright) ** 2))
    assert want_low <= off <= want_high


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


@every_way
def test_overlapping_faces_are_all_hidden(mode: Mode, strength: Strength) -> None:
    picture = _noise(300, 300)
    faces = [Box(60, 60, 160, 160), Box(120, 80, 220, 180)]

    hidden = hide_faces(picture, faces, mode, strength)

    for face in faces:
        box = (slice(int(face.y1), int(face.y2)), slice(int(face.x1), int(face.x2)))
        assert np.mean(np.any(hidden[box] != picture[box], axis=2)) > 0.99


def _checkers(height: int, width: int) -> Pixels:
    """Return bright pixels where row and column are both odd or both even, else nothing."""
    y, x = np.indices((height, width))
    return np.repeat(((y + x) % 2 * 60).astype(np.uint8)[:, :, None], 3, axis=2)
