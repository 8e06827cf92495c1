"""Judged by the first bytes, before anything is decoded."""

import io
import struct
import zlib

import pytest
from PIL import Image
from tests.support.samples import READ, animation, arrow, image, saved

from faceblur_service.codec import MAX_FRAMES, Format, Header, read_header
from faceblur_service.errors import (
    BrokenPicture,
    FaceBlurError,
    NoPicture,
    PictureTooLarge,
    UnsupportedPicture,
)


def png(width: int, height: int, kind: int = 2) -> bytes:
    """Return a PNG that says that size and has no pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    empty = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + chunk + empty


def _webp(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0"
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _gif(width: int, height: int, frames: int = 1) -> bytes:
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + frame * frames + b";"


def _tiff(width: int, height: int, following: int = 0) -> bytes:
    tags = [(256, 4, width), (257, 4, height), (277, 3, 3)]
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + body + struct.pack("<I", following)


def _jpeg(width: int, height: int, depth: int = 8) -> bytes:
    body = struct.pack(">BHHB", depth, height, width, 3) + b"\x01\x11\0\x02\x11\0\x03\x11\0"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(body) + 2) + body + b"\xff\xda\0\0"


@pytest.mark.parametrize("kind", READ)
def test_format_and_size_are_told(kind: str) -> None:
    found = read_header(saved(image(arrow()), kind))

    assert (found.format.name, found.width, found.height, found.frames) == (kind, 80, 48, 1)
    assert found.pixels == 80 * 48


def test_the_rest_is_told_too() -> None:
    alpha = arrow()[:, :, 0]

    assert read_header(saved(image(arrow(), alpha), "WEBP")) == Header(
        Format.WEBP, 80, 48, alpha=True, lossless=True
    )
    assert read_header(saved(image(arrow()).convert("L"), "JPEG")) == Header(
        Format.JPEG, 80, 48, grey=True, plain=True
    )


@pytest.mark.parametrize(
    ("data", "want", "sentence"),
    [
        pytest.param(b"", NoPicture, "There are no bytes", id="nothing"),
        pytest.param(b"hello", UnsupportedPicture, "Only JPEG, PNG, WebP", id="text"),
        pytest.param(b"<svg/>", UnsupportedPicture, "Only JPEG, PNG, WebP", id="SVG"),
        pytest.param(b"RIFF0000WAVE", UnsupportedPicture, "Only JPEG", id="a sound"),
        pytest.param(
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            UnsupportedPicture,
            "holds a film, and no picture",
            id="HEIC says what to do",
        ),
        pytest.param(
            b"\0\0\0\x18ftypisom\0\0\0\0mp42isom", UnsupportedPicture, "Only JPEG", id="a film"
        ),
        pytest.param(
            b"\xff\xd8\xff" + bytes(20 * 1024 * 1024), PictureTooLarge, "20 MiB", id="many bytes"
        ),
        pytest.param(png(30_000, 30_000), PictureTooLarge, "900.0 megapixels", id="a PNG bomb"),
        pytest.param(_webp(16_000, 16_000), PictureTooLarge, "256.0 mega", id="a WebP bomb"),
        pytest.param(_gif(60_000, 60_000), PictureTooLarge, "3600.0 mega", id="a GIF bomb"),
        pytest.param(_tiff(60_000, 60_000), PictureTooLarge, "3600.0 mega", id="a TIFF bomb"),
        pytest.param(_jpeg(60_000, 60_000), PictureTooLarge, "3600.0 mega", id="a JPEG bomb"),
        pytest.param(png(5_001, 5_000), PictureTooLarge, "25.0 meg", id="just too large"),
        pytest.param(_webp(16_384, 9), PictureTooLarge, "16383 are", id="a wide WebP"),
        pytest.param(_jpeg(9, 65_501), PictureTooLarge, "65500 are", id="a tall JPEG"),
        pytest.param(_gif(1000, 1000, 26), PictureTooLarge, "in 26 frames", id="frames together"),
        pytest.param(_gif(1, 1, 301), PictureTooLarge, "more than 300 frames", id="many frames"),
        pytest.param(png(0, 10), BrokenPicture, "no pixels", id="no width"),
        pytest.param(_jpeg(10, 0), BrokenPicture, "no pixels", id="no height"),
        pytest.param(_tiff(0, 10), BrokenPicture, "no pixels", id="a TIFF without width"),
        pytest.param(_jpeg(10, 10, 12), UnsupportedPicture, "12 bits", id="a 12-bit JPEG"),
        pytest.param(b"\xff\xd8\xff\xe0junk", BrokenPicture, "JPEG header", id="a broken JPEG"),
        pytest.param(_jpeg(9, 9)[:10], BrokenPicture, "JPEG header", id="a cut JPEG header"),
        pytest.param(png(9, 9)[:20], BrokenPicture, "PNG header", id="a cut PNG header"),
        pytest.param(_webp(9, 9)[:18], BrokenPicture, "WEBP header", id="a cut WebP header"),
        pytest.param(
            b"RIFF\0\0\0\0WEBPVP8 \x02\0\0\0xx", BrokenPicture, "WEBP header", id="a short WebP"
        ),
        pytest.param(b"GIF89a\x01\0", BrokenPicture, "GIF header", id="a cut GIF header"),
        pytest.param(_gif(9, 9, 0), BrokenPicture, "no picture", id="a GIF without frames"),
        pytest.param(_tiff(9, 9)[:12], BrokenPicture, "cut off", id="a cut TIFF"),
        pytest.param(b"II*\0", BrokenPicture, "cut off", id="the start of a TIFF"),
        pytest.param(b"II*\0\0\0\0\0", BrokenPicture, "no picture", id="an empty TIFF"),
        pytest.param(
            b"II*\0\x08\0\0\0\xff\xff", BrokenPicture, "65535 entries", id="a TIFF of tags"
        ),
        pytest.param(b"\0\0\0\x18ftypavif" + bytes(12), BrokenPicture, "AVIF header", id="an AVIF"),
        pytest.param(png(5_000, 4_000, 2), None, "", id="large enough and not too large"),
    ],
)
def test_a_header_is_judged_before_decoding(
    data: bytes, want: type[FaceBlurError] | None, sentence: str
) -> None:
    if want is None:
        assert read_header(data).pixels == 20_000_000
        return
    with pytest.raises(want, match=sentence):
        read_header(data)


def test_a_gif_frame_that_reaches_beyond_the_canvas_counts() -> None:
    small = bytearray(_gif(60_000, 60_000))
    small[6:10] = struct.pack("<HH", 10, 10)

    with pytest.raises(PictureTooLarge, match="3600"):
        read_header(bytes(small))


def test_tables_in_a_ring_are_read_once() -> None:
    ring = _tiff(9, 9, following=8)

    assert read_header(ring).frames == 1


def test_a_tiff_of_the_large_kind_is_read() -> None:
    entries = b"".join(struct.pack(">HHQQ", tag, 16, 1, 9) for tag in (256, 257))
    big = b"MM\0+\0\x08\0\0" + struct.pack(">QQ", 16, 2) + entries + bytes(8)

    assert (read_header(big).width, read_header(big).height) == (9, 9)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF"])
def test_frames_are_counted_not_believed(kind: str) -> None:
    shown = [Image.new("RGB", (16, 16), (i, 255 - i, 99)) for i in range(5)]

    assert read_header(animation(shown, kind, [50] * 5)).frames == 5


def test_an_animated_png_cannot_have_more_frames_than_it_says() -> None:
    shown = [Image.new("RGB", (4, 4), (i % 256, i // 256, 9)) for i in range(MAX_FRAMES + 5)]
    data = animation(shown, "PNG", [50] * len(shown))
    lying = data.replace(b"acTL" + struct.pack(">I", len(shown)), b"acTL" + struct.pack(">I", 2), 1)

    with pytest.raises(PictureTooLarge, match="300 frames"):
        read_header(lying)


def test_a_kind_that_needs_more_memory_has_a_lower_limit() -> None:
    data = saved(Image.new("RGBA", (5000, 4900)), "AVIF", speed=10, quality=10)

    with pytest.raises(PictureTooLarge, match="of this kind of AVIF 23 fit into memory"):
        read_header(data)


def test_the_format_says_type_and_suffixes() -> None:
    assert (Format.TIFF.media_type, Format.TIFF.suffixes) == ("image/tiff", (".tif", ".tiff"))
    everything = [suffix for kind in Format for suffix in kind.suffixes]
    assert len(set(everything)) == len(everything)


def test_exif_that_cannot_be_read_turns_nothing() -> None:
    out = io.BytesIO()
    image(arrow()).save(out, "JPEG", exif=b"Exif\0\0rubbish")

    assert read_header(out.getvalue()).orientation == 1
