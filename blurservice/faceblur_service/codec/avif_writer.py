"""AVIF of a large picture, as a grid of cells that are encoded one after the other.

An AV1 encoder takes about 17 bytes for each pixel that it sees at once, and 25 megapixels of that
do not fit into a pod. Phones store their large pictures as such grids too; every reader of AVIF
that knows HEIF's grids, all browsers among them, shows the cells as one picture.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from faceblur_service.blurring import Picture
from faceblur_service.codec.bmff import boxes, items
from faceblur_service.codec.frame import Frame

CELL_PIXELS = 1_000_000
# The format wants sides of 64 pixels at least, and counts rows in a byte.
_STEP, _MOST_ROWS = 64, 256
_AUXILIARY = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"
_HOLDERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}
_ESSENTIAL, _HIDDEN = 0x80, 1


@dataclass(frozen=True, slots=True)
class _Cell:
    """The colours, or the transparency, of one encoded cell."""

    payload: bytes
    config: bytes
    """The body of the box av1C."""

    colours: bytes
    """The body of the box colr."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A part of the file."""

    kind: bytes
    data: bytes
    properties: bytes
    """Numbers of properties, from 1 on, with a bit for those that a reader must know."""

    made_of: Sequence[int] = ()
    """Numbers of the items that a grid is made of."""


def fits_a_grid(frame: Frame) -> bool:
    """Return whether the picture can be divided into cells."""
    height, width = (int(side) for side in frame.picture.shape[:2])
    rows = _rows_of(width)
    return min(width, height) >= _STEP and rows < height <= _MOST_ROWS * rows


def encode_grid(frame: Frame, *, quality: int, speed: int) -> bytes:
    """Return an AVIF file of a picture that fits a grid.

    Args:
        frame: The picture.
        quality: Of Pillow's encoder, 0 to 100.
        speed: Of Pillow's encoder, 0 to 10.
    """
    height, width = frame.picture.shape[:2]
    # Colours at half the resolution need even sides.
    sampling = "4:4:4" if width % 2 or height % 2 else "4:2:0"
    options = {"quality": quality, "speed": speed, "max_threads": 1, "subsampling": sampling}
    cells = [_encoded(part, options) for part in _parts(frame.picture[:, :, ::-1])]
    rows = _rows_of(width)
    properties = [
        _full(b"ispe", struct.pack(">II", width, height)),
        _full(b"ispe", struct.pack(">II", width, rows)),
        _full(b"pixi", b"\x03\x08\x08\x08"),
        _box(b"colr", cells[0].colours),
        _box(b"av1C", cells[0].config),
    ]
    grid = struct.pack(">BBBBHH", 0, 0, len(cells) - 1, 0, width, height)
    first = 2 if frame.alpha is None else 3
    whole = [_Item(b"grid", grid, bytes((1, 3, 4)), range(first, first + len(cells)))]
    parts = [_Item(b"av01", cell.payload, bytes((2, 3, 4, 5 | _ESSENTIAL))) for cell in cells]
    if frame.alpha is not None:
        # As pictures of their own: the encoder leaves out what is opaque in all of its cell, and
        # then a reader would not know of the others'.
        planes = [_encoded(part, options) for part in _parts(frame.alpha)]
        properties += [
            _full(b"pixi", b"\x01\x08"),
            _box(b"av1C", planes[0].config),
            _box(b"auxC", _AUXILIARY),
        ]
        after = first + len(cells)
        whole.append(_Item(b"grid", grid, bytes((1, 6, 8)), range(after, after + len(cells))))
        parts += [_Item(b"av01", part.payload, bytes((2, 6, 8, 7 | _ESSENTIAL))) for part in planes]
    return _file([*whole, *parts], properties)


def _rows_of(width: int) -> int:
    """Return the rows of a cell, which has all of the picture's columns."""
    return max(_STEP, CELL_PIXELS // width // _STEP * _STEP)


def _parts(pixels: Picture) -> Iterator[Image.Image]:
    """Yield cells of one size: below the picture its last row goes on, and is cut off again."""
    height, width = pixels.shape[:2]
    rows = _rows_of(width)
    for top in range(0, height, rows):
        part = pixels[top : top + rows]
        below = rows - part.shape[0]
        if below:
            part = np.pad(part, ((0, below), *((0, 0),) * (part.ndim - 1)), mode="edge")
        yield Image.fromarray(np.ascontiguousarray(part, np.uint8))


def _encoded(part: Image.Image, options: dict[str, object]) -> _Cell:
    out = io.BytesIO()
    part.save(out, "AVIF", **options)
    data = out.getvalue()
    found: dict[bytes, list[bytes]] = {b"iloc": [], b"av1C": [], b"colr": []}
    for name, start, end in boxes(data, _HOLDERS):
        if name in found:
            found[name].append(data[start:end])
    payload = next(body for _, body in items(found[b"iloc"][0], data, b""))
    return _Cell(payload, found[b"av1C"][0], found[b"colr"][0])


def _file(parts: Sequence[_Item], properties: Sequence[bytes]) -> bytes:
    brands = _box(b"ftyp", b"avif\0\0\0\0avifmif1miaf")
    # Its size does not depend on the places that it names.
    start = len(brands) + len(_meta(parts, properties, 0)) + 8
    body = b"".join(item.data for item in parts)
    return b"".join((brands, _meta(parts, properties, start), _box(b"mdat", body)))


def _meta(parts: Sequence[_Item], properties: Sequence[bytes], start: int) -> bytes:
    """Return the box that says what the file is made of; the parts' data begin at `start`."""
    count = struct.pack(">H", len(parts))
    infos, places, uses, links = [], [], [], []
    for number, item in enumerate(parts, 1):
        shown = 0 if item.made_of else _HIDDEN
        info = struct.pack(">HH4s", number, 0, item.kind) + b"\0"
        infos.append(_full(b"infe", info, version=2, flags=shown))
        places.append(struct.pack(">HHHII", number, 0, 1, start, len(item.data)))
        start += len(item.data)
        uses.append(struct.pack(">HB", number, len(item.properties)) + item.properties)
        if item.made_of:
            links.append(_link(b"dimg", number, item.made_of))
        if item.made_of and number == 2:
            links.append(_link(b"auxl", number, [1]))
    table = b"".join(properties)
    held = struct.pack(">I", len(parts)) + b"".join(uses)
    return _full(
        b"meta",
        _full(b"hdlr", b"\0\0\0\0pict" + b"\0" * 13)
        + _full(b"pitm", b"\0\x01")
        + _full(b"iloc", b"\x44\0" + count + b"".join(places))
        + _full(b"iinf", count + b"".join(infos))
        + _full(b"iref", b"".join(links))
        + _box(b"iprp", _box(b"ipco", table) + _full(b"ipma", held)),
    )


def _link(kind: bytes, number: int, to: Sequence[int]) -> bytes:
    return _box(kind, struct.pack(f">HH{len(to)}H", number, len(to), *to))


def _full(name: bytes, body: bytes, *, version: int = 0, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", version << 24 | flags) + body)


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body
