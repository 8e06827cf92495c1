"""`python -m tests.benchmarks.rollback [RUNS] [CASE…]`: this part alone, of the cases named."""

import sys

from tests.benchmarks import figures
from tests.benchmarks.rollback import measure

RUNS = 15


def main() -> None:
    """Measure, say it, and write it down beside the operator's other figures."""
    words = sys.argv[1:]
    runs = int(words.pop(0)) if words and words[0].isdecimal() else RUNS
    measured = measure(runs, words)
    sys.stdout.write(figures.as_table(measured))
    names = [f"rollback.{word}" for word in words] or ["rollback"]
    figures.renew("operator", measured, of=names)


if __name__ == "__main__":
    main()
