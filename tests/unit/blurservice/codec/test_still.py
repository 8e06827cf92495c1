"""Still pictures: pixels in, the same pixels out, upright."""

import io
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from tests.support.samples import ORIENTED, STILL, TURNED, arrow, image, oriented, saved

from faceblur_service.codec import Format, Frame, Header, decode, encode, frames, read_header
from faceblur_service.errors import BrokenPicture, EncodingFailed, UnsupportedPicture

Pixels = npt.NDArray[np.uint8]


def _decoded(data: bytes) -> Frame:
    return decode(data, read_header(data))


def _through(data: bytes) -> Frame:
    header = read_header(data)
    return _decoded(encode(frames(data, header), header))


def _smooth() -> Pixels:
    return np.asarray(cv2.GaussianBlur(arrow(), (21, 21), 0), np.uint8)


def _ramp() -> Pixels:
    return np.tile(np.arange(80, dtype=np.uint8) * 3, (48, 1))


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ORIENTED)
def test_every_orientation_is_turned_upright(kind: str, orientation: int) -> None:
    found = _decoded(oriented(image(arrow()), kind, orientation)).picture

    wanted = TURNED[orientation](arrow())
    assert found.shape == wanted.shape
    # JPEG and AVIF smear colours at the borders between the four fields.
    assert np.mean(np.abs(found.astype(int) - wanted) > 40) < 0.1


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_transparency_turns_with_the_colours(kind: str, orientation: int) -> None:
    alpha = np.asarray(arrow()[:, :, 2] // 2 + 90, np.uint8)

    found = _decoded(oriented(image(arrow(), alpha), kind, orientation)).alpha

    assert found is not None
    assert np.abs(found.astype(int) - TURNED[orientation](alpha)).max() <= 3


@pytest.mark.parametrize("kind", STILL)
def test_a_picture_survives_the_way_through(kind: str) -> None:
    found = _through(saved(image(_smooth()), kind))

    lossy = {"JPEG": 6, "WEBP": 0, "AVIF": 12, "GIF": 16}
    off = np.abs(found.picture.astype(int) - _smooth())
    assert (found.picture.shape, found.alpha) == ((48, 80, 3), None)
    assert off.mean() <= lossy.get(kind, 0)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_transparency_survives_the_way_through(kind: str) -> None:
    found = _through(saved(image(_smooth(), _ramp()), kind)).alpha

    assert found is not None
    assert np.abs(found.astype(int) - _ramp()).max() <= (9 if kind == "AVIF" else 0)


def test_a_gifs_transparency_is_all_or_nothing() -> None:
    clear = np.where(_ramp() < 120, 0, 255).astype(np.uint8)

    found = _through(saved(image(_smooth(), clear), "GIF")).alpha

    assert found is not None
    assert np.array_equal(found, clear)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_colours_nobody_can_see_do_not_leave(kind: str) -> None:
    clear = np.where(_ramp() < 120, 0, 255).astype(np.uint8)
    options = {"exact": True} if kind == "WEBP" else {}
    colours = _smooth() | np.uint8(8)

    found = _through(saved(image(colours, clear), kind, **options))

    assert not found.picture[clear == 0].any()
    assert np.array_equal(found.picture[clear > 0], colours[clear > 0])


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_sixteen_bits_become_eight(kind: str, channels: int) -> None:
    deep = np.full((40, 60, channels), 0x8000, np.uint16)
    data = bytes(cv2.imencode(f".{kind}", deep)[1])

    found = _decoded(data)

    assert (found.picture.dtype, found.picture.shape) == (np.dtype(np.uint8), (40, 60, 3))
    assert set(np.unique(found.picture)) <= {127, 128}
    assert (found.alpha is None) == (channels < 4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_stays_grey(kind: str, mode: str) -> None:
    data = saved(image(_smooth()).convert(mode), kind) if (kind, mode) != ("JPEG", "1") else b""
    if not data:
        return  # JPEG has no such pixels

    header = read_header(data)
    out = encode(frames(data, header), header)

    with Image.open(io.BytesIO(out)) as found:
        assert found.mode == "L"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_grey_picture_with_something_coloured_on_it_gets_colours(kind: str) -> None:
    header = read_header(saved(image(_smooth()).convert("L"), kind))

    out = encode([Frame(arrow())], header)

    with Image.open(io.BytesIO(out)) as found:
        assert found.mode == "RGB"


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(kind: str) -> None:
    data = saved(image(_smooth()).convert("CMYK"), kind)

    found = _through(data).picture

    assert np.abs(found.astype(int) - _smooth()).mean() < 6


def test_a_palette_becomes_colours() -> None:
    data = saved(image(arrow()).quantize(4), "PNG")

    assert np.array_equal(_through(data).picture, arrow())


def test_the_colour_that_stands_for_clear_is_clear() -> None:
    data = saved(image(arrow()), "PNG", transparency=(255, 0, 0))

    found = _through(data).alpha

    assert found is not None
    assert np.array_equal(found == 0, arrow()[:, :, 2] == 255)


def test_a_lab_picture_becomes_srgb() -> None:
    grey = Image.merge("LAB", [Image.new("L", (40, 30), v) for v in (128, 128, 128)])

    found = _decoded(saved(grey, "TIFF")).picture

    assert np.ptp(found.astype(int)) <= 8
    assert 110 < found.mean() < 130


def test_numbers_without_a_scale_are_refused() -> None:
    data = saved(Image.fromarray(np.ones((30, 40), np.float32)), "TIFF")

    with pytest.raises(UnsupportedPicture, match="32 bits"):
        _decoded(data)


def test_each_page_of_a_tiff_is_a_frame_of_its_own_size() -> None:
    pages = [image(arrow()), image(arrow()).resize((40, 60)).convert("L")]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    header = read_header(data)

    out = encode(frames(data, header), header)

    header = read_header(out)
    assert (header.frames, header.animated) == (2, False)
    assert [f.picture.shape for f in frames(out, header)] == [(48, 80, 3), (60, 40, 3)]


def test_a_large_picture_is_written_in_strips() -> None:
    large = np.random.default_rng(1).integers(0, 256, (1100, 1000, 3), np.uint8)

    for kind in ("PNG", "TIFF"):
        assert np.array_equal(_through(saved(image(large), kind)).picture, large)


def test_a_header_that_lies_is_an_error() -> None:
    one, other = (saved(image(arrow()[:h]), "JPEG") for h in (48, 40))

    with pytest.raises(BrokenPicture, match="another header"):
        decode(one, read_header(other))


@pytest.mark.parametrize(("kind", "size"), [(Format.WEBP, (1, 20_000)), (Format.JPEG, (1, 70_000))])
def test_what_cannot_be_written_is_an_error(kind: Format, size: tuple[int, int]) -> None:
    with pytest.raises(EncodingFailed, match=kind.name):
        encode([Frame(np.zeros((*size, 3), np.uint8))], Header(kind, size[1], size[0]))


def test_what_fails_while_frames_are_made_is_told_as_it_is() -> None:
    data = saved(image(arrow()), "PNG")[:90]

    with pytest.raises(BrokenPicture):
        encode(frames(data, read_header(data)), read_header(data))


def test_what_nobody_thought_of_is_told_as_it_is_too() -> None:
    def broken() -> Iterator[Frame]:
        yield Frame(arrow())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        encode(broken(), Header(Format.TIFF, 80, 48, frames=2))
