"""Make faces unrecognisable in an array, in the way the caller chose.

Pure on arrays. The default shrinks each head to a 4 x 4 grid and enlarges that again: sixteen mean
colours are left of it, however large it is, so the strength follows the face's size by itself. A
Gaussian kernel is not used: one that hides as much costs seconds on a large face, and the usual
smaller ones leave most faces detectable. What each mode leaves: docs/design/hiding.md.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from faceblur_service import emoji
from faceblur_service.geometry import Box, Region, head_of, visible
from faceblur_service.options import Mode, Strength
from faceblur_service.shrinking import halved

Picture = npt.NDArray[np.uint8]
"""Pixels: uint8, shape (height, width, channels), BGR colour order, or BGRA."""

GRID = 4
STRONG_GRID = 3
# Of the grid's colours, in levels of 255: enough to blur nine known means, too little to see.
NOISE = 20.0
# Colours up to this are dark, and get less of it: whoever brightens the picture, brightens it too.
_BRIGHT = 128.0
# Nothing of the face is in it.
SOLID_BGR = (72, 64, 56)
# An ellipse over so few pixels would leave corners of the face outside.
TINY = 24
# Pixels of a side from which the mean colours are taken: more tell the same, and take longer.
_LEAST_FOR_MEANS = 96
# Inside this part of the head's ellipse, which holds the whole face, everything is hidden; from
# there to its rim the picture fades in.
FULLY_HIDDEN = 0.9
# Pixels blended at once: a face may fill 25 megapixels, and blending needs 12 bytes for each.
_STRIP = 1 << 17
# Of fewer pixels, what is hidden fully is blended with the rest: several steps would take longer.
_WORTH_PARTS = 1 << 15

_Part = tuple[slice, slice]
"""Rows and columns of a region."""


def hide_faces(
    picture: Picture,
    faces: Iterable[Box],
    mode: Mode = Mode.BLUR,
    strength: Strength = Strength.NORMAL,
) -> Picture:
    """Return a copy of the picture in which each face is hidden.

    Args:
        picture: uint8, shape (height, width, 3), BGR; left unchanged.
        faces: Boxes as a detector gives them; the margin around each is added here.
        mode: What is put over them.
        strength: How little is left of them; counts for blur and mosaic.
    """
    result = picture.copy()
    hide_faces_inplace(result, faces, mode, strength)
    return result


def hide_faces_inplace(
    picture: Picture,
    faces: Iterable[Box],
    mode: Mode = Mode.BLUR,
    strength: Strength = Strength.NORMAL,
    *,
    leans: Iterable[float] = (),
) -> None:
    """Hide faces in the picture itself; see `hide_faces`.

    Args:
        picture: Changed.
        faces: As for `hide_faces`.
        mode: As for `hide_faces`.
        strength: As for `hide_faces`.
        leans: By how many degrees each face is turned, clockwise; an emoji is turned so, too.
    """
    height, width = picture.shape[:2]
    for face, lean in zip(faces, chain(leans, repeat(0.0)), strict=False):
        head = head_of(face)
        region = visible(head, width, height)
        if region is None:
            continue
        view = picture[region.y1 : region.y2, region.x1 : region.x2]
        if mode is Mode.EMOJI:
            cover = emoji.drawn(region, head, lean)
        else:
            cover = _cover(view, region, mode, strength)
        # A mosaic is made of squares; and few pixels are hidden to the last one.
        if mode is Mode.MOSAIC or min(face.width, face.height) < TINY:
            view[:] = cover
        else:
            _blend_inplace(view, cover, region, head, soft=mode is Mode.BLUR)


def _cover(
    view: Picture,
    region: Region,
    mode: Literal[Mode.BLUR, Mode.MOSAIC, Mode.SOLID],
    strength: Strength,
) -> Picture:
    match mode:
        case Mode.BLUR:
            grid = _grid(view, strength)
            # Evens out neighbours: eyes and mouth as three dark cells still look like a face.
            grid = cv2.GaussianBlur(grid, (3, 3), 0)
            return _enlarged(grid, region, cv2.INTER_LINEAR)
        case Mode.MOSAIC:
            return _enlarged(_grid(view, strength), region, cv2.INTER_NEAREST)
        case Mode.SOLID:  # pragma: no branch - mypy proves that there is no other mode
            return np.full_like(view, SOLID_BGR)


def _grid(view: Picture, strength: Strength) -> cv2.typing.MatLike:
    view = halved(view, _LEAST_FOR_MEANS)
    if strength is Strength.NORMAL:
        return cv2.resize(view, (GRID, GRID), interpolation=cv2.INTER_AREA)
    grid = cv2.resize(view, (STRONG_GRID, STRONG_GRID), interpolation=cv2.INTER_AREA)
    # Never from a seed: known noise can be subtracted.
    level = NOISE * min(1.0, float(grid.max()) / _BRIGHT)
    noise = np.random.default_rng().normal(0, level, grid.shape)
    return np.asarray(np.clip(np.rint(grid + noise), 0, 255), np.uint8)


def _enlarged(grid: cv2.typing.MatLike, region: Region, how: int) -> Picture:
    return np.asarray(cv2.resize(grid, (region.width, region.height), interpolation=how), np.uint8)


def _blend_inplace(view: Picture, cover: Picture, region: Region, head: Box, *, soft: bool) -> None:
    """Put the cover over the head's ellipse; outside it every pixel stays exactly as it was."""
    inner = _inner(region, head)
    view[inner] = cover[inner]
    for part in _around(inner, region):
        share = _share(region, head, part, soft=soft)
        view[part] = cv2.blendLinear(cover[part], view[part], share, 1 - share)


def _inner(region: Region, head: Box) -> _Part:
    """Return a rectangle that is hidden fully, the largest one; an empty one in a small region."""
    if region.width * region.height < _WORTH_PARTS:
        return slice(0, 0), slice(0, 0)
    columns = _middle(head.x1, head.x2, region.x1, region.x2)
    rows = _middle(head.y1, head.y2, region.y1, region.y2)
    return rows, columns


def _middle(low: float, high: float, start: int, stop: int) -> slice:
    half = (high - low) / 2 * FULLY_HIDDEN / math.sqrt(2)
    first = min(stop, max(start, math.ceil((low + high) / 2 - half)))
    after = max(first, min(stop, math.floor((low + high) / 2 + half)))
    return slice(first - start, after - start)


def _around(inner: _Part, region: Region) -> Iterator[_Part]:
    """Yield the parts of a region beside the inner one."""
    rows, columns = inner
    every = slice(0, region.width)
    yield from _strips(slice(0, rows.start), every)
    yield from _strips(rows, slice(0, columns.start))
    yield from _strips(rows, slice(columns.stop, region.width))
    yield from _strips(slice(rows.stop, region.height), every)


def _strips(rows: slice, columns: slice) -> Iterator[_Part]:
    if columns.start == columns.stop:
        return
    step = max(1, _STRIP // (columns.stop - columns.start))
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(rows.stop, start + step)), columns


def _share(region: Region, head: Box, part: _Part, *, soft: bool) -> npt.NDArray[np.float32]:
    """Return how much of the cover shows in a part of a region: 0 to 1.

    The ellipse is that of the whole head, also where the picture's edge cuts it: an ellipse of the
    visible part alone would leave the face's edge at the picture's edge outside.
    """
    rows, columns = part
    # One pixel more than the ellipse, so that rounding never leaves a pixel of the face.
    left, right = region.x1 + columns.start, region.x1 + columns.stop
    x = _across(left, right, (head.x1 + head.x2) / 2, head.width / 2 + 1)
    top, end = region.y1 + rows.start, region.y1 + rows.stop
    y = _across(top, end, (head.y1 + head.y2) / 2, head.height / 2 + 1)
    radius = np.add.outer(y * y, x * x)
    np.sqrt(radius, out=radius)
    if not soft:
        return np.asarray(radius <= 1, np.float32)
    share = np.subtract(1, radius, out=radius)
    share /= np.float32(1 - FULLY_HIDDEN)
    return np.asarray(np.clip(share, 0, 1, out=share), np.float32)


def _across(start: int, stop: int, middle: float, half: float) -> npt.NDArray[np.float32]:
    """Return where each pixel's middle lies: 0 in the middle of the ellipse, 1 at its rim."""
    return np.asarray((np.arange(start, stop) + (0.5 - middle)) / half, np.float32)
