"""Resolves the dependencies of each extra into requirements/*.txt, with hashes; run by `make lock`.

The files name no index and no host: where packages come from is the business of whoever installs.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = {
    "operator": ("operator",),
    "blurservice": ("blurservice",),
    "test": ("operator", "blurservice", "test"),
}


def main() -> int:
    """Write the files; return the exit code."""
    for name, extras in EXTRAS.items():
        wanted = [part for extra in extras for part in ("--extra", extra)]
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "-q", "--python-version", "3.11"),
            *("--generate-hashes", "--no-emit-index-url", "--no-header"),
            *("--override", "requirements/overrides.txt", "pyproject.toml"),
            *(*wanted, "-o", f"requirements/{name}.txt"),
        ]
        if subprocess.run(command, check=False, cwd=ROOT).returncode != 0:
            sys.stderr.write(f"lock: {name} could not be resolved\n")
            return 1
        sys.stderr.write(f"lock: requirements/{name}.txt\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
