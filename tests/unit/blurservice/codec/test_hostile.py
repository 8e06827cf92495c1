"""Pictures made to harm: a clear error or a clean picture, never a crash, a hang or a leak."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from tests.support import fuzz
from tests.support.detectors import FakeDetector
from tests.support.samples import READ, animation, arrow, image, saved

from faceblur_service.codec import Format, read_header
from faceblur_service.codec.av1 import largest_frame
from faceblur_service.errors import BrokenPicture, PictureTooLarge, RequestError
from faceblur_service.geometry import Box
from faceblur_service.pipeline import Pipeline


@pytest.mark.parametrize("kind", READ)
def test_hundreds_of_broken_pictures_end_well(kind: str) -> None:
    counts = fuzz.run(kind, start=0, count=300)

    assert "clean" in counts
    assert "broken-picture" in counts


@pytest.mark.parametrize("kind", READ)
def test_a_file_cut_anywhere_is_an_error_or_a_clean_picture(kind: str) -> None:
    data = saved(image(arrow()), kind)
    pipeline = Pipeline(FakeDetector([Box(4, 4, 30, 30)]))

    for end in range(1, len(data), max(1, len(data) // 40)):
        try:
            result = pipeline.run(data[:end])
        except RequestError:
            continue
        assert result.faces
        assert result.data != data[:end]


@pytest.mark.parametrize("ending", [b"<html><script>", b"PK\x03\x04", b"%PDF-1.7"])
@pytest.mark.parametrize("kind", READ)
def test_a_second_file_behind_the_first_does_not_leave(kind: str, ending: bytes) -> None:
    result = Pipeline(FakeDetector()).run(saved(image(arrow()), kind) + ending * 50)

    assert ending not in result.data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF"])
@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1), (1, 1)])
def test_a_thin_picture_goes_through(kind: str, size: tuple[int, int]) -> None:
    data = saved(Image.new("RGB", size, (9, 200, 9)), kind)

    result = Pipeline(FakeDetector()).run(data)

    with Image.open(io.BytesIO(result.data)) as found:
        assert found.size == size


def test_a_picture_of_a_hundred_thousand_by_one_goes_through() -> None:
    result = Pipeline(FakeDetector()).run(saved(Image.new("RGB", (100_000, 1)), "PNG"))

    with Image.open(io.BytesIO(result.data)) as found:
        assert found.size == (100_000, 1)


@pytest.mark.parametrize("kind", READ)
def test_the_name_and_the_type_are_not_believed(kind: str) -> None:
    found = Pipeline(FakeDetector()).run(saved(image(arrow()), kind)).format

    assert found is Format[kind].written


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png(width: int, height: int, pixels: bytes, before: bytes = b"") -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = _chunk(b"IDAT", zlib.compress(pixels, 9))
    return b"\x89PNG\r\n\x1a\n" + head + before + body + _chunk(b"IEND", b"")


def test_a_png_that_inflates_to_more_than_its_size_is_cut_there() -> None:
    bomb = _png(10, 10, bytes(100_000_000))

    result = Pipeline(FakeDetector()).run(bomb)

    assert len(result.data) < 1000


@pytest.mark.parametrize("name", [b"iCCP", b"zTXt"])
def test_a_png_block_that_inflates_without_end_is_not_followed(name: bytes) -> None:
    block = _chunk(name, b"x\0\0" + zlib.compress(bytes(200_000_000), 9))
    rows = b"".join(b"\0" + bytes(30) for _ in range(10))

    result = Pipeline(FakeDetector()).run(_png(10, 10, rows, block))

    assert len(result.data) < 1000


def test_a_png_block_longer_than_the_file_is_not_allocated() -> None:
    data = bytearray(saved(image(arrow()), "PNG"))
    at = data.index(b"IDAT")
    data[at - 4 : at] = struct.pack(">I", 0x10000000)

    with pytest.raises(BrokenPicture, match="cut off"):
        Pipeline(FakeDetector()).run(bytes(data))


def test_a_tiff_that_points_outside_itself_is_an_error() -> None:
    data = bytearray(saved(image(arrow()), "TIFF", compression="raw"))
    at = data.index(struct.pack("<HHI", 273, 4, 1))
    data[at + 8 : at + 12] = struct.pack("<I", 0xFFFFFFF0)

    with pytest.raises(BrokenPicture):
        Pipeline(FakeDetector()).run(bytes(data))


def test_a_tiff_of_enormous_tables_is_an_error() -> None:
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", 900)
    data += b"".join(struct.pack("<HHII", 300 + n, 1, 0x7FFFFFFF, 8) for n in range(900))
    data += struct.pack("<I", 0) + bytes(1000)

    with pytest.raises((BrokenPicture, PictureTooLarge)):
        Pipeline(FakeDetector()).run(data)


def test_a_webp_whose_picture_is_larger_than_its_canvas_is_an_error() -> None:
    large = saved(Image.fromarray(np.full((400, 400, 3), 9, np.uint8)), "WEBP")
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\x0f\0\0\x0f\0\0"
    body = b"WEBP" + canvas + large[12:]

    with pytest.raises(BrokenPicture):
        Pipeline(FakeDetector()).run(b"RIFF" + struct.pack("<I", len(body)) + body)


def test_a_webp_that_names_its_canvas_behind_its_pixels_is_an_error() -> None:
    # The decoder takes such a file for the simple kind, and ends at the pixels.
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\x4f\0\0\x3f\0\0"
    data = saved(image(arrow()), "WEBP") + canvas
    assert (read_header(data).width, read_header(data).height) == (80, 64)

    with pytest.raises(BrokenPicture, match="another size"):
        Pipeline(FakeDetector()).run(data)


@pytest.mark.parametrize("frames", [1, 3])
def test_an_avif_whose_picture_is_larger_than_it_says_is_an_error(frames: int) -> None:
    shown = [Image.new("RGB", (640, 480), (90 * n, 9, 9)) for n in range(frames)]
    data = bytearray(animation(shown, "AVIF", [50] * frames))
    assert largest_frame(bytes(data)).pixels == 640 * 480
    at = data.find(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", 64, 48)
    track = data.find(b"tkhd")
    if track >= 0:
        data[track + 92 : track + 100] = struct.pack(">II", 64 << 16, 48 << 16)

    with pytest.raises(BrokenPicture):
        Pipeline(FakeDetector()).run(bytes(data))


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(
            _box(b"stco", struct.pack(">II", 0, 90_000) + struct.pack(">I", 40) * 90_000),
            id="of ninety thousand chunks",
        ),
        pytest.param(
            _box(b"iloc", struct.pack(">IBBH", 0, 0, 0, 65_535) + b"\0\1\0\0\xff\xff" * 65_535),
            id="of items that are the whole file again and again",
        ),
        pytest.param(_box(b"stco", struct.pack(">4I", 0, 2, 40, 41)) * 9_000, id="of many tables"),
    ],
)
def test_an_avif_of_endless_parts_is_refused_before_all_are_walked(box: bytes) -> None:
    # Each part reaches to the end: walking them all takes minutes, which the time limit notices.
    data = saved(image(arrow()), "AVIF")
    if b"iloc" in box:
        data = data.replace(b"iloc", b"free")
    data += box

    with pytest.raises((BrokenPicture, PictureTooLarge)):
        read_header(data + bytes(19_000_000 - len(data)))


def test_an_avif_of_more_tables_of_parts_than_tracks_is_an_error() -> None:
    table = _box(b"iloc", bytes(16))

    assert largest_frame(table * 3).pixels == 0
    with pytest.raises(BrokenPicture, match="too often"):
        largest_frame(table * 4)
