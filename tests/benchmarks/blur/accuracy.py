"""recall.*, covered.*, precision.* and false_boxes.*: the product beside deface.

Targets of `high` are what deface reaches on the same pictures, at the threshold at which it is as
precise: its default finds more, and a third of that is no face.
"""

from dataclasses import replace
from typing import Literal

from tests.benchmarks.blur import peer, recall
from tests.benchmarks.figures import Figure

EQUAL_PRECISION = 0.34
"""deface's threshold for a precision of about 0.90 on the labelled pictures."""


def measure() -> list[Figure]:
    """Return the figures of every sensitivity and of deface."""
    with peer.finder(EQUAL_PRECISION) as find:
        theirs = recall.measure_one("deface", find)
    reached = {figure.name.replace(".deface.", ".high."): figure.value for figure in theirs}
    ours = [
        replace(figure, target=reached[figure.name], better=_better(figure))
        if figure.name in reached and not figure.name.startswith("precision.")
        else figure
        for figure in recall.measure()
    ]
    return [*ours, *(replace(figure, target=None) for figure in theirs)]


def _better(figure: Figure) -> Literal["lower", "higher"]:
    return "lower" if figure.name.startswith("false_boxes.") else "higher"
