"""Bytes to frames: upright, 8 bits, sRGB.

OpenCV decodes the plain kinds, three times as fast; Pillow everything else, in strips, so that no
second copy of the whole picture is needed.
"""

import io
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from faceblur_service.blurring import Picture
from faceblur_service.codec.avif_reader import read_large
from faceblur_service.codec.colour import Profile, profile_for, strips, to_srgb_inplace
from faceblur_service.codec.formats import Format, Header
from faceblur_service.codec.frame import Frame
from faceblur_service.codec.guard import refusing
from faceblur_service.codec.header import scan
from faceblur_service.codec.heic import read_heic
from faceblur_service.codec.ifd import ORIENTATION
from faceblur_service.codec.scan import Scan, png_pixels
from faceblur_service.codec.upright import upright
from faceblur_service.deadline import Deadline
from faceblur_service.errors import BrokenPicture, UnsupportedPicture

# The limits are ours and stricter; Pillow's would only warn.
Image.MAX_IMAGE_PIXELS = None

_SENTENCE = "The picture cannot be decoded."
_TRANSPARENT = {"LA", "PA", "La", "RGBA", "RGBa"}
_SIXTEEN_BITS = {"I;16", "I;16B", "I;16L", "I;16N"}
_UNKNOWN_SCALE = {"I", "F"}


def frames(data: bytes, header: Header, deadline: Deadline | None = None) -> Iterator[Frame]:
    """Yield the picture's frames, one for a still picture.

    Args:
        data: The file.
        header: What `read_header` said of it.
        deadline: Asked before each frame.

    Raises:
        BrokenPicture: The bytes cannot be decoded, or are not what their header said.
        UnsupportedPicture: Of a kind that has no known colours.
        PictureTooSlow: The time is over.
    """
    found = scan(data)
    if found.header != header:
        raise BrokenPicture("The picture has another header than the one announced.")
    if header.format is Format.HEIC:
        yield read_heic(data, found)
    elif header.plain:
        yield _plain(data, found)
    elif header.is_large:
        yield _large(data, found)
    elif header.frames == 1:
        yield _single(data, found)
    else:
        yield from _several(data, found, deadline or Deadline())


def decode(data: bytes, header: Header) -> Frame:
    """Return the first frame, which is all of a still picture.

    Raises:
        BrokenPicture: The bytes cannot be decoded, or are not what their header said.
        UnsupportedPicture: Of a kind that has no known colours.
    """
    return next(frames(data, header))


def _single(data: bytes, found: Scan) -> Frame:
    return _turned(*_first(data, found))


def _first(data: bytes, found: Scan) -> tuple[Frame, int]:
    # A function of its own, so that the image is gone before the frame is turned or looked at:
    # it keeps four more bytes per pixel, and closing it does not free them.
    with refusing(_SENTENCE), _opened(data, found) as image:
        image.seek(next(_frame_numbers(image, found.header)))
        turn = _turn_of(image, found.header)
        return _frame(image, found), turn


def _several(data: bytes, found: Scan, deadline: Deadline) -> Iterator[Frame]:
    with refusing(_SENTENCE), _opened(data, found) as image:
        for index in _frame_numbers(image, found.header):
            deadline.check()
            image.seek(index)
            turn = _turn_of(image, found.header)
            yield _turned(_frame(image, found), turn)


def _opened(data: bytes, found: Scan) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=[found.header.format.name])


def _plain(data: bytes, found: Scan) -> Frame:
    header = found.header
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    with refusing(_SENTENCE):
        if header.format is Format.PNG:
            # Of other chunks the decoder says on standard error what they hold, when it is broken.
            data = png_pixels(data)
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        if decoded is None:
            raise BrokenPicture(_SENTENCE)
        picture = np.asarray(decoded, np.uint8)
        # As with a WebP that names a canvas only behind its pixels, where its decoder never looks.
        if picture.shape[:2] != (header.height, header.width):
            raise BrokenPicture("The picture has another size than its header says.")
        to_srgb_inplace(picture, found.profile, grey=header.grey)
        return Frame(upright(picture, header.orientation))


def _large(data: bytes, found: Scan) -> Frame:
    """Return a picture of which Pillow would hold more copies than there is room for."""
    header = found.header
    with refusing(_SENTENCE):
        whole = read_large(data, header) if header.format is Format.AVIF else _clear(data, header)
        picture, alpha = whole
        del whole
        # A profile for grey is one for a single channel.
        to_srgb_inplace(picture, found.profile, grey=header.grey)
        if alpha is not None:
            for rows in strips(*alpha.shape):
                picture[rows][alpha[rows] == 0] = 0
        return _turned(Frame(picture, alpha), header.orientation)


def _clear(data: bytes, header: Header) -> tuple[Picture, Picture | None]:
    """Return colours and transparency of a WebP, as stored."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise BrokenPicture(_SENTENCE)
    pixels = np.asarray(decoded, np.uint8)
    if pixels.shape[:2] != (header.height, header.width):
        raise BrokenPicture("The picture has another size than its header says.")
    if pixels.shape[2] == 3:
        return pixels, None
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR), np.uint8), pixels[:, :, 3].copy()


def _turn_of(image: Image.Image, header: Header) -> int:
    """Return how to turn a frame; Pillow would turn a TIFF's itself, into a copy of its own."""
    if header.format is not Format.TIFF:
        return header.orientation
    exif = image.getexif()
    turn = int(exif.get(ORIENTATION, 1))
    if turn != 1:
        del exif[ORIENTATION]
    return turn if 1 <= turn <= 8 else 1


def _frame_numbers(image: Image.Image, header: Header) -> Iterator[int]:
    if header.format is Format.TIFF:
        yield from _tiff_pages(image, header.frames)
        return
    # The still picture that an animated PNG may carry for old programs is no frame of it.
    first = 1 if image.info.get("default_image") else 0
    yield from range(first, first + header.frames)


def _tiff_pages(image: Image.Image, count: int) -> Iterator[int]:
    index = 0
    while count:
        image.seek(index)
        tags = getattr(image, "tag_v2", {})
        if not int(tags.get(254, 0)) & 1:  # a reduced picture of another page is a thumbnail
            count -= 1
            yield index
        index += 1


def _frame(image: Image.Image, found: Scan) -> Frame:
    header = found.header
    before = image.size
    image.load()
    if header.format is Format.TIFF:
        # Of a page that lies on its side it was the size once turned, which nobody did.
        image._size = image.im.size
    elif image.size != before:
        raise BrokenPicture("The picture has another size than its header says.")
    width, height = image.size
    if width * height > header.width * header.height:
        raise BrokenPicture("The picture has another size than its header says.")
    if image.mode in _UNKNOWN_SCALE:
        raise UnsupportedPicture("Pictures of 32 bits per colour are not supported.")
    opaque = image.mode not in _TRANSPARENT and "transparency" not in image.info
    picture = np.empty((height, width, 3), np.uint8)
    alpha = None if opaque else np.empty((height, width), np.uint8)
    icc = found.profile or image.info.get("icc_profile")
    profile = profile_for(icc, _profile_mode(image.mode))
    for rows in strips(height, width):
        part = image.crop((0, rows.start, width, rows.stop))
        rgb, plane = _converted(part, profile, opaque=opaque)
        picture[rows] = rgb[:, :, ::-1]
        if alpha is not None and plane is not None:
            alpha[rows] = plane
            # Nobody sees these colours, so nobody has judged them; whoever edits the file could.
            picture[rows][plane == 0] = 0
    return Frame(
        picture, alpha, float(image.info.get("duration", 0) or 0) if header.animated else 0
    )


def _turned(frame: Frame, orientation: int) -> Frame:
    if orientation == 1:
        return frame
    return Frame(
        upright(frame.picture, orientation),
        None if frame.alpha is None else upright(frame.alpha, orientation),
        frame.duration_ms,
    )


def _profile_mode(mode: str) -> str:
    if mode in {"L", "LA", "La", "1"} | _SIXTEEN_BITS:
        return "L"
    return mode if mode in {"CMYK", "LAB"} else "RGB"


def _converted(
    part: Image.Image, profile: Profile | None, *, opaque: bool
) -> tuple[Picture, Picture | None]:
    if part.mode in _SIXTEEN_BITS:
        deep = np.asarray(part).astype(np.uint32)
        part = Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))
    plane = None
    if not opaque:
        part = part.convert("RGBA")
        plane = np.asarray(part.getchannel("A"))
    if profile is not None:
        mode = profile.mode
        rgb = profile.apply(part if part.mode == mode else part.convert(mode))
    else:
        rgb = part.convert("RGB")
    return np.asarray(rgb), plane
