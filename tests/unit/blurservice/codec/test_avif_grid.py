"""Large AVIF pictures are written cell by cell."""

import io

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from faceblur_service.codec import Format, Frame, Header, avif_writer, decode, encode, read_header
from faceblur_service.codec.bmff import boxes

Pixels = npt.NDArray[np.uint8]


def _smooth(height: int, width: int) -> Pixels:
    y, x = np.indices((height, width))
    planes = (x * 255 // width, y * 255 // height, (x + y) * 255 // (height + width))
    return np.dstack(planes).astype(np.uint8)


def _written(frame: Frame) -> bytes:
    height, width = frame.picture.shape[:2]
    return encode([frame], Header(Format.AVIF, width, height, alpha=frame.alpha is not None))


@pytest.mark.parametrize(
    ("height", "width"),
    [
        pytest.param(1920, 2000, id="whole cells"),
        pytest.param(1100, 2000, id="a last cell that goes beyond the picture"),
        pytest.param(1101, 2001, id="odd sides"),
    ],
)
@pytest.mark.parametrize("clear", [False, True], ids=["opaque", "transparent"])
def test_cells_are_shown_as_one_picture(height: int, width: int, clear: bool) -> None:
    picture = _smooth(height, width)
    alpha = np.ascontiguousarray(picture[:, :, 0]) if clear else None

    data = _written(Frame(picture, alpha))

    header = read_header(data)
    shown = decode(data, header)
    assert (header.width, header.height, header.alpha) == (width, height, clear)
    seen = np.ones((height, width), np.bool_) if alpha is None else alpha > 0
    assert np.abs(shown.picture.astype(int) - picture)[seen].max() <= 12
    if alpha is not None:
        assert shown.alpha is not None
        assert np.abs(shown.alpha.astype(int) - alpha).max() <= 4


@pytest.mark.parametrize("opaque", [0, -1], ids=["above", "below"])
def test_a_cell_may_be_opaque_where_another_is_not(opaque: int) -> None:
    picture = _smooth(1920, 2000)
    alpha = np.full((1920, 2000), 128, np.uint8)
    alpha[:1000] = 255 if opaque == 0 else 128
    alpha[1000:] = 255 if opaque == -1 else 128

    data = _written(Frame(picture, alpha))

    shown = decode(data, read_header(data))
    assert shown.alpha is not None
    assert np.abs(shown.alpha.astype(int) - alpha).mean() < 1


def test_another_reader_shows_it_too() -> None:
    picture = _smooth(1100, 2000)

    other = cv2.imdecode(np.frombuffer(_written(Frame(picture)), np.uint8), cv2.IMREAD_COLOR)

    assert other is not None
    assert np.abs(other.astype(int) - picture).max() <= 12


def test_a_grid_holds_pixels_only() -> None:
    data = _written(Frame(_smooth(1100, 2000)))

    names = {name for name, _, _ in boxes(data, {b"meta": 4, b"iprp": 0, b"ipco": 0})}

    assert names == {
        *(b"ftyp", b"hdlr", b"pitm", b"iloc", b"iinf", b"iref", b"mdat"),
        *(b"ispe", b"pixi", b"colr", b"av1C", b"ipma"),
    }
    with Image.open(io.BytesIO(data)) as image:
        assert not set(image.info) & {"exif", "xmp", "icc_profile"}


@pytest.mark.parametrize(("height", "width"), [(63, 5000), (5000, 63), (64, 64)])
def test_what_cannot_be_divided_is_written_whole(height: int, width: int) -> None:
    frame = Frame(_smooth(height, width))

    assert not avif_writer.fits_a_grid(frame)
    assert read_header(_written(frame)).width == width
