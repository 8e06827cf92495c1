"""Figures of memory: `rss.*`.

`measure()` runs every kind of picture at its limit through the real pipeline in a process of its
own, and thousands of mixed pictures through one process.
"""

import random
from collections.abc import Iterable

import numpy as np
from tests.benchmarks.figures import Figure
from tests.support.mutants import mutant, seeds
from tests.support.peak import KINDS, Peak, measured, resident
from tests.support.samples import STILL

from faceblur_service.codec import MAX_COST, MAX_PIXELS
from faceblur_service.detection import Detector
from faceblur_service.detection.factory import make_detector
from faceblur_service.errors import RequestError
from faceblur_service.pipeline import Pipeline

LIMIT_MIB = 512
# Every fourth is broken: errors must not leak either.
_BROKEN = 4
_LOOKS = 50


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
    """Run mixed pictures, broken ones among them.

    Returns:
        How much memory grows per 1,000 pictures, in KiB, by the line through the second half of
        what was seen; and MiB at the end.
    """
    pipeline, dice = Pipeline(detector), random.Random(1)
    seen: list[tuple[int, int]] = []
    for index in range(pictures):
        kind = dice.choice(STILL)
        data = mutant(kind, index) if index % _BROKEN == 0 else dice.choice(seeds(kind))
        try:
            pipeline.run(data)
        except RequestError:
            continue
        finally:
            if index % max(1, pictures // _LOOKS) == 0:
                seen.append((index, resident()))
    half = seen[len(seen) // 2 :]
    slope = np.polyfit([at for at, _ in half], [size for _, size in half], 1)[0]
    return float(slope) * 1000 / 1024, seen[-1][1] / 2**20


def _largest(kind: str) -> float:
    """Return the megapixels that a kind may have."""
    low, high = 1.0, MAX_PIXELS / 1e6
    small = measured(kind, low)
    return min(high, 0.98 * MAX_COST / (small.cost / small.pixels) / 1e6)


def _peak(found: Peak) -> Figure:
    name = found.kind.lower().replace(" ", "-")
    megapixels = round(found.pixels / 1e6)
    return Figure(
        name=f"rss.peak.{name}.{megapixels}mp",
        value=found.peak / 2**20,
        unit="MiB",
        target=LIMIT_MIB,
    )
