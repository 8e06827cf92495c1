"""Figures of memory: `rss.*`.

`measure()` runs every kind of picture at its limit through the real pipeline in a process of its
own, and thousands of mixed pictures through one process.
"""

import contextlib
import ctypes
import gc
import random
from collections.abc import Iterable

import numpy as np
from tests.benchmarks.figures import Figure
from tests.support.mutants import mutant, seeds
from tests.support.peak import KINDS, Peak, measured, resident, sample
from tests.support.samples import READ

from faceblur_service.codec import MAX_COST, MAX_PIXELS, read_header
from faceblur_service.detection import Detector
from faceblur_service.detection.factory import make_detector
from faceblur_service.errors import PictureTooLarge, RequestError
from faceblur_service.pipeline import Pipeline

LIMIT_MIB = 512
# Every fourth is broken: errors must not leak either.
_BROKEN = 4
# The first pass over the pictures meets the largest of them, and the allocator keeps its room.
_PASS = 400
# Ours are not compressed: more of these would be larger than a file may be. The first is a file of
# a real encoder.
_UNPACKED = {"HEIC": 25.0, "HEIC 10 bits": 4.0, "HEIC alpha": 3.0}


def measure(pictures: int = 10_000, kinds: Iterable[str] = KINDS) -> list[Figure]:
    """Return the peak of one picture of each kind, and how memory grows over many."""
    found = [_peak(measured(kind, _largest(kind), real=True)) for kind in kinds]
    detector = make_detector()
    try:
        slope, _ = growth(detector, pictures)
    finally:
        detector.close()
    return [
        *found,
        Figure(name="rss.slope", value=slope, unit="KiB per 1,000", target=500, n=pictures),
    ]


def growth(detector: Detector, pictures: int) -> tuple[float, float]:
    """Run the same mixed pictures, broken ones among them, again and again.

    Args:
        detector: What finds the faces.
        pictures: How many at least; the first 400 only warm up.

    Returns:
        How much memory grows per 1,000 pictures after the first pass, in KiB, and MiB at the end.
    """
    pipeline, seen = Pipeline(detector), list[int]()
    for _ in range(max(3, -(-pictures // _PASS))):
        dice = random.Random(1)
        for index in range(_PASS):
            _run(pipeline, index, dice)
        _trim()
        seen.append(resident())
    slope = np.polyfit(np.arange(1, len(seen)) * _PASS, seen[1:], 1)[0]
    return float(slope) * 1000 / 1024, seen[-1] / 2**20


def _trim() -> None:
    """Have the allocator give back what is free: a small loss would hide in it for long."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def _run(pipeline: Pipeline, index: int, dice: random.Random) -> None:
    kind = dice.choice(READ)
    data = mutant(kind, index) if index % _BROKEN == 0 else dice.choice(seeds(kind))
    with contextlib.suppress(RequestError):
        pipeline.run(data)


def _largest(kind: str) -> float:
    """Return the megapixels that a kind may have."""
    if kind in _UNPACKED:
        return _UNPACKED[kind]
    with contextlib.suppress(PictureTooLarge):
        _cost(kind, MAX_PIXELS / 1e6)
        return MAX_PIXELS / 1e6
    # A picture takes something for itself beside what each of its pixels takes: hence two points.
    (few, low), (many, high) = (_cost(kind, megapixels) for megapixels in (1.0, 3.0))
    each = (high - low) / (many - few)
    return (few + 0.98 * (MAX_COST - low) / each) / 1e6


def _cost(kind: str, megapixels: float) -> tuple[int, int]:
    header = read_header(sample(kind, megapixels))
    return header.pixels, header.cost


def _peak(found: Peak) -> Figure:
    name = found.kind.lower().replace(" ", "-")
    megapixels = round(found.pixels / 1e6)
    return Figure(
        name=f"rss.peak.{name}.{megapixels}mp",
        value=found.peak / 2**20,
        unit="MiB",
        target=LIMIT_MIB,
    )
