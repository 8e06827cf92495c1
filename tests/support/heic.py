"""Writes HEIC files as phones do: coded pictures, tiles, and boxes that say how they are shown."""

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tests.support.hevc import Plane, coded, parameter_sets

TILE = 512
"""Pixels a side, as on iPhones."""

# Phones keep among the boxes what says how tiles are laid.
_INSIDE = {"grid"}
_TURNS = {3: b"\2", 6: b"\3", 8: b"\1"}


def box(name: str, *parts: bytes) -> bytes:
    """Return a box."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name.encode()) + body


def full(name: str, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Return a box with a version and flags."""
    return box(name, struct.pack(">I", version << 24 | flags), *parts)


@dataclass
class Item:
    """A thing in the file: a picture, a tile, a block of text."""

    kind: str
    data: bytes
    properties: list[bytes] = field(default_factory=list)
    links: dict[str, list[int]] = field(default_factory=dict)
    """Numbers of other items, from 1, by what they are to this one."""

    hidden: bool = False


def file(items: list[Item], *, primary: int = 1, brand: str = "heic", more: bytes = b"") -> bytes:
    """Return the file of these items, which are numbered from 1."""
    known: list[bytes] = []
    for item in items:
        known += [one for one in item.properties if one not in known]
    head = box("ftyp", brand.encode(), bytes(4), b"mif1", brand.encode())
    size = len(head) + len(_meta(items, known, primary, 0)) + len(more) + 8
    bodies = b"".join(item.data for item in items if item.kind not in _INSIDE)
    return head + _meta(items, known, primary, size) + more + box("mdat", bodies)


def _meta(items: list[Item], known: list[bytes], primary: int, start: int) -> bytes:
    places, entries, uses, links, inside = b"", b"", b"", b"", b""
    for number, item in enumerate(items, 1):
        is_inside = item.kind in _INSIDE
        at = len(inside) if is_inside else start
        places += struct.pack(">HHHHII", number, int(is_inside), 0, 1, at, len(item.data))
        if is_inside:
            inside += item.data
        else:
            start += len(item.data)
        body = struct.pack(">HH4sB", number, 0, item.kind.encode(), 0)
        body += b"application/rdf+xml\0" if item.kind == "mime" else b""
        entries += full("infe", body, version=2, flags=int(item.hidden))
        uses += struct.pack(">HB", number, len(item.properties))
        uses += bytes(0x80 | known.index(one) + 1 for one in item.properties)
        for name, targets in item.links.items():
            body = struct.pack(f">HH{len(targets)}H", number, len(targets), *targets)
            links += box(name, body)
    return full(
        "meta",
        full("hdlr", bytes(4), b"pict", bytes(13)),
        full("pitm", struct.pack(">H", primary)),
        full("iloc", struct.pack(">HH", 0x4400, len(items)), places, version=1),
        box("idat", inside) if inside else b"",
        full("iinf", struct.pack(">H", len(items)), entries),
        box("iprp", box("ipco", *known), full("ipma", struct.pack(">I", len(items)), uses)),
        full("iref", links) if links else b"",
    )


def size_property(width: int, height: int) -> bytes:
    """Return the box that says how large an item is."""
    return full("ispe", struct.pack(">II", width, height))


def decoder_property(width: int, height: int, *, chroma: int = 1, depth: int = 8) -> bytes:
    """Return the box that a decoder is set up by."""
    sets = parameter_sets(width, height, chroma=chroma, depth=depth)
    body = struct.pack(">BBIHIBHB", 1, 4, 1 << 27, 0x9000, 0, 186, 0xF000, 0xFC)
    deep = 0xF8 | depth - 8
    body += struct.pack(">BBBHBB", 0xFC | chroma, deep, deep, 0, 0x0F, len(sets))
    for kind, unit in sets:
        body += struct.pack(">BHH", 0x80 | kind, 1, len(unit)) + unit
    return box("hvcC", body)


def colours(primaries: int = 1, transfer: int = 13, matrix: int = 6) -> bytes:
    """Return the box that names colours by their numbers in the standard."""
    return box("colr", b"nclx", struct.pack(">HHHB", primaries, transfer, matrix, 0x80))


def turned(orientation: int) -> list[bytes]:
    """Return the boxes that turn a picture as that EXIF orientation would."""
    turn = {5: 6, 7: 8}.get(orientation, orientation)
    found = [box("irot", _TURNS[turn])] if turn in _TURNS else []
    if orientation in {2, 5, 7}:
        found.append(box("imir", b"\1"))
    return [*found, box("imir", b"\0")] if orientation == 4 else found


def picture(image: Image.Image, *, name: bytes = b"", **options: Any) -> bytes:
    """Return a HEIC of Pillow's picture, in tiles where it is larger than one.

    Args:
        image: RGB, RGBA or L.
        name: In a box behind the others.
        **options: Those of `items_of`.
    """
    return file(items_of(image, **options)) + (box("free", name) if name else b"")


def items_of(
    image: Image.Image,
    *,
    depth: int = 8,
    chroma: int = 1,
    orientation: int = 1,
    icc_profile: bytes | None = None,
    exif: bytes | None = None,
    xmp: bytes | None = None,
    tile: int = TILE,
) -> list[Item]:
    """Return what a HEIC of Pillow's picture holds; the first is the picture.

    Args:
        image: RGB, RGBA or L.
        depth: Bits per sample.
        chroma: 1 for 4:2:0, 3 for 4:4:4.
        orientation: How it is shown, as in EXIF.
        icc_profile: Beside sRGB's numbers, which say how brightness and colours are stored.
        exif: A block of metadata.
        xmp: As exif.
        tile: Pixels a side.
    """
    if any(side % 2 for side in image.size):
        chroma = 3  # colours of half the size cannot be cut to an odd one
    chroma = 0 if image.mode == "L" else chroma
    shown = [colours(), *turned(orientation)]
    if icc_profile:
        shown.append(box("colr", b"prof", icc_profile))
    items = _picture_items(image.convert("L" if chroma == 0 else "RGB"), depth, chroma, tile)
    items[0].properties += shown
    if image.mode == "RGBA":
        kind = full("auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
        plane = _picture_items(image.getchannel("A"), depth, 0, tile)
        _append(items, plane)
        first = items[-len(plane)]
        first.properties += [kind, *turned(orientation)]
        first.links["auxl"] = [1]
    if exif:
        items.append(Item("Exif", bytes(4) + exif, links={"cdsc": [1]}))
    if xmp:
        items.append(Item("mime", xmp, links={"cdsc": [1]}))
    return items


def _append(items: list[Item], more: list[Item]) -> None:
    for item in more:
        moved = {name: [n + len(items) for n in to] for name, to in item.links.items()}
        item.links = moved
    items += more


def _picture_items(image: Image.Image, depth: int, chroma: int, side: int) -> list[Item]:
    width, height = image.size
    if max(width, height) <= side:
        return [coded_item(image, depth, chroma)]
    across, down = -(-width // side), -(-height // side)
    data = struct.pack(">BBBBHH", 0, 0, down - 1, across - 1, width, height)
    tiles = list(range(2, 2 + across * down))
    items = [Item("grid", data, [size_property(width, height)], {"dimg": tiles})]
    for index in range(across * down):
        row, column = divmod(index, across)
        cut = np.asarray(image)[row * side : (row + 1) * side, column * side : (column + 1) * side]
        growth = [(0, side - cut.shape[0]), (0, side - cut.shape[1]), (0, 0)][: cut.ndim]
        items.append(coded_item(Image.fromarray(np.pad(cut, growth, mode="edge")), depth, chroma))
        items[-1].hidden = True
    return items


def coded_item(image: Image.Image, depth: int = 8, chroma: int = 1) -> Item:
    """Return a picture that is no more than 600 blocks."""
    planes = _planes(image, depth, chroma)
    sizes = [size_property(*image.size)]
    return Item(
        "hvc1",
        coded(planes, depth=depth),
        [decoder_property(*image.size, chroma=chroma, depth=depth), *sizes],
    )


def _planes(image: Image.Image, depth: int, chroma: int) -> list[Plane]:
    levels = np.asarray(image).astype(np.float64) * ((1 << depth) - 1) / 255
    if chroma == 0:
        return [np.rint(levels).astype(np.uint16)]
    red, green, blue = (levels[:, :, n] for n in range(3))
    bright = 0.299 * red + 0.587 * green + 0.114 * blue
    middle = float(1 << depth - 1)
    parts = [bright, middle + (blue - bright) / 1.772, middle + (red - bright) / 1.402]
    if chroma == 1:
        parts[1:] = [_halved(part) for part in parts[1:]]
    return [np.rint(part).clip(0, (1 << depth) - 1).astype(np.uint16) for part in parts]


def _halved(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    even = np.pad(plane, [(0, side % 2) for side in plane.shape], mode="edge")
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
