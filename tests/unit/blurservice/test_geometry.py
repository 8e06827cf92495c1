"""Boxes and tiles."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur_service.geometry import (
    Box,
    Region,
    calibrated,
    head_of,
    merge,
    plan_tiles,
    plan_windows,
    tile_budget,
    visible,
    zoom,
)

sides = st.integers(1, 3000)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x, y = draw(st.floats(-200, 2000)), draw(st.floats(-200, 2000))
    width, height = draw(st.floats(0.5, 500)), draw(st.floats(0.5, 500))
    return Box(x, y, x + width, y + height, draw(st.floats(0, 1)))


def test_a_box_moves_and_scales_with_its_picture() -> None:
    box = Box(1, 2, 4, 8, 0.5)

    assert (box.moved(10, 20), box.scaled(2)) == (Box(11, 22, 14, 28, 0.5), Box(2, 4, 8, 16, 0.5))


@pytest.mark.parametrize(
    ("box", "want"),
    [
        pytest.param(Box(-50, -50, -20, -20), None, id="a face outside hides nothing"),
        pytest.param(
            Box(100, 100, 120, 120), Region(93, 91, 127, 126), id="a third around and more above"
        ),
        pytest.param(
            Box(100, 100, 140, 148), Region(83, 77, 157, 163), id="more when it is larger"
        ),
        pytest.param(Box(100, 100, 200, 200), Region(50, 50, 250, 230), id="half when it is large"),
        pytest.param(Box(-10, -10, 90, 90), Region(0, 0, 140, 120), id="clipped at the corner"),
        pytest.param(
            Box(350, 250, 450, 350), Region(300, 200, 400, 300), id="clipped at the far corner"
        ),
        pytest.param(Box(10, 10, 10.5, 10.5), Region(9, 9, 11, 11), id="never less than a pixel"),
    ],
)
def test_the_head_is_hidden_as_far_as_it_is_visible(box: Box, want: Region | None) -> None:
    assert visible(head_of(box), 400, 300) == want


@given(boxes(), sides, sides)
def test_margin_lies_inside_the_picture_and_around_the_box(
    box: Box, width: int, height: int
) -> None:
    region = visible(head_of(box), width, height)

    if region is not None:
        assert 0 <= region.x1 < region.x2 <= width
        assert 0 <= region.y1 < region.y2 <= height
        assert region.x1 <= max(0, box.x1)
        assert region.y2 >= min(height, box.y2)
    else:
        assert box.x1 >= width or box.y1 >= height or box.x2 <= 0 or box.y2 <= 0


@pytest.mark.parametrize(
    ("found", "want"),
    [
        pytest.param([], [], id="no boxes, no faces"),
        pytest.param(
            [Box(0, 0, 10, 10, 0.5), Box(100, 0, 110, 10, 0.9)],
            [Box(100, 0, 110, 10, 0.9), Box(0, 0, 10, 10, 0.5)],
            id="two faces stay, best first",
        ),
        pytest.param(
            [Box(0, 0, 10, 10, 0.5), Box(1, 0, 11, 10, 0.9)],
            [Box(1, 0, 11, 10, 0.9)],
            id="one face found twice is one",
        ),
        pytest.param(
            [Box(0, 0, 100, 100, 0.9), Box(10, 10, 30, 30, 0.6)],
            [Box(0, 0, 100, 100, 0.9)],
            id="a part of a face is not a second face",
        ),
        pytest.param(
            [Box(0, 0, 10, 10, 0.9), Box(8, 0, 18, 10, 0.8)],
            [Box(0, 0, 10, 10, 0.9), Box(8, 0, 18, 10, 0.8)],
            id="faces that touch stay two",
        ),
    ],
)
def test_merge_keeps_one_box_per_face(found: list[Box], want: list[Box]) -> None:
    assert merge(found) == want


@given(st.lists(boxes(), max_size=30))
def test_merge_drops_only_what_a_better_box_covers(found: list[Box]) -> None:
    kept = merge(found)

    assert merge(kept) == kept
    assert sorted(kept, key=lambda box: -box.score) == kept
    assert all(_iou(one, two) <= 0.3 + 1e-9 for one, two in combinations(kept, 2))
    for box in found:
        assert box in kept or any(
            better.score >= box.score
            and (_iou(better, box) > 0.3 - 1e-9 or _shared(better, box) >= 0.7 * box.area - 1e-6)
            for better in kept
        )


@pytest.mark.parametrize(
    ("megapixels", "want"),
    [
        pytest.param(0.1, 24, id="small"),
        pytest.param(2, 24, id="to 2 MP the full budget"),
        pytest.param(5, 16, id="between them in between"),
        pytest.param(8, 8, id="from 8 MP on the small one"),
        pytest.param(25, 8, id="largest"),
    ],
)
def test_budget_follows_the_picture_size(megapixels: float, want: int) -> None:
    assert tile_budget(round(megapixels * 1e6)) == want


def test_a_small_picture_gets_no_tiles() -> None:
    assert plan_tiles(479, 300, budget=24) == []


def test_a_vga_picture_gets_four_tiles() -> None:
    assert plan_tiles(640, 480, budget=24) == [
        Region(0, 0, 384, 384),
        Region(256, 0, 640, 384),
        Region(0, 96, 384, 480),
        Region(256, 96, 640, 480),
    ]


@given(sides, sides, st.integers(1, 24))
def test_tiles_cover_the_picture_within_the_budget(width: int, height: int, budget: int) -> None:
    tiles = plan_tiles(width, height, budget)

    assert len(tiles) <= budget
    assert all(0 <= t.x1 < t.x2 <= width and 0 <= t.y1 < t.y2 <= height for t in tiles)
    if tiles:
        assert _covered(sorted((t.x1, t.x2) for t in tiles)) == (0, width)
        assert _covered(sorted((t.y1, t.y2) for t in tiles)) == (0, height)


@pytest.mark.parametrize(
    ("side", "want"),
    [
        pytest.param(300, 0.7, id="a large face is believed"),
        pytest.param(48, 0.7, id="to 48 pixels"),
        pytest.param(24, 0.62, id="half as large, less sure"),
        pytest.param(12, 0.54, id="a quarter"),
        pytest.param(1, 0.46, id="no less than for an eighth"),
    ],
)
def test_a_score_counts_less_for_a_small_face(side: float, want: float) -> None:
    assert calibrated(Box(0, 0, side, side, 0.7)).score == pytest.approx(want)


@given(boxes())
def test_a_calibrated_score_is_a_score(box: Box) -> None:
    assert 0 <= calibrated(box).score <= box.score


def test_a_box_without_any_size_has_a_score_too() -> None:
    assert calibrated(Box(5, 5, 5, 5, 0.1)) == Box(5, 5, 5, 5, 0.0)


@pytest.mark.parametrize(
    ("pixels", "want"),
    [
        pytest.param(640 * 480, 1.75, id="small pictures most"),
        pytest.param(1920 * 1080, 1.5, id="full HD"),
        pytest.param(25_200_000, 0.5, id="large ones are shrunk"),
    ],
)
def test_zoom_follows_the_picture_size(pixels: int, want: float) -> None:
    assert zoom(pixels) == pytest.approx(want)


@given(st.integers(1, 25_000_000))
def test_a_zoomed_picture_stays_within_the_work_budget(pixels: int) -> None:
    assert pixels * zoom(pixels) ** 2 <= 6_300_001


def test_a_picture_as_large_as_a_window_is_one_window() -> None:
    assert plan_windows(640, 400, side=640, overlap=80) == [Region(0, 0, 640, 400)]


def test_windows_are_no_larger_than_it_takes() -> None:
    assert plan_windows(1000, 300, side=640, overlap=80) == [
        Region(0, 0, 540, 300),
        Region(460, 0, 1000, 300),
    ]


@given(sides, sides, st.integers(100, 1500), st.integers(0, 90))
def test_windows_cover_the_picture_and_overlap(
    width: int, height: int, side: int, overlap: int
) -> None:
    windows = plan_windows(width, height, side, overlap)

    assert all(w.width <= side + 1 and w.height <= side + 1 for w in windows)
    for spans, length in (
        (sorted({(w.x1, w.x2) for w in windows}), width),
        (sorted({(w.y1, w.y2) for w in windows}), height),
    ):
        assert _covered(spans) == (0, length)
        # Two halves of a pixel may be lost where the starts are rounded.
        assert all(one[1] - two[0] >= overlap - 1 for one, two in pairwise(spans))


def _covered(spans: list[tuple[int, int]]) -> tuple[int, int]:
    start, end = spans[0]
    for low, high in spans:
        assert low <= end, "a gap between tiles"
        end = max(end, high)
    return start, end


def _shared(one: Box, two: Box) -> float:
    width = min(one.x2, two.x2) - max(one.x1, two.x1)
    height = min(one.y2, two.y2) - max(one.y1, two.y1)
    return max(0.0, width) * max(0.0, height)


def _iou(one: Box, two: Box) -> float:
    shared = _shared(one, two)
    return shared / (one.area + two.area - shared)
