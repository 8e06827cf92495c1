"""Boxes and tiles: where faces may be, without looking at a pixel.

Pure: numbers in, numbers out. Coordinates are pixels, x to the right and y down; a box covers
x1 <= x < x2 and y1 <= y < y2.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TILE = 384
OVERLAP = 0.25
NMS_IOU = 0.3
CONTAINED = 0.7
# The same as an IoU, but of the sum of both areas, in which the shared one counts twice.
_SHARED = NMS_IOU / (1 + NMS_IOU)
# Boxes that are compared with all others at once.
_COMPARED = 16
# A tile hardly smaller than the picture sees what the whole-picture pass has seen already.
WORTH_TILING = 1.25

SMALL_PICTURE = 600_000
"""Pixels of a picture up to which it is enlarged the most."""

# How a detector of small faces sees a picture: small ones enlarged, large ones shrunk to a budget.
_ENLARGED = ((SMALL_PICTURE, 1.75), (2_800_000, 1.5))
_WORK_PIXELS = 6_300_000
# A score says less about a face of few pixels: so much less for each halving below this size.
_SURE_SIDE = 48
_LESS_SURE = 0.08
_MOST_HALVINGS = 3

# Heights of a face in pixels between which the margin around it grows: in a crowd of small faces
# more of it would only hide neighbours.
_SMALL_FACE = 24
_LARGE_FACE = 72

_FULL_BUDGET_PIXELS = 2_000_000
_SMALL_BUDGET_PIXELS = 8_000_000
_FULL_BUDGET = 24
_SMALL_BUDGET = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A face: corners in pixels, and how sure the detector is (0 to 1)."""

    x1: float
    y1: float
    x2: float
    y2: float
    score: float = 1.0

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    def scored(self, score: float) -> "Box":
        """Return the box with another score; `replace` would take six times as long."""
        return Box(self.x1, self.y1, self.x2, self.y2, score)

    def moved(self, dx: float, dy: float) -> "Box":
        """Return the box moved by (dx, dy)."""
        return Box(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy, self.score)

    def scaled(self, factor: float) -> "Box":
        """Return the box in a picture enlarged by `factor`."""
        return Box(
            self.x1 * factor, self.y1 * factor, self.x2 * factor, self.y2 * factor, self.score
        )


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of whole pixels inside a picture."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.y2 - self.y1


def head_of(face: Box) -> Box:
    """Return the box around the whole head of a face.

    A detector's box reaches from the forehead to the chin and leaves out hair and ears: a third
    more at the sides and below, and nearly half above, hold the head's outline. Of a large face,
    wide hair would be seen as such: half of the face at the sides and above. The inner nine tenths
    of the ellipse in this box still hold all of the face's box, corners included.
    """
    large = min(1.0, max(0.0, (face.height - _SMALL_FACE) / (_LARGE_FACE - _SMALL_FACE)))
    aside, above = 0.35 + 0.15 * large, 0.45 + 0.05 * large
    return Box(
        face.x1 - aside * face.width,
        face.y1 - above * face.height,
        face.x2 + aside * face.width,
        face.y2 + 0.3 * face.height,
        face.score,
    )


def visible(box: Box, width: int, height: int) -> Region | None:
    """Return the part of a box that lies in a width x height picture, None when nothing does."""
    region = Region(
        max(0, math.floor(box.x1)),
        max(0, math.floor(box.y1)),
        min(width, math.ceil(box.x2)),
        min(height, math.ceil(box.y2)),
    )
    return region if region.width > 0 and region.height > 0 else None


def merge(boxes: Iterable[Box]) -> list[Box]:
    """Return one box per face, best first; see `distinct`."""
    listed = list(boxes)
    if len(listed) < 2:
        return listed
    table = np.array([(b.x1, b.y1, b.x2, b.y2, b.score) for b in listed], dtype=np.float64)
    return [listed[i] for i in distinct(table.T)]


def distinct(columns: npt.NDArray[np.float64]) -> list[int]:
    """Return the places of one box per face, best first.

    A box is dropped when a better one overlaps it (IoU above 0.3) or contains most of it (70 % or
    more: the half of a face that the edge of a tile cut off).

    Args:
        columns: One for each box: x1, y1, x2, y2, score.
    """
    x1, y1, x2, y2, scores = columns
    areas = (x2 - x1) * (y2 - y1)
    left = np.lexsort((y1, x1, -areas, -scores))
    areas = areas.take(left)
    # Left and top negative: the least of each then are the corners of what two boxes share.
    corners = columns[:4].take(left, axis=1)
    np.negative(corners[:2], out=corners[:2])
    kept: list[int] = []
    # Several rows of the comparison at once, for each call of numpy has its price; but not all,
    # for most boxes are gone after a few.
    while left.size:
        first = min(_COMPARED, left.size)
        alive = np.ones(left.size, np.bool_)
        for i, spared in enumerate(_spared(corners, areas, first)):
            if alive[i]:
                kept.append(int(left[i]))
                alive &= spared
        rest = first + alive[first:].nonzero()[0]
        left, areas, corners = left.take(rest), areas.take(rest), corners.take(rest, axis=1)
    return kept


def _spared(
    corners: npt.NDArray[np.float64], areas: npt.NDArray[np.float64], first: int
) -> npt.NDArray[np.bool_]:
    """Return, a row for each of the first boxes, which ones it does not replace if it is better."""
    least = np.minimum(corners[:, :first, None], corners[:, None, :])
    # In place, and not by np.clip: with so few numbers the calls take the time.
    sides = least[:2]
    sides += least[2:]
    np.maximum(sides, 0, out=sides)
    shared = sides[0]
    shared *= sides[1]
    most = (areas + areas[:first, None]) * _SHARED
    spared: npt.NDArray[np.bool_] = (shared <= most) & (shared < CONTAINED * areas)
    return spared


def calibrated(box: Box) -> Box:
    """Return the box with a score that is worth the same for every size of face.

    A detector is as sure of a dozen pixels in a crowd as of a portrait, and more often wrong.
    """
    side = max(box.width, box.height, 1e-6)
    halvings = min(_MOST_HALVINGS, max(0.0, math.log2(_SURE_SIDE / side)))
    return box.scored(max(0.0, box.score - _LESS_SURE * halvings))


def zoom(pixels: int) -> float:
    """Return the factor by which to enlarge or shrink a picture before looking for small faces.

    By 1.75 up to 0.6 MP, by 1.5 up to 2.8 MP, then as the work allows: the work for a
    picture never exceeds 6.3 MP.
    """
    for most, factor in _ENLARGED:
        if pixels <= most:
            return factor
    return math.sqrt(_WORK_PIXELS / pixels)


def plan_windows(width: int, height: int, side: float, overlap: float) -> list[Region]:
    """Return windows of at most `side` pixels that cover a picture and overlap their neighbours.

    They are no larger than it takes, so that little is looked at twice.
    """
    columns, rows = _spans(width, side, overlap), _spans(height, side, overlap)
    return [Region(x1, y1, x2, y2) for y1, y2 in rows for x1, x2 in columns]


def tile_budget(pixels: int) -> int:
    """Return how many tiles a picture of `pixels` pixels may cost: 24 to 2 MP, 8 from 8 MP on."""
    share = (pixels - _FULL_BUDGET_PIXELS) / (_SMALL_BUDGET_PIXELS - _FULL_BUDGET_PIXELS)
    share = min(1.0, max(0.0, share))
    return round(_FULL_BUDGET - share * (_FULL_BUDGET - _SMALL_BUDGET))


def plan_tiles(width: int, height: int, budget: int, smallest: int = TILE) -> list[Region]:
    """Return overlapping square tiles that cover a picture, at most `budget` of them.

    Tiles start at `smallest` pixels and grow until the budget holds them.

    Returns:
        No tiles when they would be hardly smaller than the picture itself.
    """
    tile = float(smallest)
    while True:
        side = math.ceil(tile)
        if max(width, height) < WORTH_TILING * side:
            return []
        lefts, tops = _starts(width, side), _starts(height, side)
        if len(lefts) * len(tops) <= budget:
            break
        tile *= 1.1
    return [Region(x, y, min(width, x + side), min(height, y + side)) for y in tops for x in lefts]


def _starts(length: int, tile: int) -> Sequence[int]:
    if tile >= length:
        return (0,)
    count = math.ceil((length - tile) / (tile * (1 - OVERLAP)) - 1e-9) + 1
    return [round(i * (length - tile) / (count - 1)) for i in range(count)]


def _spans(length: int, side: float, overlap: float) -> list[tuple[int, int]]:
    if length <= side:
        return [(0, length)]
    count = math.ceil((length - overlap) / (side - overlap))
    part = math.ceil((length + (count - 1) * overlap) / count)
    starts = [round(i * (length - part) / (count - 1)) for i in range(count)]
    return [(start, start + part) for start in starts]
