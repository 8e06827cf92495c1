"""Runs the product on pictures and times it, in a process of its own.

Argument: JSON {"pictures": [paths], "seconds": s, "least": n, "want": a sensitivity or "floor"}.
Prints JSON: {"ms": [per picture], "stages": {name: [ms]}}. The floor is decoding and encoding only.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from faceblur_service.codec import decode, encode, read_header
from faceblur_service.detection.factory import make_detector
from faceblur_service.options import Options, Sensitivity
from faceblur_service.pipeline import Pipeline

Work = Callable[[bytes], dict[str, float]]


def main() -> None:
    asked = json.loads(sys.argv[1])
    datas = [Path(path).read_bytes() for path in asked["pictures"]]
    work = _floor if asked["want"] == "floor" else _product(asked["want"])
    for data in datas:
        work(data)
    whole: list[float] = []
    stages: dict[str, list[float]] = {}
    begun = time.perf_counter()
    while time.perf_counter() - begun < asked["seconds"] or len(whole) < asked["least"]:
        for data in datas:
            start = time.perf_counter()
            seconds = work(data)
            whole.append((time.perf_counter() - start) * 1000)
            for name, value in seconds.items():
                stages.setdefault(name, []).append(value * 1000)
    json.dump({"ms": whole, "stages": stages}, sys.stdout)


def _product(sensitivity: str) -> Work:
    pipeline = Pipeline(make_detector())
    options = Options(sensitivity=Sensitivity(sensitivity))
    return lambda data: pipeline.run(data, options).stage_seconds


def _floor(data: bytes) -> dict[str, float]:
    header = read_header(data)
    encode(iter([decode(data, header)]), header)
    return {}


if __name__ == "__main__":
    main()
