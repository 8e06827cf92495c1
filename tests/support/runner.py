"""`make test`: every stage in turn, each announced and timed, with one summary at the end.

`python -m tests.support.runner [check] [unit] [contract] [build] [integration] [e2e]`; without
names: all.
All stages run even when one fails, so that one run tells everything.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]
# Pure tests use every core; more than four workers only add starts.
SPREAD = ["-n=auto", "--maxprocesses=4"]
# Clusters wait more than they compute: three files at a time, each with clusters of its own.
THREE_FILES = ["-n=3", "--dist=loadfile"]
# A cluster with everything installed leaves two cores idle for two thirds of the time.  A cluster
# that was there before has room for one test.
TWO_FILES = [] if os.environ.get("CLUSTER") == "current" else ["-n=2", "--dist=loadfile"]

STAGES: dict[str, list[list[str]]] = {
    "check": [
        [str(BIN / "ruff"), "format", "--check", "-q", "."],
        [str(BIN / "ruff"), "check", "-q", "."],
        [sys.executable, "-m", "mypy", "operator", "blurservice", "tests"],
        [str(BIN / "lint-imports")],
        [sys.executable, "-m", "tests.contract.generate", "--check"],
    ],
    "unit": [[*PYTEST, *SPREAD, "tests/unit", "--cov", "--cov-report=term:skip-covered"]],
    "contract": [
        # The charts are rendered by Helm, whose first build no test shall wait for.
        [sys.executable, "-m", "tests.cluster", "build", "helm"],
        [*PYTEST, *SPREAD, "tests/contract"],
    ],
    # What clusters are made of: minutes on a new machine, and no test shall run out of time for it.
    "build": [
        [sys.executable, "-m", "tests.cluster", "build"],
        [sys.executable, "-m", "tests.cluster.images", "build"],
    ],
    "integration": [[*PYTEST, *THREE_FILES, "--timeout=600", "tests/integration"]],
    "e2e": [[*PYTEST, *TWO_FILES, "--timeout=900", "tests/e2e"]],
}


def main(names: list[str]) -> int:
    """Run the stages; return 0 only when all passed."""
    unknown = set(names) - set(STAGES)
    if unknown:
        sys.stderr.write(f"no stage called {', '.join(unknown)}; there are {', '.join(STAGES)}\n")
        return 2
    results: list[tuple[str, bool, float]] = []
    for name in names or list(STAGES):
        sys.stdout.write(f"\n=== {name}\n")
        sys.stdout.flush()
        began = time.monotonic()
        codes = [subprocess.run(one, check=False, cwd=ROOT).returncode for one in STAGES[name]]
        results.append((name, not any(codes), time.monotonic() - began))
    sys.stdout.write("\n")
    for name, is_good, seconds in results:
        sys.stdout.write(f"{name:12} {'passed' if is_good else 'FAILED':7} {seconds:6.0f} s\n")
    failed = sum(not is_good for _, is_good, _ in results)
    sys.stdout.write(f"stages: {len(results) - failed} passed, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
