"""AVIF of a large picture, decoded strip by strip out of the decoder's own planes.

Pillow copies a decoded picture three times, 10 to 13 bytes for each pixel. This asks the same
library, libavif, which comes with Pillow, without those copies. It has no Python binding of its
own; what is known of its structures is compared with their defaults before it is used, and where
they differ, large pictures are refused.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from faceblur_service.blurring import Picture
from faceblur_service.codec.colour import strips
from faceblur_service.codec.formats import Header
from faceblur_service.errors import BrokenPicture, PictureTooLarge

_U32 = ctypes.c_uint32
_BGR, _BGRA = 3, 4
# As Pillow has it: transparency must say its size; what many writers get wrong is forgiven.
_STRICT = 4
# Colours of half the resolution are mixed with those of the next row: a strip needs it too.
_MARGIN = 2
_BROKEN = "The picture cannot be decoded."


class _Decoder(ctypes.Structure):
    """The beginning of avifDecoder."""

    _fields_ = (
        ("choice", ctypes.c_int),
        ("threads", ctypes.c_int),
        ("source", ctypes.c_int),
        ("flags", ctypes.c_int * 4),
        ("most_pixels", _U32),
        ("longest", _U32),
        ("most_images", _U32),
        ("strict", _U32),
        ("image", ctypes.c_void_p),
    )


class _Rgb(ctypes.Structure):
    """All of avifRGBImage, and room for what later versions may append."""

    _fields_ = (
        ("width", _U32),
        ("height", _U32),
        ("depth", _U32),
        ("format", ctypes.c_int),
        ("chroma", ctypes.c_int * 2),
        ("flags", ctypes.c_int * 4),
        ("threads", ctypes.c_int),
        ("pixels", ctypes.c_void_p),
        ("row_bytes", _U32),
        ("later", ctypes.c_uint8 * 64),
    )


def read_large(data: bytes, header: Header) -> tuple[Picture, Picture | None]:
    """Return colours as stored, in BGR, and transparency.

    Raises:
        BrokenPicture: The bytes cannot be decoded, or are not what their header said.
        PictureTooLarge: The library is not there.
    """
    library = _library()
    if library is None:
        raise PictureTooLarge("Large AVIF pictures need the libavif that comes with Pillow.")
    with _image(library, data) as image:
        size = ctypes.cast(image, ctypes.POINTER(_U32 * 2)).contents
        if tuple(size) != (header.width, header.height):
            raise BrokenPicture("The picture has another size than its header says.")
        height, width = header.height, header.width
        picture = np.empty((height, width, 3), np.uint8)
        alpha = np.empty((height, width), np.uint8) if header.alpha else None
        for rows in strips(height, width):
            # Even, because a row of colours belongs to two of pixels.
            first = max(0, rows.start - _MARGIN) // 2 * 2
            last = min(height, rows.stop + _MARGIN)
            part = _converted(library, image, slice(first, last), header)
            part = part[rows.start - first : rows.stop - first]
            picture[rows] = part[:, :, :3]
            if alpha is not None:
                alpha[rows] = part[:, :, 3]
        return picture, alpha


@contextmanager
def _image(library: Any, data: bytes) -> Iterator[int]:
    decoder = library.avifDecoderCreate()
    if not decoder:
        raise MemoryError
    try:
        decoder.contents.strict = _STRICT
        failed = (
            library.avifDecoderSetIOMemory(decoder, data, len(data))
            or library.avifDecoderParse(decoder)
            or library.avifDecoderNextImage(decoder)
        )
        if failed:
            raise BrokenPicture(_BROKEN)
        yield decoder.contents.image
    finally:
        library.avifDecoderDestroy(decoder)


def _converted(library: Any, image: int, rows: slice, header: Header) -> Picture:
    channels = 4 if header.alpha else 3
    height = rows.stop - rows.start
    pixels = np.empty((height, header.width, channels), np.uint8)
    view = library.avifImageCreateEmpty()
    if not view:
        raise MemoryError
    try:
        place = (_U32 * 4)(0, rows.start, header.width, height)
        if library.avifImageSetViewRect(view, image, place):
            raise BrokenPicture(_BROKEN)
        wanted = _Rgb()
        library.avifRGBImageSetDefaults(ctypes.byref(wanted), view)
        wanted.depth, wanted.format = 8, _BGRA if header.alpha else _BGR
        wanted.pixels, wanted.row_bytes = pixels.ctypes.data, header.width * channels
        if library.avifImageYUVToRGB(view, ctypes.byref(wanted)):
            raise BrokenPicture(_BROKEN)
    finally:
        library.avifImageDestroy(view)
    return pixels


@cache
def _library() -> Any:
    """Return the library with the signatures that are used, None where it is another one."""
    from PIL import _avif  # noqa: F401 - loads what the library needs

    folder = Path(PIL.__file__).parents[1] / "pillow.libs"
    found = sorted(folder.glob("libavif-*.so*"))
    if len(found) != 1:
        return None
    library = ctypes.CDLL(str(found[0]))
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    decoder = ctypes.POINTER(_Decoder)
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "avifDecoderCreate": (decoder, []),
        "avifDecoderDestroy": (None, [decoder]),
        "avifDecoderSetIOMemory": (ctypes.c_int, [decoder, ctypes.c_char_p, size]),
        "avifDecoderParse": (ctypes.c_int, [decoder]),
        "avifDecoderNextImage": (ctypes.c_int, [decoder]),
        "avifImageCreateEmpty": (pointer, []),
        "avifImageCreate": (pointer, [_U32, _U32, _U32, ctypes.c_int]),
        "avifImageDestroy": (None, [pointer]),
        "avifImageSetViewRect": (ctypes.c_int, [pointer, pointer, pointer]),
        "avifRGBImageSetDefaults": (None, [pointer, pointer]),
        "avifImageYUVToRGB": (ctypes.c_int, [pointer, pointer]),
    }
    try:
        for name, (result, arguments) in signatures.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError:
        return None
    return library if _is_known(library) else None


def _is_known(library: Any) -> bool:
    """Return whether the structures lie in memory as they are described here."""
    decoder = library.avifDecoderCreate()
    image = library.avifImageCreate(40, 30, 8, 1)
    rgb = _Rgb()
    library.avifRGBImageSetDefaults(ctypes.byref(rgb), image)
    made = decoder.contents
    known = (
        (made.choice, made.threads, made.most_pixels, made.longest) == (0, 1, 1 << 28, 1 << 15)
        and (made.most_images, made.strict, made.image) == (12 * 60 * 60 * 60, 7, None)
        and (rgb.width, rgb.height, rgb.depth, rgb.format) == (40, 30, 8, 1)
        and (rgb.threads, rgb.pixels, rgb.row_bytes) == (1, None, 0)
    )
    library.avifImageDestroy(image)
    library.avifDecoderDestroy(decoder)
    return known
