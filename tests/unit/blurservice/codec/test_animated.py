"""Pictures of many frames."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from tests.support.samples import ANIMATED, animation, arrow, image

from faceblur_service.codec import Frame, encode, frames, read_header
from faceblur_service.deadline import Deadline
from faceblur_service.errors import BrokenPicture, PictureTooSlow

Pixels = npt.NDArray[np.uint8]
DURATIONS = [100, 200, 50]


def _shown() -> list[Pixels]:
    return [arrow(), arrow()[::-1].copy(), arrow()[:, ::-1].copy()]


def _frames(data: bytes) -> list[Frame]:
    return list(frames(data, read_header(data)))


@pytest.mark.parametrize("loop", [0, 3])
@pytest.mark.parametrize("kind", ANIMATED)
def test_frames_durations_and_loop_are_kept(kind: str, loop: int) -> None:
    data = animation([image(p) for p in _shown()], kind, DURATIONS, loop)
    header = read_header(data)

    out = encode(frames(data, header), header)

    after = read_header(out)
    found = _frames(out)
    assert (after.frames, after.loop) == (3, loop if kind != "AVIF" else 0)
    assert [round(f.duration_ms) for f in found] == DURATIONS
    assert [f.picture.shape for f in found] == [(48, 80, 3)] * 3
    for frame, wanted in zip(found, _shown(), strict=True):
        assert np.mean(np.abs(frame.picture.astype(int) - wanted) > 40) < 0.1


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_a_frame_may_be_clear_where_the_one_before_is_not(kind: str) -> None:
    holes = [np.full((48, 80), 255, np.uint8) for _ in range(3)]
    holes[0][:4, :4] = 0
    holes[1][10:30, 10:30] = 0
    holes[2][20:40, 40:60] = 0
    shown = [image(p, hole) for p, hole in zip(_shown(), holes, strict=True)]
    extra = {"disposal": 2} if kind == "GIF" else {"disposal": 1} if kind == "PNG" else {}
    out = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else extra
    shown[0].save(
        out, kind, save_all=True, append_images=shown[1:], duration=100, loop=0, **options
    )
    before = [f.alpha for f in _frames(out.getvalue())]
    header = read_header(out.getvalue())

    result = encode(frames(out.getvalue(), header), header)

    after = [f.alpha for f in _frames(result)]
    assert [_clear(a) for a in before] == [16, 400, 400]
    assert [_clear(a) for a in after] == [16, 400, 400]
    assert after[1] is not None
    assert np.array_equal(after[1], holes[1])


def _clear(alpha: Pixels | None) -> int:
    return 0 if alpha is None else int((alpha == 0).sum())


def test_a_gif_that_is_shown_once_stays_so() -> None:
    out = io.BytesIO()
    first, *rest = (image(p) for p in _shown())
    first.save(out, "GIF", save_all=True, append_images=rest, duration=100)
    header = read_header(out.getvalue())

    again = read_header(encode(frames(out.getvalue(), header), header))

    assert (header.loop, again.loop) == (None, None)


def test_the_still_picture_inside_an_animated_png_is_no_frame() -> None:
    out = io.BytesIO()
    first, *rest = (image(p) for p in _shown())
    first.save(out, "PNG", save_all=True, append_images=rest, duration=100, default_image=True)

    header = read_header(out.getvalue())
    found = _frames(out.getvalue())

    assert header.frames == 2
    assert [
        bool(np.array_equal(f.picture, p)) for f, p in zip(found, _shown()[1:], strict=True)
    ] == [True, True]


@pytest.mark.parametrize("kind", ANIMATED)
def test_no_frame_is_begun_after_the_deadline(kind: str) -> None:
    data = animation([image(p) for p in _shown()], kind, DURATIONS)
    ticks = iter([0.0, 1.0, 20.0])

    with pytest.raises(PictureTooSlow, match="longer than 10 s"):
        list(frames(data, read_header(data), Deadline(10, lambda: next(ticks))))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_frame_that_is_cut_off_is_an_error(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 48, 80, 3), np.uint8)
    data = animation([image(p) for p in noise], kind, DURATIONS)
    cut = data[: len(data) * 5 // 6]

    with pytest.raises(BrokenPicture):
        list(frames(cut, read_header(cut)))


def test_a_single_frame_is_written_as_a_still_picture() -> None:
    out = io.BytesIO()
    image(arrow()).save(out, "GIF")

    header = read_header(out.getvalue())
    result = encode(frames(out.getvalue(), header), header)

    with Image.open(io.BytesIO(result)) as found:
        assert getattr(found, "n_frames", 1) == 1
        assert np.array_equal(np.asarray(found.convert("RGB"))[:, :, ::-1], arrow())
