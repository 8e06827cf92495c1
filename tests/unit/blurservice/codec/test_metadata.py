"""Nothing but pixels leaves."""

import io

import pytest
from PIL import Image
from tests.support.blocks import blocks
from tests.support.samples import ANIMATED, SECRET, STILL, arrow, image, with_secrets

from faceblur_service.codec import encode, frames, read_header

_TIFF_TAGS = {"256", "257", "258", "259", "262", "273", "277", "278", "279", "284", "317"}
_PIXELS_ONLY = {
    "JPEG": {"E0", "DB", "C0", "C4"},
    "PNG": {"IHDR", "IDAT", "IEND"},
    "WEBP": {"VP8 ", "VP8L"},
    "AVIF": {
        *("ftyp", "meta", "hdlr", "pitm", "iloc", "iinf", "infe av01", "iprp", "ipco", "ipma"),
        *("ispe", "pixi", "av1C", "colr", "mdat"),
    },
    "TIFF": _TIFF_TAGS,
    "GIF": {"image"},
}
_SHOWN_IN_TURN = {
    "PNG": {"acTL", "fcTL", "fdAT"},
    "WEBP": {"VP8X", "ANIM", "ANMF"},
    "GIF": {"NETSCAPE2.0", "F9"},
    "AVIF": {
        *("moov", "mvhd", "trak", "tkhd", "mdia", "mdhd", "hdlr", "minf", "vmhd", "dinf", "dref"),
        *("stbl", "stsd", "stts", "stsc", "stsz", "stco", "stss", "edts"),
    },
}


def _through(data: bytes) -> bytes:
    header = read_header(data)
    return encode(frames(data, header), header)


@pytest.mark.parametrize("kind", STILL)
def test_no_metadata_leaves(kind: str) -> None:
    data = with_secrets(image(arrow()), kind)
    assert data.count(SECRET) >= 2

    out = _through(data)

    assert SECRET not in out
    assert b"Exif" not in out
    assert blocks(out, kind) <= _PIXELS_ONLY[kind]
    with Image.open(io.BytesIO(out)) as result:
        result.load()
        assert dict(result.getexif()) == {} or kind == "TIFF"
        assert not {"icc_profile", "xmp", "exif", "comment", "photoshop"} & set(result.info)


@pytest.mark.parametrize("kind", ANIMATED)
def test_no_metadata_leaves_with_an_animation(kind: str) -> None:
    data = with_secrets(image(arrow()), kind, image(arrow()[::-1].copy()))
    assert data.count(SECRET) >= 2
    assert read_header(data).frames == 2

    out = _through(data)

    assert read_header(out).frames == 2
    assert SECRET not in out
    assert b"Exif" not in out
    assert blocks(out, kind) <= _PIXELS_ONLY[kind] | _SHOWN_IN_TURN[kind]


@pytest.mark.parametrize("kind", STILL)
def test_the_walkers_see_what_must_not_leave(kind: str) -> None:
    data = with_secrets(image(arrow()), kind)

    assert not blocks(data, kind) <= _PIXELS_ONLY[kind]


def test_the_thumbnail_page_of_a_tiff_does_not_leave() -> None:
    out = io.BytesIO()
    small = image(arrow()).resize((20, 12))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    image(arrow()).save(out, "TIFF", save_all=True, append_images=[small])

    result = _through(out.getvalue())

    with Image.open(io.BytesIO(result)) as found:
        assert (found.size, getattr(found, "n_frames", 1)) == ((80, 48), 1)
