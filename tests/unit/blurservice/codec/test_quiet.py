"""What decoders complain of, on standard error and so in a log, shows nothing of the picture."""

import contextlib
import random
import struct
import zlib

import numpy as np
import pytest
from tests.support.mutants import mutant
from tests.support.samples import READ, SECRET, arrow, image, saved, with_secrets

from faceblur_service.codec import frames, read_header
from faceblur_service.errors import BrokenPicture, RequestError

# Of the secret, as much as nobody would take for chance.
_PARTS = [SECRET[at : at + 4] for at in range(len(SECRET) - 3)]


def _decode(data: bytes) -> None:
    with contextlib.suppress(RequestError):
        list(frames(data, read_header(data)))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png(*chunks: bytes) -> bytes:
    data = saved(image(arrow()), "PNG")
    return data[:33] + b"".join(chunks) + data[33:]


def _profile(name: bytes) -> bytes:
    return _chunk(b"iCCP", name + b"\0\0" + zlib.compress(bytes(300)))


def _inked(kind: str, seed: int) -> bytes:
    """Return a broken file with the secret written over several parts of it."""
    dice = random.Random(f"{kind} {seed}")
    plain = with_secrets(image(arrow()), kind)
    data = bytearray(plain if seed % 2 else mutant(kind, seed))
    for _ in range(dice.choice((1, 2, 8))):
        at, length = dice.randrange(len(data) + 1), dice.randrange(4, 40)
        data[at : at + length] = (SECRET * 4)[:length]
    return bytes(data)


@pytest.mark.parametrize("kind", READ)
def test_no_decoder_shows_what_a_broken_picture_holds(
    kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for seed in range(400):
        _decode(_inked(kind, seed))

    said = "".join(capfd.readouterr()).encode()

    assert [part for part in _PARTS if part in said] == []


@pytest.mark.parametrize(
    "chunk",
    [
        pytest.param(_profile(SECRET), id="the name of a profile"),
        pytest.param(_chunk(b"pCAL", SECRET + b"\0" * 10 + SECRET), id="the name of a scale"),
        pytest.param(_chunk(b"sPLT", SECRET + b"\0\x09" + SECRET), id="the name of a palette"),
        pytest.param(_chunk(b"tEXt", SECRET * 8), id="the key of a text"),
        pytest.param(_chunk(b"zTXt", SECRET + b"\0\0" + SECRET), id="a packed text"),
        pytest.param(_chunk(b"sECR", SECRET), id="the name of a chunk"),
        pytest.param(_chunk(b"secR", SECRET)[:-4] + SECRET[:4], id="one with a wrong sum"),
    ],
)
def test_a_png_decoder_sees_only_pixels(chunk: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    data = _png(chunk)

    (frame,) = frames(data, read_header(data))

    assert np.array_equal(frame.picture, arrow())
    assert capfd.readouterr() == ("", "")


def test_a_png_with_an_unknown_part_that_pixels_need_is_refused(
    capfd: pytest.CaptureFixture[str],
) -> None:
    data = _png(_chunk(b"SECR", SECRET))

    with pytest.raises(BrokenPicture, match="not known"):
        list(frames(data, read_header(data)))

    assert capfd.readouterr() == ("", "")
