"""Resolves the dependencies of each extra into requirements/*.txt, with hashes; run by `make lock`.

The files name no index and no host: where packages come from is the business of whoever installs.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What builds the wheels in the images.
BUILD = "hatchling>=1.27,<2\n"
EXTRAS = {
    "operator": ("operator",),
    "blurservice": ("blurservice",),
    "test": ("operator", "blurservice", "test"),
}


def main() -> int:
    """Write the files; return the exit code."""
    for name, extras in EXTRAS.items():
        wanted = [part for extra in extras for part in ("--extra", extra)]
        overrides = ["--override", "requirements/overrides.txt"]
        if not _compile(name, [*overrides, *wanted, "pyproject.toml"]):
            return 1
    return 0 if _compile("build", ["-"], text=BUILD) else 1


def _compile(name: str, arguments: list[str], *, text: str | None = None) -> bool:
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "-q", "--python-version", "3.11"),
        *("--generate-hashes", "--no-emit-index-url", "--no-header", *arguments),
        *("-o", f"requirements/{name}.txt"),
    ]
    done = subprocess.run(command, check=False, cwd=ROOT, input=text, text=True)
    is_good = done.returncode == 0
    said = f"requirements/{name}.txt" if is_good else f"{name} could not be resolved"
    sys.stderr.write(f"lock: {said}\n")
    return is_good


if __name__ == "__main__":
    sys.exit(main())
