"""Measures the operator: `python -m tests.benchmarks.operator [PART…]`.

Figures go to `build/bench/operator.json` and into the table of `docs/benchmarks.md`; parts that
are not named keep the figures they had. `--quick` is a smoke test and writes nothing.
"""

import argparse
import sys
from collections.abc import Callable

from tests.benchmarks import figures
from tests.benchmarks.figures import Figure
from tests.benchmarks.operator import decision, evidence, scale

NAME = "operator"


def _rollback(*, quick: bool) -> list[Figure]:
    # Imported here: it needs a cluster, the others nothing.
    from tests.benchmarks.rollback.measure import measure

    return measure(1) if quick else measure(15)


def _process(*, quick: bool) -> list[Figure]:
    # Imported here: it needs an API server.
    from tests.benchmarks.operator.process import measure

    return measure(quick=quick)


PARTS: dict[str, Callable[[bool], list[Figure]]] = {
    "evidence": lambda quick: evidence.measure(600, 20) if quick else evidence.measure(),
    "decision": lambda _: decision.measure(),
    "scale": lambda quick: scale.measure(quick=quick),
    "process": lambda quick: _process(quick=quick),
    "rollback": lambda quick: _rollback(quick=quick),
}


def main() -> None:
    """Measure what was asked for, say it, and write it down."""
    parser = argparse.ArgumentParser(description="Measures the operator.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes nothing")
    asked = parser.parse_args()
    parts = asked.parts or list(PARTS)
    found = {part: PARTS[part](asked.quick) for part in parts}
    measured = [figure for part in parts for figure in found[part]]
    sys.stdout.write(figures.as_table(measured))
    if asked.quick:
        return
    figures.renew(NAME, measured, of=found)


if __name__ == "__main__":
    main()
