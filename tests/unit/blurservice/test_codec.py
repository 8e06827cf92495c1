"""Pictures in and out."""

import io
import struct
import zlib

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, PngImagePlugin

from faceblur_service.codec import Decoded, Format, decode, encode, read_header
from faceblur_service.errors import (
    BrokenPicture,
    EncodingFailed,
    FaceBlurError,
    NoPicture,
    PictureTooLarge,
    UnsupportedPicture,
)

Pixels = npt.NDArray[np.uint8]
SECRET = b"SECRET-PLACE"


def _arrow() -> Pixels:
    """A picture that looks different in all eight orientations."""
    picture = np.zeros((48, 80, 3), np.uint8)
    picture[:24, :40] = (0, 0, 255)
    picture[:24, 40:] = (0, 255, 0)
    picture[24:, :40] = (255, 0, 0)
    return picture


def _file(
    picture: Image.Image, kind: str, orientation: int | None = None, *, secrets: bool = False
) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    options: dict[str, object] = {"lossless": True} if kind == "WEBP" else {}
    if secrets:
        exif[0x010E] = SECRET.decode()
        exif.get_ifd(0x8825)[1] = "N"
        options["xmp"] = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
        options["icc_profile"] = b"\0" * 128 + SECRET
        if kind == "JPEG":
            options["comment"] = SECRET
        if kind == "PNG":
            text = PngImagePlugin.PngInfo()
            text.add_text("Author", SECRET.decode())
            options["pnginfo"] = text
            del options["xmp"]
    picture.save(out, kind, exif=exif, **options)
    return out.getvalue() + (SECRET if secrets else b"")


def _rgb(picture: Pixels) -> Image.Image:
    return Image.fromarray(picture[:, :, ::-1].copy())


_TURNED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("orientation", _TURNED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_is_turned_upright(kind: str, orientation: int) -> None:
    data = _file(_rgb(_arrow()), kind, orientation)

    decoded = decode(data, read_header(data))

    wanted = _TURNED[orientation](_arrow())
    assert decoded.picture.shape == wanted.shape
    # JPEG smears colours at the borders between the four fields.
    assert np.mean(np.abs(decoded.picture.astype(int) - wanted) > 40) < 0.1


@pytest.mark.parametrize("orientation", _TURNED)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_turns_with_the_colours(kind: str, orientation: int) -> None:
    alpha = _arrow()[:, :, 2] // 2 + 90
    rgba = np.dstack((_arrow()[:, :, ::-1], alpha))
    data = _file(Image.fromarray(rgba), kind, orientation)

    decoded = decode(data, read_header(data))

    assert decoded.alpha is not None
    assert np.array_equal(decoded.alpha, _TURNED[orientation](alpha))


@pytest.mark.parametrize("kind", list(Format))
def test_a_picture_survives_the_way_through(kind: Format) -> None:
    smooth = cv2.GaussianBlur(_arrow(), (21, 21), 0).astype(np.uint8)
    data = encode(Decoded(smooth, None), kind)

    header = read_header(data)
    decoded = decode(data, header)

    assert (header.format, header.width, header.height) == (kind, 80, 48)
    assert np.abs(decoded.picture.astype(int) - smooth).max() <= (0 if kind is Format.PNG else 30)


@pytest.mark.parametrize("kind", [Format.PNG, Format.WEBP])
def test_transparency_survives_the_way_through(kind: Format) -> None:
    alpha = np.tile(np.arange(80, dtype=np.uint8) * 3, (48, 1))
    data = encode(Decoded(_arrow(), alpha), kind)

    decoded = decode(data, read_header(data))

    assert decoded.alpha is not None
    assert np.array_equal(decoded.alpha, alpha)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_metadata_leaves(kind: str) -> None:
    data = _file(_rgb(_arrow()), kind, 6, secrets=True)
    assert data.count(SECRET) >= 2 or kind == "PNG"

    header = read_header(data)
    out = encode(decode(data, header), header.format)

    assert SECRET not in out
    assert b"Exif" not in out
    with Image.open(io.BytesIO(out)) as image:
        image.load()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "loop"} | {
            "background",
            "timestamp",
            "duration",
        }
        assert dict(image.getexif()) == {}
    assert _blocks(out, kind) <= _PIXELS_ONLY[kind]


_PIXELS_ONLY: dict[str, set[object]] = {
    "JPEG": {0xE0, 0xDB, 0xC0, 0xC4, 0xDA},
    "PNG": {b"IHDR", b"IDAT", b"IEND"},
    "WEBP": {b"VP8 ", b"VP8L"},
}


def _blocks(data: bytes, kind: str) -> set[object]:
    """Return the kinds of the blocks a file is made of."""
    found: set[object] = set()
    at = {"JPEG": 2, "PNG": 8, "WEBP": 12}[kind]
    while at < len(data):
        if kind == "JPEG":
            found.add(data[at + 1])
            if data[at + 1] == 0xDA:
                assert data.endswith(b"\xff\xd9")
                break
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        elif kind == "PNG":
            found.add(data[at + 4 : at + 8])
            at += 12 + struct.unpack(">I", data[at : at + 4])[0]
        else:
            size = struct.unpack("<I", data[at + 4 : at + 8])[0]
            found.add(data[at : at + 4])
            at += 8 + size + size % 2
    return found


def test_a_sixteen_bit_picture_becomes_eight_bit() -> None:
    deep = np.full((40, 60, 4), 0x8000, np.uint16)
    data = bytes(cv2.imencode(".png", deep)[1])

    decoded = decode(data, read_header(data))

    assert decoded.alpha is not None
    assert (decoded.picture.dtype, decoded.alpha.dtype) == (np.dtype(np.uint8), np.dtype(np.uint8))
    assert (int(decoded.picture.max()), int(decoded.alpha.max())) == (128, 128)


def test_a_grey_picture_gets_three_channels() -> None:
    data = bytes(cv2.imencode(".png", np.full((40, 60), 99, np.uint8))[1])

    decoded = decode(data, read_header(data))

    assert (decoded.picture.shape, decoded.alpha) == ((40, 60, 3), None)


def _png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    empty = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + chunk + empty


def _animation(kind: str) -> bytes:
    out = io.BytesIO()
    frames = [_rgb(_arrow()), _rgb(_arrow()[::-1].copy())]
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "want", "sentence"),
    [
        pytest.param(b"", NoPicture, "carries no picture", id="nothing"),
        pytest.param(b"GIF89a...", UnsupportedPicture, "Only JPEG, PNG and WebP", id="a GIF"),
        pytest.param(b"hello", UnsupportedPicture, "Only JPEG, PNG and WebP", id="text"),
        pytest.param(
            b"\xff\xd8\xff" + bytes(20 * 1024 * 1024),
            PictureTooLarge,
            "20 MiB",
            id="too many bytes",
        ),
        pytest.param(_png_header(30_000, 30_000), PictureTooLarge, "900.0 megapixels", id="a bomb"),
        pytest.param(_png_header(5_001, 5_000), PictureTooLarge, "25.0 meg", id="just too large"),
        pytest.param(b"\xff\xd8\xff\xe0junk", BrokenPicture, "JPEG header", id="a broken header"),
        pytest.param(_animation("WEBP"), UnsupportedPicture, "Animated", id="an animated WebP"),
        pytest.param(_animation("PNG"), UnsupportedPicture, "Animated", id="an animated PNG"),
    ],
)
def test_a_header_is_judged_before_decoding(
    data: bytes, want: type[FaceBlurError], sentence: str
) -> None:
    with pytest.raises(want, match=sentence):
        read_header(data)


def test_pixels_that_are_missing_are_an_error() -> None:
    data = _png_header(40, 30)

    with pytest.raises(BrokenPicture):
        decode(data, read_header(data))


def test_a_header_that_lies_is_an_error() -> None:
    one, other = (bytes(cv2.imencode(".jpg", _arrow()[:h])[1]) for h in (48, 40))

    with pytest.raises(BrokenPicture, match="another size"):
        decode(one, read_header(other))


def test_what_cannot_be_written_is_an_error() -> None:
    too_wide = np.zeros((1, 20_000, 3), np.uint8)

    with pytest.raises(EncodingFailed):
        encode(Decoded(too_wide, None), Format.WEBP)
