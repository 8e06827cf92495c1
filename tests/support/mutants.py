"""Picture files gone wrong: small samples of every format, changed at random from a seed."""

import contextlib
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from tests.support.profiles import wide_profile
from tests.support.samples import STILL, animation, arrow, image, oriented, saved, with_secrets

from faceblur_service.codec.scan import png_chunks
from faceblur_service.errors import BrokenPicture

_COMPRESSED = Path(__file__).resolve().parents[1] / "data" / "heic"
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_ENDINGS = (
    b"<script>alert(1)</script>",
    b"PK\x03\x04",
    b"%PDF-1.7",
    b"\xff\xd8\xff\xe0",
    b"\0" * 64,
)


@cache
def seeds(kind: str) -> tuple[bytes, ...]:
    """Return valid files of a format that use as much of it as fits into a few kilobytes."""
    if kind == "HEIC":
        return tuple(_heics())
    plain, turned = image(arrow()), image(arrow()[::-1].copy())
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    found = [saved(plain, kind), with_secrets(plain, kind), saved(image(noise), kind)]
    if kind != "GIF":
        found += [oriented(plain, kind, 6), saved(plain, kind, icc_profile=wide_profile())]
    if kind in {"PNG", "WEBP", "TIFF", "AVIF"}:
        found.append(saved(image(arrow(), arrow()[:, :, 1]), kind))
    if kind in {"PNG", "WEBP", "GIF", "AVIF"}:
        found.append(animation([plain, turned, image(noise).resize((80, 48))], kind, [50, 60, 70]))
    found += _EXTRA.get(kind, list)()
    return tuple(found)


def _heics() -> list[bytes]:
    # Small: most of such a file are pixels as they are, and what is around them matters more.
    plain = image(arrow()[8:40, 24:56].copy())
    found = [
        path.read_bytes() for path in sorted(_COMPRESSED.glob("*.heic")) if path.stem != "large"
    ]
    found += [saved(plain, "HEIC"), saved(plain, "HEIC", depth=10), with_secrets(plain, "HEIC")]
    found += [oriented(plain, "HEIC", 6), saved(plain, "HEIC", icc_profile=wide_profile())]
    found += [saved(plain.convert("L"), "HEIC"), saved(plain.convert("RGBA"), "HEIC")]
    return [*found, saved(plain.resize((96, 64)), "HEIC", tile=64)]


def _extra_jpegs() -> list[bytes]:
    plain = image(arrow())
    return [
        saved(plain, "JPEG", progressive=True),
        saved(plain, "JPEG", restart_marker_blocks=1),
        saved(plain.convert("CMYK"), "JPEG"),
        saved(plain.convert("L"), "JPEG"),
    ]


def _extra_tiffs() -> list[bytes]:
    plain = image(arrow())
    kinds = ("raw", "packbits", "tiff_deflate", "jpeg")
    found = [saved(plain, "TIFF", compression=kind) for kind in kinds]
    found.append(saved(plain, "TIFF", save_all=True, append_images=[plain.convert("L")]))
    found.append(saved(plain.convert("1"), "TIFF", compression="group4"))
    return [*found, saved(plain.convert("CMYK"), "TIFF")]


def _extra_pngs() -> list[bytes]:
    return [saved(image(arrow()).quantize(4), "PNG"), saved(image(arrow()).convert("1"), "PNG")]


_EXTRA: dict[str, Callable[[], list[bytes]]] = {
    "JPEG": _extra_jpegs,
    "TIFF": _extra_tiffs,
    "PNG": _extra_pngs,
}


def mutant(kind: str, seed: int) -> bytes:
    """Return the file of that seed: always the same for the same numbers."""
    dice = random.Random(f"{kind} {seed}")
    data = bytearray(dice.choice(seeds(kind)))
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        dice.choice(_CHANGES)(data, dice)
    if kind == "PNG" and dice.random() < 0.7:
        return _with_right_sums(bytes(data))
    return bytes(data)


def _flip(data: bytearray, dice: random.Random) -> None:
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _flip_early(data: bytearray, dice: random.Random) -> None:
    if data:
        data[dice.randrange(min(len(data), 200))] = dice.randrange(256)


def _number(data: bytearray, dice: random.Random) -> None:
    form = dice.choice((">H", "<H", ">I", "<I"))
    size = struct.calcsize(form)
    if len(data) > size:
        at = dice.randrange(len(data) - size)
        struct.pack_into(form, data, at, dice.choice(_NUMBERS) % (1 << 8 * size))


def _cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data) + 1) :]


def _lose(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    del data[at : at + dice.randrange(1, 64)]


def _repeat(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    data[at:at] = data[at : at + dice.randrange(1, 512)]


def _splice(data: bytearray, dice: random.Random) -> None:
    other = dice.choice(seeds(dice.choice(STILL)))
    at, there = dice.randrange(len(data) + 1), dice.randrange(len(other))
    length = dice.randrange(1, 128)
    data[at : at + length] = other[there : there + length]


def _append(data: bytearray, dice: random.Random) -> None:
    data += dice.choice(_ENDINGS)


_OFTEN = (_flip, _flip_early, _number)
_CHANGES = (*_OFTEN, *_OFTEN, _cut, _lose, _repeat, _splice, _append)


def _with_right_sums(data: bytes) -> bytes:
    """Return a PNG whose checks pass again, so that its decoder gets past them."""
    out = data[:8]
    with contextlib.suppress(BrokenPicture):
        for name, body in png_chunks(data):
            head = name + body
            out += struct.pack(">I", len(body)) + head + struct.pack(">I", zlib.crc32(head))
    return out
