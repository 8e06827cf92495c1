"""Feeds broken pictures to the pipeline, in a process of its own: `python -m tests.support.fuzz`.

Each must end as a clear error of the caller or as a clean picture. A decoder's crash ends the
process; the seed that did it is the last one it wrote.
"""

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support.blocks import blocks
from tests.support.mutants import mutant
from tests.support.samples import READ

MEMORY = 3 << 30
SECONDS = 10.0
"""Of the processor: the machine may be busy with other things."""

ALLOWED = {
    "JPEG": {"E0", "DB", "C0", "C4"},
    "PNG": {"IHDR", "IDAT", "IEND", "acTL", "fcTL", "fdAT"},
    "WEBP": {"VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF"},
    "TIFF": {str(tag) for tag in (256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 338)},
    "GIF": {"image", "NETSCAPE2.0", "F9"},
}


def run(kind: str, start: int, count: int) -> str:
    """Run seeds of a format in a child process and return what became of them.

    Raises:
        AssertionError: One of them crashed, hung, leaked or left what must not leave.
    """
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder, "seed")
        command = [sys.executable, "-m", "tests.support.fuzz", "--child", str(note)]
        command += ["--format", kind, "--start", str(start), "--count", str(count)]
        # A hang that takes no time of the processor ends here.
        limit = 60 + count * 0.5
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=limit
        )
        seed = note.read_text() if note.exists() else "none"
    if done.returncode:
        message = f"{kind} seed {seed}: exit {done.returncode}\n{done.stderr[-2000:]}"
        raise AssertionError(message)
    return done.stdout.strip()


def _child(kind: str, start: int, count: int, note: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from tests.support.detectors import FakeDetector

    from faceblur_service.codec import MAX_COST
    from faceblur_service.geometry import Box
    from faceblur_service.pipeline import Pipeline

    # Somewhere in every picture, so that hiding runs too.
    pipeline = Pipeline(FakeDetector([Box(4, 4, 30, 30, 0.9)]))
    outcomes: Counter[str] = Counter()
    base = _peak()
    file = os.open(note, os.O_WRONLY | os.O_CREAT)
    for seed in range(start, start + count):
        os.pwrite(file, f"{seed:<12}".encode(), 0)
        began = time.process_time()
        outcomes[_outcome(pipeline, mutant(kind, seed))] += 1
        seconds = time.process_time() - began
        assert seconds < SECONDS, f"took {seconds:.1f} s"
        grown = _peak() - base
        assert grown < MAX_COST, f"took {grown >> 20} MiB"
    print(kind, dict(outcomes.most_common()))  # noqa: T201 - the result


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _outcome(pipeline: object, data: bytes) -> str:
    from faceblur_service.codec import read_header
    from faceblur_service.errors import RequestError
    from faceblur_service.pipeline import Pipeline

    assert isinstance(pipeline, Pipeline)
    try:
        result = pipeline.run(data)
    except RequestError as err:
        return err.code
    before, after = read_header(data), read_header(result.data)
    sizes = [sorted((header.width, header.height)) for header in (before, after)]
    assert before.format.written is after.format, f"{before} became {after}"
    assert sizes[0] == sizes[1], f"{before} became {after}"
    kind = after.format.name
    left = blocks(result.data, kind) - ALLOWED.get(kind, set())
    assert kind not in ALLOWED or not left, f"{left} left"
    return "clean"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=READ, action="append")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    for kind in given.format or READ:
        if given.child:
            _child(kind, given.start, given.count, given.child)
        else:
            print(run(kind, given.start, given.count), flush=True)  # noqa: T201 - the result


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
