"""`make bench-blur`: measure the blur service, and write figures and the table of them.

`python -m tests.benchmarks.blur [PART …] [--quick]`; parts: recall, speed, served, detectable, rss,
http, hostile, fallback, ui, rolling; without any: all. A part that is not measured keeps its
figures of before. `--quick` only shows that everything runs: its figures are printed and not kept.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from tests.benchmarks.blur import (
    accuracy,
    detectable,
    fallback,
    http,
    http_hostile,
    memory,
    rolling,
    scenes,
    served,
    speed,
    ui,
)
from tests.benchmarks.figures import Figure, as_table, renew

NAME = "blur"
PREFIXES = {
    "recall": ("recall", "covered", "precision", "false_boxes"),
    "speed": ("ms", "throughput"),
    "served": ("p95", "cache"),
    "detectable": ("detectable",),
    "rss": ("rss",),
    "http": ("http",),
    "hostile": ("hostile",),
    "fallback": ("fallback",),
    "ui": ("ui",),
    "rolling": ("rolling",),
}

# Each takes whether only to show that it runs.
MEASURES: dict[str, Callable[[bool], list[Figure]]] = {
    "recall": lambda quick: [] if quick else accuracy.measure(),
    "speed": lambda quick: speed.measure(0.2 if quick else 4.0),
    "served": lambda quick: served.measure(6 if quick else 60),
    "detectable": lambda quick: detectable.measure(2 if quick else detectable.CROWDS),
    "rss": lambda quick: memory.measure(200, ("jpeg",)) if quick else memory.measure(),
    "http": lambda quick: http.measure(8, 10) if quick else http.measure(),
    "hostile": lambda quick: http_hostile.measure(100, 200) if quick else http_hostile.measure(),
    "fallback": lambda quick: fallback.measure(6) if quick else fallback.measure(),
    "ui": lambda quick: ui.measure(5, 1, 10) if quick else ui.measure(),
    "rolling": lambda quick: rolling.measure(1) if quick else rolling.measure(),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and return 0; 1 when a promise was not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.blur")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PREFIXES))
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    asked = parser.parse_args(arguments)
    unknown = set(asked.parts) - set(PREFIXES)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    parts = asked.parts or list(PREFIXES)
    found = {part: _measure(part, quick=asked.quick) for part in parts}
    figures = [figure for part in parts for figure in found[part]]
    sys.stdout.write(as_table(figures))
    if asked.quick:
        return 0
    # A part that was skipped keeps its figures.
    renew(NAME, figures, of=[prefix for part in parts if found[part] for prefix in PREFIXES[part]])
    return 1 if any(figure.is_met is False for figure in figures) else 0


def _measure(part: str, *, quick: bool) -> list[Figure]:
    sys.stderr.write(f"measuring {part} …\n")
    if part in {"recall", "detectable"} and not scenes.labelled("dlib"):
        sys.stderr.write(f"{part}: skipped, no labelled pictures; set FACEBLUR_TEST_FACES\n")
        return []
    return MEASURES[part](quick)


if __name__ == "__main__":
    sys.exit(main())
