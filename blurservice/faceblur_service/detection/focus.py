"""Where a closer look is worth its time: blocks of a picture with small faces or hints of them.

Pure: boxes in, regions out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from faceblur_service.geometry import SMALL_PICTURE, Box, Region, visible

# Pixels of the picture. A face below SMALL is looked at again, enlarged; one of LARGE or more is
# seen as well without that.
SMALL = 40
LARGE = 48
# A face of this size that the first look is sure of is not worth a closer one.
SURE_SIDE = 20
# Around a region, so that a face at its edge is seen whole.
MARGIN = 32


@dataclass(frozen=True, slots=True)
class _Care:
    """How much is looked at closely."""

    block: int
    """Pixels of the picture: regions are made of whole blocks."""

    hint: float
    """Least score of what may be a face."""

    sure: float
    """Score from which the first look is sure."""


# A small picture is enlarged more: in smaller blocks, and seldom for what is hardly a hint.
_CARE = _Care(block=128, hint=0.15, sure=0.8)
_SMALL_PICTURE_CARE = _Care(block=64, hint=0.3, sure=0.65)


@dataclass(frozen=True, slots=True)
class Focus:
    """Regions that were looked at closely."""

    regions: tuple[Region, ...]

    def holds(self, face: Box) -> bool:
        """Return whether the middle of a face lies in one of the regions."""
        x, y = (face.x1 + face.x2) / 2, (face.y1 + face.y2) / 2
        return any(one.x1 <= x < one.x2 and one.y1 <= y < one.y2 for one in self.regions)

    def settles(self, face: Box) -> bool:
        """Return whether the closer look, not the first one, says if this is a face."""
        return max(face.width, face.height) < LARGE and self.holds(face)


def focus_on(faces: Iterable[Box], width: int, height: int) -> Focus:
    """Return the regions, of whole blocks of a width x height picture, that hold small faces."""
    care = _SMALL_PICTURE_CARE if width * height <= SMALL_PICTURE else _CARE
    columns, rows = max(1, round(width / care.block)), max(1, round(height / care.block))
    held = np.zeros((rows, columns), np.bool_)
    for face in faces:
        if _is_unsettled(face, care):
            x, y = (face.x1 + face.x2) / 2, (face.y1 + face.y2) / 2
            row, column = int(y * rows / height), int(x * columns / width)
            held[min(rows - 1, max(0, row)), min(columns - 1, max(0, column))] = True
    xs = [round(i * width / columns) for i in range(columns + 1)]
    ys = [round(i * height / rows) for i in range(rows + 1)]
    regions: list[Region] = []
    for row in range(rows):
        for first, after in _runs(held[row]):
            _add(regions, Region(xs[first], ys[row], xs[after], ys[row + 1]))
    return Focus(tuple(regions))


def _is_unsettled(face: Box, care: _Care) -> bool:
    side = max(face.width, face.height)
    is_sure = side >= SURE_SIDE and face.score >= care.sure
    return side < SMALL and face.score >= care.hint and not is_sure


def with_margin(region: Region, width: int, height: int) -> Region:
    """Return a region with what is around it, as far as the picture reaches."""
    around = Box(region.x1 - MARGIN, region.y1 - MARGIN, region.x2 + MARGIN, region.y2 + MARGIN)
    return visible(around, width, height) or region


def _runs(held: np.typing.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return where neighbouring held blocks of a row begin and end."""
    steps = np.diff(np.concatenate(([0], held.astype(np.int8), [0])))
    begins, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def _add(regions: list[Region], new: Region) -> None:
    """Add a region, together with others where one look at both is not more work than two."""
    for other in tuple(regions):
        both = Region(
            min(new.x1, other.x1),
            min(new.y1, other.y1),
            max(new.x2, other.x2),
            max(new.y2, other.y2),
        )
        if _work(both) <= _work(new) + _work(other):
            regions.remove(other)
            new = both
    regions.append(new)


def _work(region: Region) -> int:
    return (region.width + 2 * MARGIN) * (region.height + 2 * MARGIN)
