"""Writes HEVC pictures without compressing them, so that no encoder is needed: bits from numbers.

Each block of 32 x 32 pixels is a slice of its own and holds its samples as they are (PCM). So the
arithmetic coder is in its first state whenever it says anything, and what it says is constant.
"""

import re

import numpy as np
import numpy.typing as npt

BLOCK = 32
MAX_BLOCKS = 600
"""What the standard allows in slices of a picture, and decoders and our own limits with it."""

# "An undivided block; samples follow", and after them "the slice ends here".
_BEFORE, _AFTER = b"\x86\x80", b"\xfe\x80"

Plane = npt.NDArray[np.uint16]


class _Writer:
    def __init__(self) -> None:
        self._bits = ""

    def u(self, width: int, *values: int) -> "_Writer":
        self._bits += "".join(format(value, f"0{width}b") for value in values)
        return self

    def ue(self, *values: int) -> "_Writer":
        for value in values:
            code = format(value + 1, "b")
            self._bits += "0" * (len(code) - 1) + code
        return self

    def closed(self) -> bytes:
        bits = self._bits + "1"
        bits += "0" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8, "big")


def parameter_sets(
    width: int, height: int, *, chroma: int = 1, depth: int = 8
) -> list[tuple[int, bytes]]:
    """Return type and bytes of the three units that a decoder needs before a picture.

    Args:
        width: Pixels; the coded picture is as many whole blocks.
        height: As width.
        chroma: 0 for grey, 1 for 4:2:0, 3 for 4:4:4.
        depth: Bits per sample, 8 to 16.
    """
    profile = _Writer().u(2, 0).u(1, 0).u(5, 4).u(32, 1 << 27).u(4, 0b1001).u(44, 0).u(8, 186)
    video = _Writer().u(4, 0).u(2, 3).u(6, 0).u(3, 0).u(1, 1).u(16, 0xFFFF)
    video._bits += profile._bits
    video.u(1, 1).ue(0, 0, 0).u(6, 0).ue(0).u(1, 0, 0)
    step = 2 if chroma == 1 else 1
    wide, high = (-(-side // BLOCK) * BLOCK for side in (width, height))
    sequence = _Writer().u(4, 0).u(3, 0).u(1, 1)
    sequence._bits += profile._bits
    sequence.ue(0, chroma)
    if chroma == 3:
        sequence.u(1, 0)
    sequence.ue(wide, high).u(1, 1).ue(0, (wide - width) // step, 0, (high - height) // step)
    sequence.ue(depth - 8, depth - 8, 0).u(1, 1).ue(0, 0, 0)
    sequence.ue(2, 0, 0, 3, 0, 0)  # blocks of 32, transforms of 4 to 32, neither divided
    sequence.u(1, 0, 0, 0, 1).u(4, depth - 1, depth - 1).ue(2, 0).u(1, 1)
    sequence.ue(0).u(1, 0, 0, 0, 0, 0)
    picture = _Writer().ue(0, 0).u(1, 0, 0).u(3, 0).u(1, 0, 0).ue(0, 0, 0).u(1, 0, 0, 0)
    picture.ue(0, 0).u(1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0).ue(0).u(1, 0, 0)
    found = ((32, video), (33, sequence), (34, picture))
    return [(kind, _unit(kind, writer.closed())) for kind, writer in found]


def coded(planes: list[Plane], *, depth: int = 8) -> bytes:
    """Return a picture as units with their lengths before them.

    Args:
        planes: Brightness, and two of colour for 4:2:0 or 4:4:4; of even sizes.
        depth: Bits per sample.
    """
    height, width = planes[0].shape
    across, down = -(-width // BLOCK), -(-height // BLOCK)
    assert across * down <= MAX_BLOCKS, "more slices than a picture may have"
    padded = []
    for plane in planes:
        step = height // plane.shape[0]
        size = (down * BLOCK // step, across * BLOCK // step)
        growth = [(0, size[0] - plane.shape[0]), (0, size[1] - plane.shape[1])]
        padded.append((np.pad(plane, growth, mode="edge"), BLOCK // step))
    out = b""
    for index in range(across * down):
        row, column = divmod(index, across)
        body = b""
        for plane, side in padded:
            part = plane[row * side : (row + 1) * side, column * side : (column + 1) * side]
            body += _samples(part, depth)
        unit = _unit(19, _slice_head(index, across * down) + _BEFORE + body + _AFTER)
        out += len(unit).to_bytes(4, "big") + unit
    return out


def _samples(part: Plane, depth: int) -> bytes:
    if depth == 8:
        return part.astype(np.uint8).tobytes()
    shifts = np.arange(depth - 1, -1, -1, dtype=np.uint16)
    bits = (part.reshape(-1, 1) >> shifts & 1).astype(np.uint8)
    return np.packbits(bits).tobytes()


def _slice_head(index: int, count: int) -> bytes:
    head = _Writer().u(1, int(index == 0)).u(1, 0).ue(0)
    if index:
        head.u((count - 1).bit_length(), index)
    return head.ue(2, 0).closed()


def _unit(kind: int, payload: bytes) -> bytes:
    # Where it would look like the start of a unit, a 3 is put in between.
    return bytes((kind << 1, 1)) + re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", payload)
