"""Runs deface on pictures and times it; in deface's own environment, so it imports nothing of ours.

Argument: JSON {"pictures": [paths], "seconds": s, "least": n, "want": "times"}; prints JSON:
{"ms": [per picture], "stages": {name: [ms]}}. Or {"want": "boxes", "threshold": t}; then each line
of standard input is a path, and each line of output JSON: [[x1, y1, x2, y2, score]].
Decoding and encoding are the product's own way, so that only detecting and hiding differ.
"""

import json
import sys
import time
from typing import Any

import cv2
import numpy as np
import onnxruntime

_Session = onnxruntime.InferenceSession


def _one_thread(model: bytes, providers: list[str]) -> Any:
    options = onnxruntime.SessionOptions()
    # A process per core, as for the product; its own two threads are slower than that here.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return _Session(model, options, providers=providers)


onnxruntime.InferenceSession = _one_thread

from deface.centerface import CenterFace  # type: ignore[import-not-found] # noqa: E402
from deface.deface import anonymize_frame  # type: ignore[import-not-found] # noqa: E402

THRESHOLD, MASK_SCALE = 0.2, 1.3  # deface's defaults


def main() -> None:
    asked = json.loads(sys.argv[1])
    cv2.setNumThreads(1)
    stdout, sys.stdout = sys.stdout, sys.stderr
    face = CenterFace()
    if asked["want"] == "boxes":
        for line in sys.stdin:
            boxes, _ = face(_rgb(np.fromfile(line.strip(), np.uint8)), asked["threshold"])
            stdout.write(json.dumps(boxes.tolist()) + "\n")
            stdout.flush()
        return
    datas = [np.fromfile(path, np.uint8) for path in asked["pictures"]]
    stages: dict[str, list[float]] = {"decode": [], "detect": [], "blur": [], "encode": []}
    whole: list[float] = []
    begun: float | None = None
    while True:
        for data in datas:
            ticks = _one(face, data)
            if begun is None:
                begun = time.perf_counter()  # the first one warms up
                continue
            whole.append((ticks[-1] - ticks[0]) * 1000)
            for name, before, after in zip(stages, ticks, ticks[1:], strict=False):
                stages[name].append((after - before) * 1000)
            if time.perf_counter() - begun > asked["seconds"] and len(whole) >= asked["least"]:
                json.dump({"ms": whole, "stages": stages}, stdout)
                return


def _rgb(data: Any) -> Any:
    picture: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _one(face: Any, data: Any) -> list[float]:
    ticks = [time.perf_counter()]
    frame = _rgb(data)
    ticks.append(time.perf_counter())
    boxes, _ = face(frame, threshold=THRESHOLD)
    ticks.append(time.perf_counter())
    anonymize_frame(boxes, frame, MASK_SCALE, "blur", True, False, None, 20)
    ticks.append(time.perf_counter())
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])
    ticks.append(time.perf_counter())
    return ticks


main()
