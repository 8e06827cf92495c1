"""The few colours that stand for all of a picture's, found strip by strip.

Pillow's own way takes twelve bytes for each pixel, which 25 megapixels do not have.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from faceblur_service.blurring import Picture
from faceblur_service.codec.colour import strips

# Pixels that Pillow cuts into boxes of like colours: enough that a rare colour is among them.
_SAMPLE = 200_000
# Bits of each channel that make two colours like ones.
_BITS = 6

Colours = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours to paint a picture with."""

    rgb: Colours
    """uint8, shape (colours, 3), RGB."""

    exact: bool
    """Whether they are all that the picture has."""


def palette_for(picture: Picture, most: int) -> Palette:
    """Return the colours to paint a picture with.

    Args:
        picture: uint8, shape (height, width, 3), BGR.
        most: How many there may be, up to 256.
    """
    seen = np.zeros(1 << 24, np.bool_)
    for rows in strips(*picture.shape[:2]):
        seen[_packed(picture[rows])] = True
    exact = np.flatnonzero(seen)
    if len(exact) <= most:
        return Palette(_unpacked(exact), exact=True)
    del seen
    return Palette(_cut(_sample(picture), most), exact=False)


def painted(picture: Picture, palette: Palette) -> Iterator[tuple[slice, Colours]]:
    """Yield rows, and the index of the nearest colour for each of their pixels.

    Not dithered: dots would flicker from frame to frame.
    """
    table = np.zeros(1 << 24, np.uint8) if palette.exact else None
    image = Image.new("P", (1, 1))
    image.putpalette(palette.rgb.tobytes())
    if table is not None:
        table[_packed(palette.rgb[None, :, ::-1])] = np.arange(len(palette.rgb))
    for rows in strips(*picture.shape[:2]):
        if table is not None:
            yield rows, table[_packed(picture[rows])]
            continue
        part = Image.fromarray(np.ascontiguousarray(picture[rows, :, ::-1]))
        yield rows, np.asarray(part.quantize(palette=image, dither=Image.Dither.NONE))


def _packed(part: Picture) -> npt.NDArray[np.int32]:
    """Return a number for each pixel's colour: 0xRRGGBB."""
    blue, green, red = (part[:, :, channel].astype(np.int32) for channel in range(3))
    red <<= 16
    green <<= 8
    red |= green
    red |= blue
    return red


def _unpacked(numbers: npt.NDArray[np.integer]) -> Colours:
    return np.stack((numbers >> 16, numbers >> 8 & 255, numbers & 255), axis=-1).astype(np.uint8)


def _sample(picture: Picture) -> Colours:
    """Return pixels of all kinds of colours, as often as they are in the picture, once at least."""
    kinds = 1 << 3 * _BITS
    counts, example = np.zeros(kinds, np.int64), np.zeros(kinds, np.int32)
    drop = 8 - _BITS
    for rows in strips(*picture.shape[:2]):
        colours = _packed(picture[rows]).reshape(-1)
        kind = _packed(np.right_shift(picture[rows], np.uint8(drop))).reshape(-1)
        kind = kind >> 16 << 2 * _BITS | (kind >> 8 & 255) << _BITS | kind & 255
        counts += np.bincount(kind, minlength=kinds)
        # A colour that the picture has: a mean would be slightly off in plain areas.
        example[kind] = colours
    there = np.flatnonzero(counts)
    share = np.maximum(1, counts[there] * _SAMPLE // counts.sum())
    return _unpacked(np.repeat(example[there], share))


def _cut(sample: Colours, most: int) -> Colours:
    """Return the means of boxes of like colours."""
    image = Image.fromarray(sample[None]).quantize(most, Image.Quantize.MEDIANCUT)
    flat = np.array((image.getpalette() or [])[: 3 * most], np.uint8)
    return flat.reshape(-1, 3)
