"""recall.*, covered.*, precision.* and false_boxes.*: the product beside deface.

Targets of `high` are what deface reaches on the same pictures, at the threshold at which it is as
precise, found in the same run: its default finds more, and a third of that is no face.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from tests.benchmarks.blur import peer, recall
from tests.benchmarks.figures import Figure

from faceblur_service.blurring import Picture
from faceblur_service.geometry import Box

_LEAST = 0.2
_STEPS = [round(float(step), 2) for step in np.arange(0.3, 0.8, 0.01)]


def measure() -> list[Figure]:
    """Return the figures of every sensitivity and of deface."""
    with peer.finder(_LEAST) as find:
        theirs = _equally_precise(_remembered(find))
    reached = {figure.name.replace(".deface.", ".high."): figure.value for figure in theirs}
    ours = [
        replace(figure, target=reached[figure.name], better=_better(figure))
        if figure.name in reached and not figure.name.startswith("precision.")
        else figure
        for figure in recall.measure()
    ]
    return [*ours, *(replace(figure, target=None) for figure in theirs)]


def _equally_precise(find: recall.Find) -> list[Figure]:
    """Return deface's figures: per set of the least threshold that is precise enough there.

    Its false boxes are those of the lower one of these thresholds, where it has more.
    """
    left = set(recall.SETS)
    figures: list[Figure] = []
    for least in _STEPS:
        at = recall.measure_one("deface", _surer(find, least))
        precise = {
            label
            for label in left
            for figure in at
            if figure.name == f"precision.deface.{label}" and figure.value >= recall.PRECISION
        }
        if precise and len(left) == len(recall.SETS):
            figures += [f for f in at if f.name.endswith((".dlib", ".neg"))]
        figures += [f for f in at if any(f".deface.{label}" in f.name for label in precise)]
        left -= precise
        if not left:
            break
    return figures


def _surer(find: recall.Find, least: float) -> recall.Find:
    return lambda picture: [box for box in find(picture) if box.score >= least]


def _remembered(find: recall.Find) -> recall.Find:
    known: dict[int, list[Box]] = {}

    def found(picture: Picture) -> list[Box]:
        # `recall.pictures` keeps its arrays, so an array's identity is the picture's.
        key = id(picture)
        if key not in known:
            known[key] = find(picture)
        return known[key]

    return found


def _better(figure: Figure) -> Literal["lower", "higher"]:
    return "lower" if figure.name.startswith("false_boxes.") else "higher"
