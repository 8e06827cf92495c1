"""HEIC, the pictures that iPhones take: read, and never written.

Everything is judged from the boxes before libheif sees the file, and libheif sees nothing but the
picture. It is loaded when the first HEIC comes: most services never need it.
"""

import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from faceblur_service.blurring import Picture
from faceblur_service.codec import heif, nclx
from faceblur_service.codec.colour import strips, to_srgb_inplace
from faceblur_service.codec.formats import MAX_PIXELS, Format, Header
from faceblur_service.codec.frame import Frame
from faceblur_service.codec.guard import refusing
from faceblur_service.codec.heif import Heif
from faceblur_service.codec.hevc import MAX_UNITS, Coded, coded
from faceblur_service.codec.scan import MAX_PROFILE, Scan
from faceblur_service.errors import BrokenPicture, PictureTooLarge, UnsupportedPicture

_ALPHA = {
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
    b"urn:mpeg:hevc:2015:auxid:1",
    b"urn:mpeg:avc:2015:auxid:1",
}
_CHANNELS = {"BGR": 3, "BGRA": 4, "BGRa": 4, "L": 1, "LA": 2, "La": 2, "I;16": 1}
# Grey of more than 8 bits, which libheif does not press into 8 as it does colours.
_DEEP = "I;16"
# Coded are whole blocks, of at most 64 pixels; what is more than the picture is cut off.
_BLOCK = 64
_SMALLEST_TILE = 64
# What is kept of the file at the worst moment, by us and by the decoder.
_FILES = 4
_OTHER_SIZE = "The picture has another size than its header says."


def scan_heic(data: bytes) -> Scan:
    """Return what a file's boxes say of its primary picture.

    Raises:
        UnsupportedPicture: It is coded, or put together, in a way that is not read.
        PictureTooLarge: It has too many pixels before it is cut to its frame.
        BrokenPicture: The boxes lie or contradict each other.
    """
    memory, shown = _judged(data)
    image = _opened(shown)
    width, height = image.size
    info = image.info
    named = info.get("nclx_profile") or {}
    grey = image.mode == _DEEP or image.mode.startswith("L")
    profile = info.get("icc_profile")
    if profile is None and not grey:
        numbers = ("color_primaries", "transfer_characteristics")
        profile = nclx.profile_of(*(int(named.get(name, 2)) for name in numbers))
    header = Header(
        Format.HEIC,
        width,
        height,
        alpha=image.mode[-1] in "Aa",
        grey=grey,
        decoder_bytes=memory,
    )
    return Scan(header, profile[:MAX_PROFILE] if profile else None)


def read_heic(data: bytes, found: Scan) -> Frame:
    """Return the picture upright, in sRGB, on white where it is transparent.

    libheif turns it as the container says, and EXIF is not asked: both say the same in a phone's
    pictures, and the standard gives the container the last word.
    """
    header = found.header
    with refusing("The picture cannot be decoded."):
        picture, alpha, is_multiplied = _pixels(_judged(data)[1], header)
        to_srgb_inplace(picture, found.profile, grey=header.grey)
        if alpha is not None:
            _on_white_inplace(picture, alpha, is_multiplied=is_multiplied)
        return Frame(picture)


def _pixels(shown: bytes, header: Header) -> tuple[Picture, Picture | None, bool]:
    # A function of its own, so that the decoder's pixels are gone when it returns. They are a
    # view of memory that goes with the image, so nothing of them may be returned.
    image = _opened(shown)
    channels = _CHANNELS[image.mode]
    data = image.data
    width, height = image.size
    if (width, height) != (header.width, header.height):
        raise BrokenPicture(_OTHER_SIZE)
    deep = image.mode == _DEEP
    pixels = np.frombuffer(data, np.uint8).reshape(height, width, channels * (1 + deep))
    if deep:
        # Of two bytes the upper one, which comes second.
        pixels = pixels[:, :, 1:]
    picture = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if channels in {2, 4} else None
    for rows in strips(height, width):
        picture[rows] = pixels[rows, :, :3] if channels > 2 else pixels[rows, :, :1]
        if alpha is not None:
            alpha[rows] = pixels[rows, :, -1]
    return picture, alpha, image.mode[-1] == "a"


def _on_white_inplace(picture: Picture, alpha: Picture, *, is_multiplied: bool) -> None:
    for rows in strips(*alpha.shape):
        part, share = picture[rows], alpha[rows][:, :, None].astype(np.uint16)
        colours = part.astype(np.uint16) * (255 if is_multiplied else share)
        part[:] = np.minimum((colours + (255 - share) * 255 + 127) // 255, 255)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A picture before it is cut and turned."""

    width: int
    height: int
    parts: set[int]
    """The items that it is made of."""

    coded: Coded
    """Where it is made of several, the one that takes most."""

    @property
    def decoder_bytes(self) -> float:
        """What decoding takes."""
        pixels = max(self.width * self.height, self.coded.width * self.coded.height)
        return pixels * self.coded.decoding(odd=bool(self.width % 2 or self.height % 2))


def _judged(data: bytes) -> tuple[int, bytes]:
    """Return what decoding takes, and the file as a decoder may see it."""
    boxes = heif.read(data)
    whole = _whole(boxes, boxes.primary)
    parts, memory = whole.parts, whole.decoder_bytes + _FILES * len(data)
    for number in _alphas(boxes):
        plane = _whole(boxes, number)
        if (plane.width, plane.height) != (whole.width, whole.height):
            raise UnsupportedPicture("A HEIC whose transparency has another size is not supported.")
        parts = parts | plane.parts
        # Its plane is kept beside the colours, and joined with them.
        memory += 3 * plane.width * plane.height
    return round(memory), boxes.only(parts)


def _alphas(boxes: Heif) -> list[int]:
    found = []
    for name, number, to in boxes.links:
        kinds = [body for kind, body in boxes.properties.get(number, ()) if kind == b"auxC"]
        if name == b"auxl" and boxes.primary in to and kinds:
            found += [number] if kinds[0][4:].split(b"\0")[0] in _ALPHA else []
    if len(found) > 1:
        raise BrokenPicture("The HEIC has two kinds of transparency.")
    return found


def _whole(boxes: Heif, number: int) -> _Whole:
    kind = boxes.kinds.get(number)
    if kind is None:
        raise BrokenPicture("The HEIC header cannot be read.")
    if kind == b"grid":
        return _fitting(_grid(boxes, number))
    if kind != b"hvc1":
        raise UnsupportedPicture("This kind of HEIC is not supported: only HEVC pictures are.")
    return _fitting(_single(boxes, number, _bytes(boxes, number), [MAX_UNITS]))


def _fitting(whole: _Whole) -> _Whole:
    pixels = whole.width * whole.height
    if pixels > MAX_PIXELS:
        raise PictureTooLarge(f"The picture has {pixels / 1e6:.1f} megapixels; 25 are allowed.")
    return whole


def _single(boxes: Heif, number: int, data: bytes, left: list[int]) -> _Whole:
    width, height = struct.unpack_from(">II", boxes.one(number, b"ispe"), 4)
    found = coded(boxes.one(number, b"hvcC"), data, left)
    for said, real in ((width, found.width), (height, found.height)):
        if not said <= real < said + _BLOCK:
            raise BrokenPicture(_OTHER_SIZE)
    return _Whole(width, height, {number}, found)


def _bytes(boxes: Heif, number: int) -> bytes:
    return next(body for _, body in boxes.bytes_of({number}))


def _grid(boxes: Heif, number: int) -> _Whole:
    tiles = boxes.linked(b"dimg", number)
    data = _bytes(boxes, number)
    wide = bool(data[1] & 1)
    rows, columns = data[2] + 1, data[3] + 1
    width, height = struct.unpack_from(">II" if wide else ">HH", data, 4)
    if len(tiles) != rows * columns or {boxes.kinds.get(tile) for tile in tiles} != {b"hvc1"}:
        raise UnsupportedPicture("A HEIC of tiles that are no pictures is not supported.")
    if struct.unpack_from(">II", boxes.one(number, b"ispe"), 4) != (width, height):
        raise BrokenPicture(_OTHER_SIZE)
    # One at a time is decoded, into planes of the whole picture.
    left = [MAX_UNITS]
    found = [_single(boxes, tile, body, left) for tile, body in boxes.bytes_of(set(tiles))]
    sizes = {(one.width, one.height) for one in found}
    if len(sizes) != 1 or min(min(sizes)) < _SMALLEST_TILE:
        raise UnsupportedPicture("A HEIC of tiles of other sizes is not supported.")
    (tile,) = sizes
    for side, part, count in ((width, tile[0], columns), (height, tile[1], rows)):
        if not part * (count - 1) < side <= part * count:
            raise BrokenPicture(_OTHER_SIZE)
    largest = max(found, key=lambda one: one.decoder_bytes)
    return _Whole(width, height, {number, *tiles}, largest.coded)


@cache
def _library() -> Any:
    import pi_heif

    # A picture uses one core.
    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = False
    pi_heif.options.DEPTH_IMAGES = False
    pi_heif.options.AUX_IMAGES = False
    return pi_heif


def _opened(shown: bytes) -> Any:
    images = _library().open_heif(shown, convert_hdr_to_8bit=True, bgr_mode=True)
    image = images[images.primary_index]
    if image.mode not in _CHANNELS:
        raise UnsupportedPicture("This kind of HEIC is not supported.")
    return image
