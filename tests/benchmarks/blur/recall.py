"""How many faces of labelled pictures are found, and at which price.

Figures are given per set and per size of face. `whole` are the labelled pictures as they are,
`mosaic` are large crowds made of nine of them each, `sideways` the labelled pictures turned by a
quarter to either side, `overhead` those turned upside down; `neg` are pictures without a face.
"""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tests.benchmarks.figures import ROOT, Figure

from faceblur_service.blurring import Picture
from faceblur_service.detection import Detector
from faceblur_service.detection.factory import make_detector
from faceblur_service.detection.turned import turned, turned_back
from faceblur_service.geometry import Box, head_of, visible
from faceblur_service.matching import match
from faceblur_service.options import Sensitivity

FACES = Path(os.environ.get("FACEBLUR_TEST_FACES") or ROOT.parent / "shared" / "faces")
SIDES = (16, 48)
LABELLED = ("wider416", "dlib")
# By label: the groups of pictures that its figures are taken from.
SETS = {
    "whole": LABELLED,
    "mosaic": ("mosaic",),
    "sideways": ("sideways",),
    "overhead": ("overhead",),
}
# Where a sensitivity promises PRECISION. `max` nowhere: it hides what is hardly more than a guess,
# because a missed face is worse there. Only `high` and `max` turn a picture.
PROMISED = {"fast": ("whole", "mosaic"), "normal": ("whole", "mosaic"), "high": tuple(SETS)}
PRECISION = 0.9
_CELL = (640, 480)
# By how many quarters, clockwise. No tag says so.
_TURNS = {"sideways": (1, 3), "overhead": (2,)}

Find = Callable[[Picture], list[Box]]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and where its faces are."""

    group: str
    picture: Picture
    faces: list[Box]


def is_there() -> bool:
    """Return whether the labelled pictures are on this machine."""
    return (FACES / "labels.json").is_file()


@cache
def pictures(group: str) -> list[Labelled]:
    """Return the pictures of `wider416`, `dlib` or `neg`, or those that are made of them."""
    if group in _TURNS:
        upright = [one for name in LABELLED for one in pictures(name)]
        return [_turned(one, quarters) for quarters in _TURNS[group] for one in upright]
    if group == "mosaic":
        crowds = pictures("wider416")
        return [_mosaic(crowds[i : i + 9]) for i in range(0, len(crowds) - 8, 9)]
    labels: list[dict[str, Any]] = json.loads((FACES / "labels.json").read_text())
    return [
        Labelled(group, _read(FACES / label["file"]), [Box(*box) for box in label["boxes"]])
        for label in labels
        if label["set"] == group
    ]


def measure(detector: Detector | None = None) -> list[Figure]:
    """Return recall, covered area and false boxes of every sensitivity."""
    if not is_there():
        return []
    own = detector or make_detector()
    figures: list[Figure] = []
    for sensitivity in Sensitivity:

        def find(picture: Picture, sensitivity: Sensitivity = sensitivity) -> list[Box]:
            return own.find_faces(picture, sensitivity)

        figures += measure_one(sensitivity.value, find)
    return figures


def measure_one(name: str, find: Find) -> list[Figure]:
    """Return the figures of one way to find faces: every face it returns counts."""
    figures = []
    for label, groups in SETS.items():
        seen = [(find(one.picture), one) for group in groups for one in pictures(group)]
        target = PRECISION if label in PROMISED.get(name, ()) else None
        figures += _figures(f"{name}.{label}", seen, target)
    dlib = [(find(one.picture), one) for one in pictures("dlib")]
    figures.append(_recall(f"recall.{name}.dlib", dlib, 0))
    false = sum(len(find(one.picture)) for one in pictures("neg"))
    n = len(pictures("neg"))
    figures.append(Figure(name=f"false_boxes.{name}.neg", value=false, unit="", n=n))
    return figures


def _figures(
    name: str, seen: Sequence[tuple[list[Box], Labelled]], target: float | None
) -> list[Figure]:
    pairs = found = 0
    for boxes, one in seen:
        pairs += len(match(boxes, one.faces).pairs)
        found += len(boxes)
    precision = pairs / max(1, found)
    result = [
        Figure(
            name=f"precision.{name}",
            value=precision,
            unit="",
            target=target,
            better="higher",
            n=found,
        )
    ]
    for side in SIDES:
        result += [_recall(f"recall.{name}.{side}px", seen, side), _covered(name, seen, side)]
    return result


def _recall(name: str, seen: Iterable[tuple[list[Box], Labelled]], side: int) -> Figure:
    wanted = found = 0
    for boxes, one in seen:
        large = {i for i, face in enumerate(one.faces) if _side(face) >= side}
        wanted += len(large)
        found += sum(j in large for _, j in match(boxes, one.faces).pairs)
    return Figure(name=name, value=found / max(1, wanted), unit="", better="higher", n=wanted)


def _covered(name: str, seen: Iterable[tuple[list[Box], Labelled]], side: int) -> Figure:
    """Return the share of the faces' area that lies under a hidden head."""
    area = hidden = 0
    for boxes, one in seen:
        height, width = one.picture.shape[:2]
        mask = np.zeros((height, width), np.bool_)
        for box in boxes:
            if head := visible(head_of(box), width, height):
                mask[head.y1 : head.y2, head.x1 : head.x2] = True
        for face in one.faces:
            place = visible(face, width, height)
            if place and _side(face) >= side:
                area += place.width * place.height
                hidden += int(mask[place.y1 : place.y2, place.x1 : place.x2].sum())
    value = hidden / max(1, area)
    return Figure(name=f"covered.{name}.{side}px", value=value, unit="", better="higher", n=area)


def _turned(one: Labelled, quarters: int) -> Labelled:
    height, width = one.picture.shape[:2]
    # A box comes back from a turned picture by the other turns of the circle.
    size = (width, height) if quarters == 2 else (height, width)
    faces = [turned_back(face, 4 - quarters, *size) for face in one.faces]
    return Labelled(one.group, turned(one.picture, quarters), faces)


def _mosaic(parts: Sequence[Labelled]) -> Labelled:
    width, height = _CELL
    canvas = np.full((3 * height, 3 * width, 3), 128, np.uint8)
    faces = []
    for i, one in enumerate(parts):
        factor = min(1.0, width / one.picture.shape[1], height / one.picture.shape[0])
        size = (round(one.picture.shape[1] * factor), round(one.picture.shape[0] * factor))
        x, y = i % 3 * width, i // 3 * height
        small = cv2.resize(one.picture, size, interpolation=cv2.INTER_AREA)
        canvas[y : y + size[1], x : x + size[0]] = small
        faces += [face.scaled(factor).moved(x, y) for face in one.faces]
    return Labelled("mosaic", canvas, faces)


def _read(path: Path) -> Picture:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError(path)
    return np.asarray(picture, np.uint8)


def _side(box: Box) -> float:
    return max(box.width, box.height)
