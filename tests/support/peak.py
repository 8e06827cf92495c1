"""How much memory one picture takes, measured in a process of its own.

`python -m tests.support.peak JPEG 25` prints a line of JSON: bytes before, at the peak, and what
the header's cost said.
"""

import argparse
import io
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tests.support.pictures import pair
from tests.support.resident import resident as resident
from tests.support.samples import animation, saved

from faceblur_service.detection import Detector

DATA = Path(__file__).resolve().parents[1] / "data" / "heic"
"""Ours are not compressed, and 25 megapixels of them are larger than a file may be."""

KINDS = {
    "JPEG": "JPEG",
    "JPEG faces": "JPEG",
    "JPEG turned": "JPEG",
    "JPEG CMYK": "JPEG",
    "PNG": "PNG",
    "PNG alpha": "PNG",
    "PNG alpha turned": "PNG",
    "WEBP": "WEBP",
    "WEBP alpha": "WEBP",
    "WEBP lossless": "WEBP",
    "AVIF": "AVIF",
    "AVIF alpha": "AVIF",
    "TIFF": "TIFF",
    "TIFF alpha": "TIFF",
    "TIFF 16 bits": "TIFF",
    "HEIC": "HEIC",
    "HEIC 10 bits": "HEIC",
    "HEIC alpha": "HEIC",
    "GIF": "GIF",
    "GIF animated": "GIF",
    "PNG animated": "PNG",
    "WEBP animated": "WEBP",
}


@dataclass(frozen=True, slots=True)
class Peak:
    """Bytes of one picture's way through the pipeline."""

    kind: str
    pixels: int
    base: int
    """Resident before it, detector included."""

    held: int
    """Of that, what is no file: the kernel drops files for it when memory runs short."""

    peak: int
    cost: int
    """What the header said that it takes beside the base."""


def measured(kind: str, megapixels: float, *, real: bool = False) -> Peak:
    """Return what a picture takes, measured in a process of its own.

    Args:
        kind: One of `KINDS`.
        megapixels: Of all frames together.
        real: With the real detectors, which need their model files.
    """
    command = [sys.executable, "-m", "tests.support.peak", kind, str(megapixels)]
    command += ["--real"] if real else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{kind}: exit {done.returncode}\n{done.stderr[-1500:]}")
    return Peak(**json.loads(done.stdout.splitlines()[-1]))


def sample(kind: str, megapixels: float) -> bytes:
    """Return a file of a smooth picture with some noise, so that it is neither empty nor huge.

    Or of two people, where the kind says so.
    """
    if kind == "HEIC" and megapixels >= 25:
        return (DATA / "large.heic").read_bytes()
    frames = 10 if "animated" in kind else 1
    side = round((megapixels * 1e6 / frames) ** 0.5)
    noise = np.random.default_rng(0).integers(
        0, 255, (side // 300 + 2, side // 300 + 2, 3), np.uint8
    )
    picture = Image.fromarray(noise).resize((side, side))
    if "faces" in kind:
        picture = Image.fromarray(np.ascontiguousarray(pair()[:, :, ::-1])).resize((side, side))
    name = KINDS[kind]
    if frames > 1:
        shown = [picture.rotate(90 * n) for n in range(frames)]
        return animation(shown, name, [50] * frames)
    kinds: dict[str, dict[str, object]] = {
        "JPEG": {"quality": 85},
        "WEBP": {"lossless": "lossless" in kind, "method": 0, "quality": 50},
        "AVIF": {"speed": 10, "quality": 60, "max_threads": 1, "subsampling": "4:2:0"},
    }
    options = kinds.get(name, {})
    if "10 bits" in kind:
        options = {"depth": 10}
    if "turned" in kind:
        exif = Image.Exif()
        exif[0x0112] = 6
        options = {**options, "exif": exif}
    if name == "TIFF" and "16 bits" not in kind:
        # In fewer steps: its compression would leave more than a file may have.
        picture = ImageOps.posterize(picture, 3)
    if "CMYK" in kind:
        picture = picture.convert("CMYK")
    if "alpha" in kind:
        picture.putalpha(picture.getchannel("G"))
    if "16 bits" in kind:
        return _deep_tiff(picture)
    return saved(picture, name, **options)


def _deep_tiff(picture: Image.Image) -> bytes:
    import cv2

    deep = np.asarray(picture)[:, :, ::-1].astype(np.uint16) * 257
    return bytes(cv2.imencode(".tiff", deep)[1])


def _detector(*, real: bool) -> Detector:
    if real:
        from faceblur_service.detection.factory import make_detector

        return make_detector()
    from tests.support.detectors import FakeDetector

    from faceblur_service.geometry import Box

    return FakeDetector([Box(4, 4, 60, 60, 0.9)])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("megapixels", type=float)
    parser.add_argument("--real", action="store_true")
    given = parser.parse_args()
    if not given.kind:
        return
    made = "import sys; from tests.support.peak import sample; "
    made += f"sys.stdout.buffer.write(sample({given.kind!r}, {given.megapixels}))"
    # Made elsewhere: what making it leaves in the allocator would hide what reading it takes.
    data = subprocess.run([sys.executable, "-c", made], capture_output=True, check=True).stdout

    from faceblur_service import allocator
    from faceblur_service.codec import read_header
    from faceblur_service.pipeline import Pipeline

    allocator.give_back_large_blocks()  # as whoever serves does
    pipeline = Pipeline(_detector(real=given.real))
    small = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)).save(
        small, "JPEG"
    )
    pipeline.run(small.getvalue())
    header = read_header(data)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    base, held = resident(), resident("RssAnon")
    pipeline.run(data)
    found = Peak(given.kind, header.pixels, base, held, resident("VmHWM"), header.cost)
    print(json.dumps(asdict(found)))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
