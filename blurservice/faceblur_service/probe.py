"""Labelled pictures against a running service: does the version that users reach find faces?

Pictures whose faces are known are sent to `/api/v1/detect` like a user's, and what comes back is
compared with the labels. Counted by the track and version that answered, as its headers say.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceblur_service.errors import FaceBlurError
from faceblur_service.geometry import Box
from faceblur_service.matching import match

TIMEOUT_S = 30.0
LEAST_SIDE = 16
"""Pixels of the longer side: no detector promises to see smaller faces."""


class ProbeError(FaceBlurError):
    """The probe cannot work like this."""

    code = "probe-unusable"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and its faces."""

    path: Path
    faces: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said about a picture."""

    track: str
    version: str
    faces: tuple[Box, ...] | None
    """None: it failed."""

    why: str | None = None
    """Of a failure: which service said or did what."""


Ask = Callable[[bytes], Answer]


@dataclass(slots=True)
class Tally:
    """What one track and version found."""

    found: int = 0
    missed: int = 0
    extra: int = 0
    """Boxes where nobody labelled a face."""

    answered: int = 0
    failed: int = 0
    why: str | None = None
    """Of the last failure."""

    @property
    def recall(self) -> float | None:
        """Found faces per labelled one; None without any."""
        labelled = self.found + self.missed
        return self.found / labelled if labelled else None

    @property
    def precision(self) -> float | None:
        """Right boxes per box; None without any."""
        boxes = self.found + self.extra
        return self.found / boxes if boxes else None


@dataclass(slots=True)
class Tallies:
    """Tallies by track and version."""

    by: dict[tuple[str, str], Tally] = field(default_factory=dict)

    def count(self, answer: Answer, labelled: Sequence[Box], least_side: float) -> None:
        """Add one answer."""
        tally = self.by.setdefault((answer.track, answer.version), Tally())
        if answer.faces is None:
            tally.failed, tally.why = tally.failed + 1, answer.why
            return
        tally.answered += 1
        result = match(answer.faces, labelled)
        # Small faces are neither asked for nor held against a detector that sees them.
        wanted = {i for i, face in enumerate(labelled) if _side(face) >= least_side}
        hits = [j for _, j in result.pairs if j in wanted]
        tally.found += len(hits)
        tally.missed += len(wanted) - len(hits)
        tally.extra += sum(_side(answer.faces[i]) >= least_side for i in result.extra)


def labels(path: Path) -> list[Labelled]:
    """Return the labelled pictures of a file; pictures are named from its own folder.

    Args:
        path: What `faceblur detect` prints, corrected by a person; or a list of
            `{"file": …, "boxes": [[x1, y1, x2, y2], …]}`.

    Raises:
        ProbeError: The file cannot be used.
    """
    try:
        whole = json.loads(path.read_bytes())
        rows = whole["pictures"] if isinstance(whole, dict) else whole
        read = [Labelled(path.parent / row["file"], _faces(row)) for row in rows]
    except OSError as err:
        raise ProbeError(f"{path} cannot be read: {err.strerror}.") from err
    except (ValueError, KeyError, TypeError, RecursionError) as err:
        raise ProbeError(f"{path} holds no labels: {type(err).__name__} {err}.") from err
    missing = [str(one.path) for one in read if not one.path.is_file()]
    if missing or not read:
        raise ProbeError(f"{path} names no picture that is there: {', '.join(missing[:3])}.")
    return read


def ask_over_http(url: str, headers: Mapping[str, str]) -> Ask:
    """Return what asks the service at an address, with some more headers."""
    address = url.rstrip("/") + "/api/v1/detect"
    if not address.startswith(("http://", "https://")):
        raise ProbeError(f"{url} is no http address.")

    def ask(data: bytes) -> Answer:
        given = {"Content-Type": "image/*", **headers}
        request = urllib.request.Request(address, data, given)  # noqa: S310 - http only, see above
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as said:  # noqa: S310
                return _answer(said.headers, _boxes(json.loads(said.read())))
        except urllib.error.HTTPError as err:
            with err:
                return _answer(err.headers, None, f"{url} answered HTTP {err.code}")
        except OSError as err:
            why = getattr(err, "reason", err)
            return Answer(
                "unknown", "unknown", None, f"{url}: {getattr(why, 'strerror', 0) or why}"
            )
        except (ValueError, KeyError, TypeError):
            why = f"{url} answered, but not as a face blur service does"
            return Answer("unknown", "unknown", None, why)

    return ask


def run(asks: Iterable[Ask], pictures: Sequence[Labelled], tallies: Tallies, least: float) -> None:
    """Ask every service about every picture, one after the other: users go first.

    Raises:
        ProbeError: A picture cannot be read.
    """
    asks = list(asks)
    for picture in pictures:
        try:
            data = picture.path.read_bytes()
        except OSError as err:
            raise ProbeError(f"{picture.path} cannot be read: {err.strerror}.") from err
        for ask in asks:
            tallies.count(ask(data), picture.faces, least)


def prometheus_text(tallies: Tallies) -> str:
    """Return the tallies in Prometheus' text format."""
    return "".join(f"{line}\n" for line in _lines(tallies))


def _lines(tallies: Tallies) -> Iterator[str]:
    yield "# HELP faceblur_probe_faces_total Labelled faces, by whether they were found."
    yield "# TYPE faceblur_probe_faces_total counter"
    yield from _series(tallies, "faceblur_probe_faces_total", "result", ("found", "missed"))
    yield "# HELP faceblur_probe_extra_total Boxes where nobody labelled a face."
    yield "# TYPE faceblur_probe_extra_total counter"
    for own, tally in _sorted(tallies):
        yield f"faceblur_probe_extra_total{{{own}}} {tally.extra}"
    yield "# HELP faceblur_probe_pictures_total Labelled pictures that were sent, by outcome."
    yield "# TYPE faceblur_probe_pictures_total counter"
    yield from _series(tallies, "faceblur_probe_pictures_total", "outcome", ("answered", "failed"))


def _series(tallies: Tallies, name: str, label: str, values: Sequence[str]) -> Iterator[str]:
    for own, tally in _sorted(tallies):
        for value in values:
            yield f'{name}{{{own},{label}="{value}"}} {getattr(tally, value)}'


def _sorted(tallies: Tallies) -> Iterator[tuple[str, Tally]]:
    for (track, version), tally in sorted(tallies.by.items()):
        yield f'track="{_escaped(track)}",version="{_escaped(version)}"', tally


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _answer(headers: Any, faces: tuple[Box, ...] | None, why: str | None = None) -> Answer:
    track = headers.get("X-Face-Blur-Track", "unknown")
    return Answer(track, headers.get("X-Face-Blur-Version", "unknown"), faces, why)


def _faces(row: dict[str, Any]) -> tuple[Box, ...]:
    if "boxes" in row:
        return tuple(Box(*(float(number) for number in box)) for box in row["boxes"])
    return _boxes(row)


def _boxes(row: dict[str, Any]) -> tuple[Box, ...]:
    return tuple(
        Box(x, y, x + float(face["width"]), y + float(face["height"]))
        for face in row["faces"]
        for x, y in [(float(face["x"]), float(face["y"]))]
    )


def _side(box: Box) -> float:
    return max(box.width, box.height)
