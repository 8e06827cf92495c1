"""`python -m tests.benchmarks.rollback [RUNS]`: only this part, its figures on the terminal."""

import sys

from tests.benchmarks.figures import as_table, write
from tests.benchmarks.rollback import measure

if __name__ == "__main__":
    figures = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
    write("rollback", figures)
    sys.stdout.write(as_table(figures))
