"""The detector of a process: all engines, used as the sensitivity asks."""

import math

from faceblur_service.blurring import Picture
from faceblur_service.detection import Engine
from faceblur_service.detection.second_look import look_again
from faceblur_service.detection.tiled import TiledDetector
from faceblur_service.detection.turned import QUARTERS, surest_turn, turned, turned_back
from faceblur_service.detection.zoomed import ZoomedEngine
from faceblur_service.geometry import SMALL_PICTURE, Box, calibrated, merge
from faceblur_service.matching import SAME_FACE_IOU, overlap
from faceblur_service.options import Sensitivity

# Where these come from: docs/design/detection.md. An engine must be made with a threshold that is
# not above the least one here.
LEAST = 0.3
# YuNet is asked for less: what may be a small face is a reason to look closely.
HINT = 0.15
# Where YuNet is not there to confirm what MediaPipe sees.
WHOLE = 0.4
TILES = 0.5
# Where it is.
FAST = 0.4
NORMAL = 0.5
HIGH = 0.53
# In a picture so small that it is enlarged the most, more only looks like a face.
HIGH_SMALL = 0.56
MAX = 0.35
# Where `high` is nowhere so sure, the picture may be turned; if it is, what it saw upright counts
# from UPRIGHT on.
SURE = 0.9
UPRIGHT = 0.8
# What it sees in the turned one, from TURNED on: the turn itself may be wrong.
TURNED = 0.57
# `max` looks at turned pictures always, and there are three of them to be wrong in.
MAX_TURNED = 0.55
# MediaPipe's boxes are coarser: where both see a face, YuNet's box is to be kept. But its edges are
# moved towards MediaPipe's where that is sure: two networks are seldom wrong on the same side.
COARSE = 0.9
AGREED = 0.5
WEIGHT = 0.5
# `high` looks at these again, at two sizes, once mirrored; a smaller face was enlarged already.
DOUBTED = (LEAST, 0.8)
DOUBTED_SIDE = 36
CELLS = ((128, True), (160, False))
# What the first look and these two count: the mirrored one depends least on the first.
LOOKS = (1, 2, 1)
# What such a look counts that sees nothing there.
UNSEEN = 0.05
# `fast` and `normal` look again at every face, at this size; what is not seen there counts half.
CELL = 128
UNCONFIRMED = 0.5


class CombinedDetector:
    """Shares one native object per engine between all sensitivities."""

    def __init__(self, mediapipe: Engine, yunet: Engine | None = None) -> None:
        """Take over the engines: closing this closes them."""
        self._mediapipe, self._yunet = mediapipe, yunet
        self._tiled = TiledDetector(mediapipe, whole=WHOLE, tiles=TILES)
        self._any_tiled = TiledDetector(mediapipe, whole=LEAST, tiles=LEAST)
        self._all_tiles = TiledDetector(mediapipe, whole=LEAST, tiles=0.4)
        self._zoomed = ZoomedEngine(yunet) if yunet else None

    def find_faces(
        self, picture: Picture, sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        """Return a box per face, best first; see `Detector`.

        Without YuNet, fast and normal believe MediaPipe, high looks as normal does, and max at
        tiles with lower thresholds.
        """
        match sensitivity:
            case Sensitivity.FAST:
                return self._whole(picture)
            case Sensitivity.NORMAL:
                return self._normal(picture)
            case Sensitivity.HIGH:
                return self._high(picture)
            case Sensitivity.MAX:
                return self._max(picture)

    def _whole(self, picture: Picture) -> list[Box]:
        coarse = self._mediapipe.find_faces(picture)
        if self._yunet is None:
            return _at_least(coarse, WHOLE)
        return _at_least(_confirmed(self._yunet, picture, coarse), FAST)

    def _normal(self, picture: Picture) -> list[Box]:
        if self._yunet is None:
            return self._tiled.find_faces(picture)
        faces = _confirmed(self._yunet, picture, self._any_tiled.find_faces(picture))
        return _at_least(_asked_again(self._yunet, picture, faces, NORMAL), NORMAL)

    def _high(self, picture: Picture) -> list[Box]:
        if self._zoomed is None or self._yunet is None:
            return self._tiled.find_faces(picture)
        faces = self._upright(self._zoomed, self._yunet, picture)
        if any(face.score >= SURE for face in faces):
            return faces
        quarters = surest_turn(self._yunet, picture)
        if not quarters:
            return faces
        lying = self._upright(self._zoomed, self._yunet, turned(picture, quarters))
        found = _back(_at_least(lying, TURNED), quarters, picture)
        return merge(found + _at_least(faces, UPRIGHT))

    def _upright(self, zoomed: ZoomedEngine, yunet: Engine, picture: Picture) -> list[Box]:
        coarse = self._mediapipe.find_faces(picture)
        faces = merge(zoomed.find_where_needed(picture) + _coarse(coarse))
        small = picture.shape[0] * picture.shape[1] <= SMALL_PICTURE
        least = HIGH_SMALL if small else HIGH
        return _sure_of(_agreed(_asked_again(yunet, picture, faces, least), coarse), least)

    def _max(self, picture: Picture) -> list[Box]:
        coarse = self._all_tiles.find_faces(picture)
        if self._zoomed is None:
            return coarse
        # At its own size too: enlarged, a large face may be too large for the network.
        own = _own_size(picture)
        fine = self._zoomed.find_faces(picture) + self._zoomed.find_at(picture, own)
        faces = _sure_of(fine + _coarse(coarse), MAX)
        for quarters in QUARTERS:
            lying = self._zoomed.find_at(turned(picture, quarters), own)
            faces += _back(_sure_of(lying, MAX_TURNED), quarters, picture)
        return merge(faces)

    def find_leftovers(self, picture: Picture) -> list[Box]:
        """Return what still looks like a face to the best engine; see `Detector`."""
        return (self._yunet or self._mediapipe).find_faces(picture)

    def detectors(self) -> dict[str, bool]:
        """Return every engine by name, and whether it is there."""
        return {"mediapipe": True, "yunet": self._yunet is not None}

    def close(self) -> None:
        """Close the engines."""
        self._mediapipe.close()
        if self._yunet:
            self._yunet.close()


def _at_least(faces: list[Box], least: float) -> list[Box]:
    return merge(face for face in faces if face.score >= least)


def _sure_of(faces: list[Box], least: float) -> list[Box]:
    return [face for face in map(calibrated, merge(faces)) if face.score >= least]


def _confirmed(yunet: Engine, picture: Picture, coarse: list[Box]) -> list[Box]:
    """Return MediaPipe's faces as YuNet sees them: its boxes, and the mean of both scores."""
    faces = merge(coarse)
    seen = look_again(yunet, picture, faces, CELL)
    return merge(
        fine.scored((face.score + fine.score) / 2)
        if fine
        else face.scored(face.score * UNCONFIRMED)
        for face, fine in zip(faces, seen, strict=True)
    )


def _asked_again(yunet: Engine, picture: Picture, faces: list[Box], least: float) -> list[Box]:
    """Return the faces, with a mean of three looks as the score of doubtful ones.

    There is no further look where the best one could bring none of them up to `least`; all of them
    stay below it then. Else it is at all of them: who is beside it on the sheet changes a score.
    """
    doubted = [i for i, face in enumerate(faces) if _is_doubted(face)]
    asked = [faces[i] for i in doubted]
    looks = [[face.score] for face in asked]
    for side, mirrored in CELLS:
        if all(_mean(scores, rest=1.0) < least for scores in looks):
            break
        seen = look_again(yunet, picture, asked, side, mirrored=mirrored)
        for scores, box in zip(looks, seen, strict=True):
            scores.append(box.score if box else UNSEEN)
    judged = list(faces)
    for i, scores in zip(doubted, looks, strict=True):
        judged[i] = faces[i].scored(_mean(scores, rest=UNSEEN))
    return judged


def _mean(scores: list[float], *, rest: float) -> float:
    """Return the weighed mean of three looks, of which the rest has not been taken."""
    looks = scores + [rest] * (len(LOOKS) - len(scores))
    return sum(weight * score for weight, score in zip(LOOKS, looks, strict=True)) / sum(LOOKS)


def _is_doubted(face: Box) -> bool:
    least, most = DOUBTED
    return least <= face.score < most and max(face.width, face.height) >= DOUBTED_SIDE


def _agreed(faces: list[Box], coarse: list[Box]) -> list[Box]:
    """Return the faces with edges between those of both networks, where both are sure."""
    sure = [one for one in coarse if one.score >= AGREED]
    return [_between(face, sure) for face in faces]


def _between(face: Box, others: list[Box]) -> Box:
    # Nearly all are elsewhere, which is quickly seen.
    beside = [one for one in others if one.x1 < face.x2 and face.x1 < one.x2]
    same = [one for one in beside if overlap(face, one) >= SAME_FACE_IOU]
    if not same:
        return face
    weights = [face.score, *(WEIGHT * one.score for one in same)]
    corners = ((one.x1, one.y1, one.x2, one.y2) for one in (face, *same))
    whole = sum(weights)
    x1, y1, x2, y2 = (
        sum(w * at for w, at in zip(weights, edge, strict=True)) / whole
        for edge in zip(*corners, strict=True)
    )
    return Box(x1, y1, x2, y2, face.score)


def _back(faces: list[Box], quarters: int, picture: Picture) -> list[Box]:
    height, width = picture.shape[:2]
    return [turned_back(face, quarters, width, height) for face in faces]


def _coarse(faces: list[Box]) -> list[Box]:
    return [face.scored(face.score * COARSE) for face in faces]


def _own_size(picture: Picture) -> float:
    """Return 1, or less where the picture is larger than two megapixels."""
    return min(1.0, math.sqrt(2_000_000 / (picture.shape[0] * picture.shape[1])))
