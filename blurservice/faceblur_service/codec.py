"""Pictures in and out: bytes to pixels and back, of the same format, without any metadata."""

import io
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from faceblur_service.blurring import Picture
from faceblur_service.errors import (
    BrokenPicture,
    EncodingFailed,
    NoPicture,
    PictureTooLarge,
    UnsupportedPicture,
)

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 25_000_000

# The limit above is ours and stricter; Pillow's would only warn.
Image.MAX_IMAGE_PIXELS = None

_ORIENTATION_TAG = 0x0112


class Format(StrEnum):
    """A format that is read and written."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """The HTTP content type."""
        return f"image/{self.value}"


_WRITE = {
    Format.JPEG: [cv2.IMWRITE_JPEG_QUALITY, 90],
    # Level 1: three times as fast as the default for a few per cent more bytes.
    Format.PNG: [cv2.IMWRITE_PNG_COMPRESSION, 1],
    Format.WEBP: [cv2.IMWRITE_WEBP_QUALITY, 90],
}


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes say, before anything is decoded."""

    format: Format
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """Pixels the decoder will allocate."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels as a person would see them: turned upright."""

    picture: Picture
    """uint8, shape (height, width, 3), BGR."""

    alpha: Picture | None
    """uint8, shape (height, width); None when the picture is opaque."""


def read_header(data: bytes) -> Header:
    """Return format and size, refusing what is too large before any pixel is decoded.

    Raises:
        NoPicture: There are no bytes.
        PictureTooLarge: More than 20 MiB or 25 megapixels.
        UnsupportedPicture: Not a still JPEG, PNG or WebP.
        BrokenPicture: The header cannot be read.
    """
    if not data:
        raise NoPicture("The request carries no picture.")
    if len(data) > MAX_BYTES:
        raise PictureTooLarge("The picture is larger than 20 MiB.")
    kind = _sniff(data)
    try:
        with Image.open(io.BytesIO(data), formats=[kind.name]) as image:
            header = Header(kind, *image.size)
            animated = bool(getattr(image, "is_animated", False))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as err:
        raise BrokenPicture(f"The {kind.name} header cannot be read.") from err
    if header.pixels > MAX_PIXELS:
        raise PictureTooLarge(
            f"The picture has {header.pixels / 1e6:.1f} megapixels; 25 are allowed."
        )
    if animated:
        raise UnsupportedPicture("Animated pictures are not supported: send single frames.")
    return header


def decode(data: bytes, header: Header) -> Decoded:
    """Return upright 8-bit pixels.

    Raises:
        BrokenPicture: The bytes cannot be decoded, or are not what their header said.
    """
    raw = np.frombuffer(data, np.uint8)
    # Transparency first: only its plane is then in memory beside the colours.
    alpha = None if header.format is Format.JPEG else _alpha(data, raw)
    picture = _imdecode(raw, cv2.IMREAD_COLOR)
    height, width = picture.shape[:2]
    if {width, height} != {header.width, header.height}:
        raise BrokenPicture("The picture has another size than its header says.")
    if alpha is not None and alpha.shape[:2] != (height, width):
        raise BrokenPicture("The picture's transparency has another size than its colours.")
    return Decoded(picture, alpha)


def encode(decoded: Decoded, kind: Format) -> bytes:
    """Return the picture's bytes: pixels only, no metadata of any kind.

    Raises:
        EncodingFailed: The encoder refused.
    """
    pixels = decoded.picture
    if decoded.alpha is not None:
        pixels = np.dstack((pixels, decoded.alpha))
    try:
        ok, data = cv2.imencode(f".{kind.value}", pixels, _WRITE[kind])
    except cv2.error as err:
        raise EncodingFailed(f"The picture cannot be written as {kind.name}.") from err
    if not ok:
        raise EncodingFailed(f"The picture cannot be written as {kind.name}.")
    return bytes(data)


def _sniff(data: bytes) -> Format:
    if data.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    raise UnsupportedPicture("Only JPEG, PNG and WebP pictures are supported.")


def _imdecode(raw: Picture, flags: int) -> Picture:
    try:
        picture = cv2.imdecode(raw, flags)
    except cv2.error as err:
        raise BrokenPicture("The picture cannot be decoded.") from err
    if picture is None:
        raise BrokenPicture("The picture cannot be decoded.")
    return np.asarray(picture)


def _alpha(data: bytes, raw: Picture) -> Picture | None:
    # OpenCV turns colours upright but not transparency, so that plane is turned here.
    full = _imdecode(raw, cv2.IMREAD_UNCHANGED)
    if full.ndim != 3 or full.shape[2] != 4:
        return None
    plane = full[:, :, 3]
    if plane.dtype == np.uint16:
        plane = (plane >> 8).astype(np.uint8)
    return _upright(plane, _orientation(data))


def _orientation(data: bytes) -> int:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError):
        return 1  # what OpenCV does with an EXIF block it cannot read


def _upright(plane: Picture, orientation: int) -> Picture:
    if orientation in {2, 5, 7, 4}:
        plane = plane[:, ::-1]
    if orientation in {3, 4}:
        plane = plane[::-1, ::-1]
    elif orientation in {6, 7}:
        plane = np.rot90(plane, -1)
    elif orientation in {5, 8}:
        plane = np.rot90(plane, 1)
    return np.ascontiguousarray(plane)
