"""Frames to bytes of the format they came in: pixels only, no metadata of any kind."""

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import cv2
import numpy as np
from PIL import Image

from faceblur_service.blurring import Picture
from faceblur_service.codec.avif_writer import encode_grid, fits_a_grid
from faceblur_service.codec.colour import strips
from faceblur_service.codec.formats import Format, Header
from faceblur_service.codec.frame import Frame
from faceblur_service.codec.gif_writer import encode_gif
from faceblur_service.codec.png_writer import encode_png
from faceblur_service.codec.tiff_writer import encode_tiff
from faceblur_service.codec.webp_writer import encode_clear, encode_lossless, spread_inplace
from faceblur_service.errors import EncodingFailed, FaceBlurError

JPEG_QUALITY = 90
WEBP_QUALITY = 90
AVIF_QUALITY = 75
# 75 of AVIF keeps what 90 of JPEG does. Speeds: half the time of the default for 3 % more bytes.
_AVIF_SPEED = 9
_WEBP_METHOD = 2
_WEBP_LOSSLESS = {"lossless": True, "quality": 0, "method": 0, "exact": False}


def encode(frames: Iterable[Frame], header: Header) -> bytes:
    """Return the file's bytes, of the format that the header's is written as.

    Args:
        frames: As many as the header says; taken one by one.
        header: Of the file they came from.

    Raises:
        EncodingFailed: The encoder refused.
        Exception: What went wrong while the frames were made, as it was.
    """
    source = _Source(frames)
    try:
        return _ENCODERS[header.format.written](source, header)
    except Exception as err:  # of three libraries, each with errors of its own
        if err is source.error or isinstance(err, FaceBlurError):
            raise
        raise EncodingFailed(
            f"The picture cannot be written as {header.format.written.name}."
        ) from err
    finally:
        # An error holds the frames of its traceback, and these the picture, in a circle.
        source.error = None


class _Source:
    """Passes frames on, and remembers what went wrong while they were made: not the encoder."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = iter(frames)
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        try:
            return next(self._frames)
        except StopIteration:
            raise
        except Exception as err:
            self.error = err
            raise


def _jpeg(frames: Iterable[Frame], header: Header) -> bytes:
    (frame,) = frames
    pixels = frame.picture
    if header.grey and _is_grey(pixels):
        pixels = np.ascontiguousarray(pixels[:, :, 0])
    return _cv2(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def _avif(frames: Iterable[Frame], header: Header) -> bytes:
    if header.frames > 1:
        return _animation(frames, "AVIF", quality=AVIF_QUALITY, speed=_AVIF_SPEED, max_threads=1)
    (frame,) = frames
    if fits_a_grid(frame):
        return encode_grid(frame, quality=AVIF_QUALITY, speed=_AVIF_SPEED)
    pixels = frame.picture
    if frame.alpha is not None:
        pixels = np.dstack((pixels, frame.alpha))
    options = [cv2.IMWRITE_AVIF_QUALITY, AVIF_QUALITY, cv2.IMWRITE_AVIF_SPEED, _AVIF_SPEED]
    return _cv2(".avif", pixels, options)


def _webp(frames: Iterable[Frame], header: Header) -> bytes:
    lossy = {"quality": WEBP_QUALITY, "method": _WEBP_METHOD}
    options = _WEBP_LOSSLESS if header.lossless else lossy
    if header.frames > 1:
        return _animation(frames, "WEBP", loop=header.loop or 0, **options)
    (frame,) = frames
    if header.is_large and header.lossless:
        return encode_lossless(frame)
    # OpenCV takes twice the time, and 50 MB less at 25 megapixels.
    if header.is_large:
        if frame.alpha is not None:
            # In the frame's own pixels, which nobody else has.
            spread_inplace(frame.picture, frame.alpha)
        colours = _cv2(".webp", frame.picture, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
        return colours if frame.alpha is None else encode_clear(colours, frame.alpha)
    mode = "RGBX" if frame.alpha is None else "RGBA"
    pixels = _four_channels(frame)
    # The encoder takes what it needs beside them, and the frame is not needed any more.
    del frame
    height, width = pixels.shape[:2]
    out = io.BytesIO()
    # Pillow works on these pixels themselves, without a copy.
    Image.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1).save(out, "WEBP", **options)
    return out.getvalue()


def _four_channels(frame: Frame) -> Picture:
    """Return RGB and transparency: uint8, shape (height, width, 4)."""
    pixels = np.empty((*frame.picture.shape[:2], 4), np.uint8)
    for channel in range(3):
        pixels[:, :, channel] = frame.picture[:, :, 2 - channel]
    pixels[:, :, 3] = 255 if frame.alpha is None else frame.alpha
    return pixels


def _png(frames: Iterable[Frame], header: Header) -> bytes:
    frames, grey = _greys(frames, header)
    return encode_png(frames, loop=header.loop, count=header.frames, grey=grey)


def _tiff(frames: Iterable[Frame], header: Header) -> bytes:
    frames, grey = _greys(frames, header)
    return encode_tiff(frames, grey=grey)


def _gif(frames: Iterable[Frame], header: Header) -> bytes:
    return encode_gif(frames, loop=header.loop)


_ENCODERS: dict[Format, Callable[[Iterable[Frame], Header], bytes]] = {
    Format.JPEG: _jpeg,
    Format.PNG: _png,
    Format.WEBP: _webp,
    Format.AVIF: _avif,
    Format.TIFF: _tiff,
    Format.GIF: _gif,
}


def _greys(frames: Iterable[Frame], header: Header) -> tuple[Iterable[Frame], bool]:
    """Return whether one channel is enough: a grey picture may have got a coloured emoji.

    Of a file with several frames nothing is known before the last one, so it gets colours.
    """
    if not header.grey or header.frames > 1:
        return frames, False
    waiting: Iterator[Frame] = iter(frames)
    first = next(waiting)
    return chain((first,), waiting), _is_grey(first.picture)


def _is_grey(picture: Picture) -> bool:
    for rows in strips(*picture.shape[:2]):
        part = picture[rows]
        if (part[:, :, :2] != part[:, :, 1:]).any():
            return False
    return True


def _image(frame: Frame) -> Image.Image:
    height, width = frame.picture.shape[:2]
    image = Image.frombuffer("RGB", (width, height), frame.picture, "raw", "BGR", 0, 1)
    if frame.alpha is not None:
        image.putalpha(Image.fromarray(frame.alpha))
    return image


def _animation(frames: Iterable[Frame], kind: str, **options: object) -> bytes:
    images, durations = [], []
    for frame in frames:
        images.append(_image(frame))
        durations.append(round(frame.duration_ms))
    out = io.BytesIO()
    images[0].save(
        out, kind, save_all=True, append_images=images[1:], duration=durations, **options
    )
    return out.getvalue()


def _cv2(suffix: str, pixels: Picture, options: list[int]) -> bytes:
    ok, data = cv2.imencode(suffix, pixels, options)
    if not ok:
        raise ValueError("The encoder refused.")
    return bytes(data)
