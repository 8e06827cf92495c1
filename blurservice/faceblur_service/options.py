"""What a caller may choose for one picture: how to hide, how hard to look, or where to hide.

Used by every entrance: the HTTP API, the command line, the Python API.
"""

from dataclasses import dataclass
from enum import StrEnum

from faceblur_service.geometry import Box


class Mode(StrEnum):
    """How a face is hidden."""

    BLUR = "blur"
    """Mean colours of a 4 x 4 grid, blended: inconspicuous; strength follows the face's size."""

    MOSAIC = "mosaic"
    """The same grid, as squares."""

    SOLID = "solid"
    """One colour that has nothing to do with the face: the only mode that is irreversible."""

    EMOJI = "emoji"
    """A drawn, smiling face."""


class Strength(StrEnum):
    """How little is left of a face in the modes that leave something: blur and mosaic."""

    NORMAL = "normal"
    """Sixteen mean colours."""

    STRONG = "strong"
    """Nine mean colours, with noise."""


class Sensitivity(StrEnum):
    """How hard to look for faces."""

    FAST = "fast"
    """MediaPipe once on the whole picture, and YuNet at what it sees: misses small, far-away
    faces."""

    NORMAL = "normal"
    """MediaPipe on the whole picture and on overlapping tiles of it, and YuNet at what it sees."""

    HIGH = "high"
    """MediaPipe and YuNet on the whole picture."""

    MAX = "max"
    """Everything, and less sure faces count too: for pictures where a missed face is worse than
    a hidden hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One picture's options."""

    mode: Mode = Mode.BLUR
    strength: Strength = Strength.NORMAL
    """Counts for blur and mosaic only: solid and emoji leave nothing to weaken."""

    sensitivity: Sensitivity = Sensitivity.HIGH

    boxes: tuple[Box, ...] | None = None
    """A person's corrected boxes: exactly these are hidden and no detector decides. None: hide
    what is found. Empty: hide nothing."""
