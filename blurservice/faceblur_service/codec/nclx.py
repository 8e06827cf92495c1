"""ICC profiles for colours that a file names by numbers (ITU-T H.273) instead of a profile."""

import struct
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_STEPS = 1024
_PQ, _HLG = 16, 18
# What white paper has in a picture of high dynamic range, in candelas per square metre.
_WHITE = 203.0
# Where lights brighter than it begin to be pressed together, so that they stay apart.
_KNEE = 0.5

# Corners of red, green and blue in the CIE's diagram; all have the same white, D65.
_WHITE_D65 = (0.3127, 0.3290)
_SRGB = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_CORNERS = {
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),  # BT.2020
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # Display P3
}
_D50 = np.array((0.9642, 1.0, 0.8249))
_BRADFORD = np.array(
    ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
)

_Levels = npt.NDArray[np.float64]


def profile_of(primaries: int, transfer: int) -> bytes | None:
    """Return an ICC profile for such colours, None where they are sRGB as far as anybody knows.

    Args:
        primaries: Number of the three base colours.
        transfer: Number of the curve from light to levels. Those of ordinary pictures are all
            shown as sRGB's is; PQ and HLG, of high dynamic range, are pressed into it.
    """
    curve = _CURVES.get(transfer)
    if curve is None and primaries not in _CORNERS:
        return None
    levels = np.linspace(0, 1, _STEPS)
    lights = (curve or _srgb)(levels)
    return _profile(_columns(_CORNERS.get(primaries, _SRGB)), lights)


def _srgb(levels: _Levels) -> _Levels:
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def _pq(levels: _Levels) -> _Levels:
    power = levels ** (1 / 78.84375)
    light = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return _pressed(10_000 / _WHITE * light ** (1 / 0.1593017578125))


def _hlg(levels: _Levels) -> _Levels:
    dark = levels**2 / 3
    bright = (np.exp((levels - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return _pressed(1_000 / _WHITE * np.where(levels <= 0.5, dark, bright) ** 1.2)


def _pressed(light: _Levels) -> _Levels:
    room = 1 - _KNEE
    return np.where(light <= _KNEE, light, 1 - room * np.exp((_KNEE - light) / room))


_CURVES: dict[int, Callable[[_Levels], _Levels]] = {_PQ: _pq, _HLG: _hlg}


def _columns(corners: tuple[tuple[float, float], ...]) -> _Levels:
    """Return XYZ of red, green and blue, one a column, as seen under a profile's white, D50."""
    white = _xyz(*_WHITE_D65)
    base = np.array([_xyz(*corner) for corner in corners]).T
    base = base * np.linalg.solve(base, white)
    seen = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    return np.asarray(np.linalg.inv(_BRADFORD) @ seen @ _BRADFORD @ base)


def _xyz(x: float, y: float) -> _Levels:
    return np.array((x / y, 1.0, (1 - x - y) / y))


def _profile(columns: _Levels, lights: _Levels) -> bytes:
    table = np.rint(lights * 65535).astype(">u2").tobytes()
    curve = b"curv" + struct.pack(">II", 0, _STEPS) + table
    tags = {b"wtpt": _numbers(_D50), b"desc": _text(), b"cprt": b"text\0\0\0\0\0\0\0\0"}
    for index, name in enumerate((b"r", b"g", b"b")):
        tags |= {name + b"XYZ": _numbers(columns[:, index]), name + b"TRC": curve}
    start, entries, bodies = 132 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        entries += struct.pack(">4sII", name, start + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    size = start + len(bodies)
    head = struct.pack(">I4xI12s", size, 0x02400000, b"mntrRGB XYZ ").ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + _numbers(_D50)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + entries + bodies


def _numbers(values: _Levels) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(v) * 65536) for v in values))


def _text() -> bytes:
    return b"desc\0\0\0\0\0\0\0\1\0".ljust(92, b"\0")
