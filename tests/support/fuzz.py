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
    "AVIF": {
        *("ftyp", "meta", "hdlr", "pitm", "iloc", "iinf", "infe av01", "infe grid", "iref"),
        *("iprp", "ipco", "ipma", "ispe", "pixi", "av1C", "colr", "auxC", "idat", "mdat", "moov"),
        *("mvhd", "trak", "tkhd", "tref", "mdia", "mdhd", "vmhd", "minf", "dinf", "dref", "stbl"),
        *("stsd", "stts", "stsc", "stsz", "stco", "stss", "edts"),
    },
}
# Somewhere in every picture, so that hiding runs too, and a part of it that is hidden fully.
FACE = (4, 4, 30, 30)
INSIDE = (slice(8, 26), slice(8, 26))
TOLERANCE = 40
"""Levels by which a lossy format may be off."""


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

    class Seeing(FakeDetector):
        def find_faces(self, *_: object) -> list[Box]:
            return self.faces

    pipeline = Pipeline(Seeing([Box(*FACE, 0.9)]))
    outcomes: Counter[str] = Counter()
    base = _peak()
    file = os.open(note, os.O_WRONLY | os.O_CREAT)
    for seed in range(start, start + count):
        os.pwrite(file, f"{seed:<12}".encode(), 0)
        began = time.process_time()
        outcomes[_outcome(pipeline, mutant(kind, seed), solid=seed % 2 == 0)] += 1
        seconds = time.process_time() - began
        assert seconds < SECONDS, f"took {seconds:.1f} s"
        grown = _peak() - base
        assert grown < MAX_COST, f"took {grown >> 20} MiB"
    print(kind, dict(outcomes.most_common()))  # noqa: T201 - the result


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _outcome(pipeline: object, data: bytes, *, solid: bool) -> str:
    from faceblur_service.codec import read_header
    from faceblur_service.errors import RequestError
    from faceblur_service.options import Mode, Options
    from faceblur_service.pipeline import Pipeline

    assert isinstance(pipeline, Pipeline)
    try:
        result = pipeline.run(data, Options(mode=Mode.SOLID if solid else Mode.BLUR))
    except RequestError as err:
        return err.code
    before, after = read_header(data), read_header(result.data)
    sizes = [sorted((header.width, header.height)) for header in (before, after)]
    assert before.format.written is after.format, f"{before} became {after}"
    assert sizes[0] == sizes[1], f"{before} became {after}"
    kind = after.format.name
    left = blocks(result.data, kind) - ALLOWED[kind]
    assert not left, f"{left} left"
    assert not solid or _is_hidden(result.data), "a face is clear"
    return "clean"


def _is_hidden(data: bytes) -> bool:
    """Return whether the face shows nothing but the solid colour in every frame."""
    import numpy as np

    from faceblur_service.blurring import SOLID_BGR
    from faceblur_service.codec import frames, read_header

    for frame in frames(data, read_header(data)):
        off = np.abs(frame.picture[INSIDE].astype(int) - SOLID_BGR).max(axis=2, initial=0)
        seen = off > TOLERANCE
        if frame.alpha is not None:
            seen &= frame.alpha[INSIDE] > 0
        if seen.any():
            return False
    return True


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
