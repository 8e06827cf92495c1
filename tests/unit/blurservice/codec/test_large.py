"""Large pictures take another way through the codecs, and arrive at the same pixels."""

import io

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, TiffImagePlugin

from faceblur_service.codec import (
    MAX_COST,
    MAX_PIXELS,
    Format,
    Frame,
    Header,
    decode,
    frames,
    read_header,
)
from faceblur_service.codec.avif_reader import read_large
from faceblur_service.codec.huffman import MOST_BITS, codes_of, lengths_of
from faceblur_service.codec.webp_writer import encode_clear, encode_lossless, spread_inplace
from faceblur_service.errors import BrokenPicture, PictureTooLarge

Pixels = npt.NDArray[np.uint8]


def _blotches(height: int, width: int) -> Pixels:
    """BGRA: smooth and noisy parts, flat ones, and every degree of transparency."""
    rough = np.random.default_rng(3).integers(0, 256, (height // 20 + 2, width // 20 + 2, 4))
    picture = cv2.resize(rough.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    picture[: height // 3, : width // 3] = (9, 70, 200, 0)
    picture[height // 2 :, :, 3] = 255
    return np.asarray(picture, np.uint8)


def _saved(picture: Pixels, kind: str, **options: object) -> bytes:
    rgba = np.ascontiguousarray(picture[:, :, [2, 1, 0, 3][: picture.shape[2]]])
    out = io.BytesIO()
    Image.fromarray(rgba).save(out, kind, **options)
    return out.getvalue()


def _shown(data: bytes) -> Pixels:
    """BGRA, by another reader."""
    rgba = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    return rgba[:, :, [2, 1, 0, 3]]


@pytest.mark.parametrize("sampling", ["4:2:0", "4:2:2", "4:4:4", "4:0:0"])
@pytest.mark.parametrize("channels", [3, 4], ids=["opaque", "transparent"])
def test_avif_is_decoded_to_the_same_pixels(sampling: str, channels: int) -> None:
    # Several strips, odd sides.
    picture = _blotches(1301, 1711)[:, :, :channels]
    data = _saved(picture, "AVIF", subsampling=sampling, speed=10)
    header = read_header(data)

    colours, alpha = read_large(data, header)

    usual = decode(data, header)
    if usual.alpha is not None:
        assert alpha is not None
        assert (alpha == usual.alpha).all()
        colours[alpha == 0] = 0
    assert (colours == usual.picture).all()


def test_a_broken_avif_is_refused() -> None:
    data = _saved(_blotches(300, 400), "AVIF", speed=10)
    header = read_header(data)

    with pytest.raises(BrokenPicture):
        read_large(data[:-200], header)
    with pytest.raises(BrokenPicture):
        read_large(data, Header(Format.AVIF, 400, 299, alpha=True))


@pytest.mark.parametrize(
    "size",
    [
        pytest.param((1, 1), id="one pixel"),
        pytest.param((9, 1), id="one column"),
        pytest.param((1, 7), id="one row"),
        pytest.param((40, 33), id="small"),
        pytest.param((5, 16383), id="as wide as can be"),
        pytest.param((1200, 1700), id="several strips"),
    ],
)
@pytest.mark.parametrize("content", ["blotches", "noise", "flat", "grey"])
def test_lossless_webp_keeps_every_pixel(size: tuple[int, int], content: str) -> None:
    picture = {
        "blotches": _blotches(*size),
        "noise": np.random.default_rng(1).integers(0, 256, (*size, 4)).astype(np.uint8),
        "flat": np.full((*size, 4), 77, np.uint8),
        "grey": np.repeat(_blotches(*size)[:, :, :1], 4, axis=2),
    }[content]
    opaque, clear = picture.copy(), picture.copy()
    opaque[:, :, 3] = 255

    for wanted, alpha in ((opaque, None), (clear, clear[:, :, 3])):
        data = encode_lossless(Frame(wanted[:, :, :3], alpha))

        header = read_header(data)
        assert (header.lossless, header.alpha) == (True, alpha is not None)
        assert (_shown(data) == wanted).all()


@pytest.mark.parametrize("size", [(1, 1), (40, 33), (1200, 1700)])
def test_lossy_webp_keeps_its_transparency(size: tuple[int, int]) -> None:
    picture = _blotches(*size)
    colours, alpha = np.ascontiguousarray(picture[:, :, :3]), picture[:, :, 3].copy()
    data = cv2.imencode(".webp", colours, [cv2.IMWRITE_WEBP_QUALITY, 90])[1].tobytes()

    clear = encode_clear(data, alpha)

    header = read_header(clear)
    assert (header.width, header.height, header.alpha, header.lossless) == (
        *size[::-1],
        True,
        False,
    )
    assert (_shown(clear)[:, :, 3] == alpha).all()
    # OpenCV reads both ways of the format, too.
    other = cv2.imdecode(np.frombuffer(clear, np.uint8), cv2.IMREAD_UNCHANGED)
    assert other is not None
    assert (other[:, :, 3] == alpha).all()
    without = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert without is not None
    assert (other[:, :, :3][alpha > 0] == without[alpha > 0]).all()


def test_what_nobody_sees_looks_like_what_is_near_and_nothing_seen_changes() -> None:
    picture = np.full((60, 60, 3), (10, 120, 240), np.uint8)
    alpha = np.zeros((60, 60), np.uint8)
    alpha[20:40, 20:40] = 255
    picture[alpha == 0] = 0
    before = picture.copy()

    spread_inplace(picture, alpha)

    assert (picture[alpha > 0] == before[alpha > 0]).all()
    assert picture[15, 30].tolist() == [10, 120, 240]
    assert picture[0, 0].tolist() == [0, 0, 0]


def test_no_huffman_code_is_longer_than_the_format_allows() -> None:
    # The numbers that make the deepest tree.
    counts = [1, 1]
    while len(counts) < 40:
        counts.append(counts[-1] + counts[-2])

    lengths = lengths_of(np.array(counts))

    assert lengths.max() <= MOST_BITS
    assert sum(2.0**-length for length in lengths.tolist()) == 1
    assert len(set(zip(codes_of(lengths).tolist(), lengths.tolist(), strict=True))) == 40


@pytest.mark.parametrize(
    "header",
    [
        Header(Format.JPEG, 5000, 5000),
        Header(Format.PNG, 5000, 5000, alpha=True),
        Header(Format.WEBP, 5000, 5000),
        Header(Format.WEBP, 5000, 5000, alpha=True),
        Header(Format.WEBP, 5000, 5000, lossless=True),
        Header(Format.WEBP, 5000, 5000, lossless=True, alpha=True),
        Header(Format.AVIF, 5000, 5000),
        Header(Format.AVIF, 5000, 5000, alpha=True),
        Header(Format.TIFF, 5000, 5000),
        Header(Format.TIFF, 5000, 5000, alpha=True),
    ],
    ids=lambda header: f"{header.format.name} {header.lossless=} {header.alpha=}",
)
def test_every_format_may_have_25_megapixels(header: Header) -> None:
    assert header.pixels == MAX_PIXELS
    assert header.cost <= MAX_COST


def _tiff_of(width: int, height: int, bits: int, rows: int) -> bytes:
    """Return the header of a TIFF with transparency."""
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 4, 200), (277, 3, 1, 4)]
    tags.append((278, 4, 1, rows))
    body = b"".join(
        tag.to_bytes(2, "little")
        + kind.to_bytes(2, "little")
        + count.to_bytes(4, "little")
        + value.to_bytes(4, "little")
        for tag, kind, count, value in tags
    )
    data = b"II*\0\x08\0\0\0" + len(tags).to_bytes(2, "little") + body + b"\0\0\0\0"
    return data.ljust(200, b"\0") + bits.to_bytes(2, "little") * 4


@pytest.mark.parametrize(
    ("fine", "deep", "alpha", "want"),
    [(True, False, True, 22), (False, True, True, 20), (True, True, False, 22)],
)
def test_what_an_avif_decoder_keeps_as_it_is_lowers_the_limit(
    fine: bool, deep: bool, alpha: bool, want: int
) -> None:
    def cost(side: int) -> int:
        return Header(Format.AVIF, side, 5000, fine=fine, deep=deep, alpha=alpha).cost

    most = max(side for side in range(2000, 5001, 10) if cost(side) <= MAX_COST)

    assert most * 5000 // 1_000_000 == want


def test_a_tiff_of_one_deep_strip_is_dearer() -> None:
    assert read_header(_tiff_of(5000, 5000, 16, 100)).cost <= MAX_COST
    assert read_header(_tiff_of(5000, 5000, 8, 5000)).cost <= MAX_COST

    with pytest.raises(PictureTooLarge):
        read_header(_tiff_of(5000, 5000, 16, 5000))


def test_each_page_of_a_tiff_is_turned_as_it_says() -> None:
    picture = np.zeros((48, 80, 3), np.uint8)
    picture[:24, :40] = (0, 0, 255)
    pages = [Image.fromarray(np.ascontiguousarray(picture[:, :, ::-1])) for _ in range(2)]
    out = io.BytesIO()
    turned = TiffImagePlugin.ImageFileDirectory_v2()
    turned[274] = 6
    pages[1].encoderinfo = {"tiffinfo": turned}
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])

    first, second = frames(out.getvalue(), read_header(out.getvalue()))

    assert (first.picture == picture).all()
    assert (second.picture == np.rot90(picture, -1)).all()
