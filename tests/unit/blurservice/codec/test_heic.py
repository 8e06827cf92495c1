"""HEIC in, JPEG out: the primary picture as a phone shows it, and nothing else of the file."""

import io
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms
from tests.support import heic, hevc
from tests.support.blocks import blocks
from tests.support.detectors import FakeDetector
from tests.support.heic import Item, box, full
from tests.support.profiles import wide_profile
from tests.support.samples import SECRET, TURNED, arrow, image, saved, with_secrets

from faceblur_service.codec import MAX_COST, Format, decode, read_header
from faceblur_service.errors import BrokenPicture, PictureTooLarge, UnsupportedPicture
from faceblur_service.pipeline import Pipeline

Pixels = npt.NDArray[np.uint8]
COMPRESSED = Path(__file__).resolve().parents[3] / "data" / "heic"


def _smooth(height: int = 96, width: int = 160) -> Pixels:
    down, along = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.dstack(
        (60 + 130 * down / height, 190 - 100 * along / width, 60 + 120 * along / width)
    ).astype(np.uint8)


def _decoded(data: bytes) -> Pixels:
    return decode(data, read_header(data)).picture


def _difference(data: bytes, wanted: Pixels) -> int:
    found = _decoded(data)
    assert found.shape == wanted.shape
    return int(np.abs(found.astype(int) - wanted).max())


def test_a_heic_comes_back_as_a_jpeg_of_its_size() -> None:
    result = Pipeline(FakeDetector()).run(saved(image(_smooth()), "HEIC"))

    assert result.format is Format.JPEG
    with Image.open(io.BytesIO(result.data)) as found:
        assert (found.format, found.size) == ("JPEG", (160, 96))
        pixels = np.asarray(found)[:, :, ::-1].astype(int)
    assert np.abs(pixels - _smooth()).max() <= 8


@pytest.mark.parametrize("orientation", TURNED)
def test_it_is_turned_as_its_container_says(orientation: int) -> None:
    data = saved(image(arrow()), "HEIC", orientation=orientation)

    assert _difference(data, TURNED[orientation](arrow())) <= 2


def test_an_orientation_in_exif_does_not_turn_it_once_more() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(image(arrow()), "HEIC", orientation=6, exif=exif.tobytes())

    assert _difference(data, TURNED[6](arrow())) <= 2


@pytest.mark.parametrize(
    "options",
    [{"depth": 10}, {"depth": 12}, {"chroma": 3}, {"depth": 10, "chroma": 3}, {"tile": 64}],
    ids=str,
)
def test_every_kind_of_coding_gives_the_same_eight_bits(options: dict[str, int]) -> None:
    assert _difference(saved(image(_smooth()), "HEIC", **options), _smooth()) <= 3


def test_odd_sizes_and_grey_are_kept() -> None:
    odd = _smooth(95, 131)
    grey = saved(image(_smooth()).convert("L"), "HEIC")

    assert _difference(saved(image(odd), "HEIC"), odd) <= 2
    with Image.open(io.BytesIO(Pipeline(FakeDetector()).run(grey).data)) as found:
        assert (found.mode, found.size) == ("L", (160, 96))


@pytest.mark.parametrize("depth", [10, 12])
def test_grey_of_more_than_eight_bits_is_read(depth: int) -> None:
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(4, 0).repeat(4, 1))
    data = heic.picture(grey, chroma=0, depth=depth)

    header = read_header(data)
    shown = decode(data, header).picture

    assert header.grey
    assert np.abs(shown[:, :, 0].astype(int) - np.asarray(grey)).max() <= 1
    assert (shown[:, :, :1] == shown).all()


def test_tiles_are_put_together_and_turned_as_one() -> None:
    picture = _smooth(700, 1300)

    data = saved(image(picture), "HEIC", orientation=6)

    assert b"grid" in data
    assert _difference(data, TURNED[6](picture)) <= 3


def test_a_photo_laid_out_as_a_phone_does_is_read() -> None:
    """Tiles, a smaller picture, a map of brightness in tiles of its own, depth, place and date."""
    picture = _smooth(384, 512)
    items = heic.items_of(image(picture), orientation=6, tile=128, exif=SECRET)
    count = len(items)
    gain = heic.items_of(image(picture).convert("L"), tile=128)
    for item in gain:
        item.links = {name: [n + count for n in to] for name, to in item.links.items()}
    gain[0].properties.append(full("auxC", b"urn:com:apple:photo:2020:aux:hdrgainmap\0"))
    gain[0].links["auxl"] = [1]
    small = heic.coded_item(Image.new("RGB", (128, 96), "white"))
    small.links["thmb"] = [1]

    data = heic.file([*items, *gain, small])

    assert b"idat" in data
    assert SECRET in data
    assert _difference(data, TURNED[6](picture)) <= 3


def test_what_is_transparent_becomes_white_and_what_was_under_it_does_not_leave() -> None:
    alpha = np.zeros((96, 160), np.uint8)
    alpha[:, 64:], alpha[:, 128:] = 128, 255
    found = _decoded(saved(image(_smooth(), alpha), "HEIC"))

    half = (_smooth()[:, 64:128].astype(int) * 128 + 255 * 127) / 255
    assert (found[:, :64] == 255).all()
    assert np.abs(found[:, 64:128] - half).max() <= 3
    assert np.abs(found[:, 128:].astype(int) - _smooth()[:, 128:]).max() <= 3


def test_the_coded_files_of_a_real_encoder_are_read() -> None:
    for path in sorted(COMPRESSED.glob("*.heic")):
        header = read_header(path.read_bytes())
        found = _decoded(path.read_bytes())

        assert found.shape == (header.height, header.width, 3)
        assert found.std() > 10, path.name


def _lab(bgr: Pixels) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(bgr.astype(np.float32) / 255, cv2.COLOR_BGR2Lab))


def _seen(bgr: Pixels, profile: bytes) -> npt.NDArray[np.float32]:
    turned = ImageCms.profileToProfile(
        image(bgr), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )  # fmt: skip
    return _lab(np.asarray(turned)[:, :, ::-1])


def test_a_profile_turns_the_colours_into_srgb() -> None:
    found = _lab(_decoded(saved(image(_smooth()), "HEIC", icc_profile=wide_profile())))

    assert np.linalg.norm(found - _seen(_smooth(), wide_profile()), axis=2).mean() < 1.5
    assert np.linalg.norm(found - _lab(_smooth()), axis=2).mean() > 4


def _named(primaries: int, transfer: int, picture: Pixels) -> bytes:
    item = heic.coded_item(image(picture))
    item.properties.append(heic.colours(primaries, transfer))
    return heic.file([item])


def test_colours_that_are_named_by_numbers_are_turned_too() -> None:
    ordinary = _lab(_decoded(_named(1, 1, _smooth())))
    wide = _lab(_decoded(_named(12, 13, _smooth())))

    assert np.abs(ordinary - _lab(_smooth())).max() < 3
    # The profile has a gamma of 2.2 where sRGB has its own curve: nearly the same.
    assert np.linalg.norm(wide - _seen(_smooth(), wide_profile()), axis=2).mean() < 2.5


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_a_high_dynamic_range_is_pressed_into_an_ordinary_one(transfer: int) -> None:
    steps = np.repeat(np.linspace(0, 255, 16).astype(np.uint8), 10)
    grey = np.dstack([np.tile(steps, (96, 1))] * 3)

    found = _decoded(_named(9, transfer, grey))[48, 5::10].astype(int)

    assert np.abs(np.ptp(found, axis=1)).max() <= 4
    brightness = found[:, 1]
    assert (np.diff(brightness) >= 0).all()
    assert (brightness[0], brightness[-1] >= 250) == (0, True)
    # White paper is near, but not at, the top: what is brighter stays apart from it.
    paper = {16: 0.58, 18: 0.75}[transfer] * 15
    assert 210 < brightness[round(paper)] < 252


def test_nothing_but_pixels_leaves() -> None:
    data = with_secrets(image(_smooth()), "HEIC")
    assert data.count(SECRET) >= 5

    result = Pipeline(FakeDetector()).run(data)

    assert SECRET not in result.data
    assert blocks(result.data, "JPEG") <= {"E0", "DB", "C0", "C4"}
    with Image.open(io.BytesIO(result.data)) as found:
        assert dict(found.getexif()) == {}
        assert not {"icc_profile", "xmp", "exif", "comment"} & set(found.info)


def test_thumbnails_depth_and_further_pictures_are_left_out() -> None:
    first = heic.coded_item(image(arrow()))
    more = [heic.coded_item(Image.new("RGB", (64, 64), "white")) for _ in range(3)]
    more[0].links["thmb"] = [1]
    more[1].links["auxl"] = [1]
    more[1].properties.append(full("auxC", b"urn:mpeg:hevc:2015:auxid:2\0"))
    film = box("moov", full("mvhd", bytes(96)))

    data = heic.file([first, *more], more=film)

    assert _difference(data, arrow()) <= 2
    assert _difference(heic.file([*more, first], primary=4), arrow()) <= 2


def _large() -> bytes:
    return (COMPRESSED / "large.heic").read_bytes()


def _with_size(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


def _of_tiles(width: int, height: int, *, rows: int = 2, columns: int = 2, side: int = 64) -> bytes:
    data = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    tiles = list(range(2, 2 + rows * columns))
    items = [Item("grid", data, [heic.size_property(width, height)], {"dimg": tiles})]
    tile = heic.coded_item(Image.new("RGB", (side, side), "red"))
    return heic.file(items + [tile] * len(tiles))


def _twice_in_one() -> bytes:
    item = heic.coded_item(image(arrow()))
    item.data *= 2
    return heic.file([item])


def _of_many(kind: int, count: int) -> bytes:
    item = heic.coded_item(image(arrow()))
    unit = bytes((kind << 1, 1)) + bytes(8)
    item.data += (len(unit).to_bytes(4, "big") + unit) * count
    return heic.file([item])


def _of_kind(kind: str) -> bytes:
    item = heic.coded_item(image(arrow()))
    return heic.file([Item(kind, item.data, item.properties)])


def _larger_inside() -> bytes:
    item = heic.coded_item(image(arrow()))
    large = hevc.parameter_sets(8192, 8192)[1][1]
    item.data = len(large).to_bytes(4, "big") + large + item.data
    return heic.file([item])


def _twice(name: bytes) -> bytes:
    data = bytearray(saved(image(arrow()), "HEIC"))
    start, end = 24, 24 + int.from_bytes(data[24:28], "big")
    assert data[28:32] == b"meta"
    at = data.index(name, start) - 4
    size = int.from_bytes(data[at : at + 4], "big")
    data[end:end] = data[at : at + size]
    data[start : start + 4] = (end - start + size).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "want"),
    [
        pytest.param(
            lambda: _with_size(_large(), 64, 64), BrokenPicture, id="a large one called small"
        ),
        pytest.param(_larger_inside, BrokenPicture, id="a larger size among the pixels"),
        pytest.param(lambda: _of_tiles(6000, 6000), BrokenPicture, id="tiles that do not reach"),
        pytest.param(lambda: _of_tiles(64, 64), BrokenPicture, id="tiles that nobody sees"),
        pytest.param(
            lambda: _of_tiles(9000, 9000, rows=18, columns=18), BrokenPicture, id="small tiles"
        ),
        pytest.param(
            lambda: _of_tiles(60, 60, side=32), UnsupportedPicture, id="tiny tiles"
        ),
        pytest.param(_twice_in_one, BrokenPicture, id="two pictures in one"),
        pytest.param(lambda: _of_many(1, 700), BrokenPicture, id="seven hundred slices"),
        pytest.param(lambda: _of_many(34, 60), BrokenPicture, id="sixty headers"),
        pytest.param(lambda: _of_many(39, 120_000), BrokenPicture, id="a hundred thousand notes"),
        pytest.param(lambda: _of_kind("av01"), UnsupportedPicture, id="coded as AV1"),
        pytest.param(lambda: _of_kind("iovl"), UnsupportedPicture, id="laid over each other"),
        pytest.param(lambda: _of_kind("iden"), UnsupportedPicture, id="another one's copy"),
        pytest.param(lambda: _twice(b"pitm"), BrokenPicture, id="two primary pictures"),
        pytest.param(lambda: _twice(b"iloc"), BrokenPicture, id="two places"),
        pytest.param(
            lambda: box("ftyp", b"hevc", bytes(4)) + box("moov", bytes(64)),
            UnsupportedPicture,
            id="a film alone",
        ),
    ],
)  # fmt: skip
def test_what_lies_or_harms_is_refused_before_a_decoder_sees_it(
    make: Callable[[], bytes], want: type[Exception]
) -> None:
    with pytest.raises(want):
        read_header(make())


def _with(name: str, body: bytes) -> bytes:
    """Return a small HEIC whose box of that name has another body."""
    data = saved(image(arrow()), "HEIC", exif=SECRET)
    at = data.index(name.encode()) - 4
    size = int.from_bytes(data[at : at + 4], "big")
    grown = len(body) + 8 - size
    out = bytearray(data[:at] + box(name, body) + data[at + size :])
    for holder in (b"meta", b"iprp"):
        start = out.index(holder) - 4
        end = start + int.from_bytes(out[start : start + 4], "big")
        if start < at < end:
            out[start : start + 4] = (end - start + grown).to_bytes(4, "big")
    return bytes(out)


_MANY = 3_000_000


@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param(
            "iloc", struct.pack(">IHI", 2 << 24, 0, _MANY) + bytes(8 * _MANY // 2), id="iloc"
        ),
        pytest.param(
            "iinf", struct.pack(">IH", 0, 0xFFFF) + box("infe", b"\2") * 1_000_000, id="iinf"
        ),
        pytest.param("ipma", struct.pack(">II", 0, _MANY) + b"\0\1\1\1" * _MANY, id="ipma"),
        pytest.param("ipco", box("free") * 1_000_000, id="ipco"),
        pytest.param(
            "iref", bytes(4) + box("dimg", b"\0\1\xff\xff" + bytes(131_070)) * 90, id="iref"
        ),
    ],
)
def test_endless_tables_are_refused_before_all_of_them_is_read(name: str, body: bytes) -> None:
    # Reading all of each takes seconds, and hundreds of megabytes; a counter says it does not.
    taken = 0
    tracemalloc.start()
    with pytest.raises((BrokenPicture, UnsupportedPicture)):
        read_header(_with(name, body))
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert taken < 110_000_000


def test_the_largest_that_is_allowed_fits_and_more_is_refused() -> None:
    assert 24_000_000 < read_header(_large()).pixels <= 25_000_000
    assert read_header(_large()).cost < MAX_COST
    item = Item("grid", struct.pack(">BBBBHH", 0, 0, 0, 0, 6000, 6000))
    item.properties, item.links = [heic.size_property(6000, 6000)], {"dimg": [2]}
    tile = Item("hvc1", heic.coded_item(image(arrow())).data)
    tile.properties = [heic.decoder_property(6000, 6000), heic.size_property(6000, 6000)]

    with pytest.raises(PictureTooLarge, match=r"36\.0 megapixels; 25 are allowed"):
        read_header(heic.file([item, tile]))


def test_cutting_a_picture_does_not_make_it_cheaper_to_decode() -> None:
    item = heic.coded_item(image(_smooth()))
    frame = struct.pack(">8I", 96, 1, 64, 1, 0, 1, 0, 1)
    item.properties += [heic.colours(), box("clap", frame)]
    data = heic.file([item])
    whole = read_header(heic.file([heic.coded_item(image(_smooth()))]))

    found = read_header(data)

    assert (found.width, found.height) == (96, 64)
    assert found.decoder_bytes >= whole.decoder_bytes
    assert _difference(data, _smooth()[16:80, 32:128]) <= 3
