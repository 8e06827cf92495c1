"""What clients got: one value per request, and the sums that tests and the demo read off them.

Pure values and functions; `load.py` records them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

GRAY = "gray"


@dataclass(frozen=True, slots=True)
class Answer:
    """One request and how it ended.

    Attributes:
        sent: When it was sent, in seconds of the monotonic clock.
        ended: When the last byte was there, or when it was given up.
        status: HTTP status; 0 when there was no answer at all.
        track: The header X-Face-Blur-Track; empty when nobody said.
        version: The header X-Face-Blur-Version; empty when nobody said.
        error: Why there was no answer.
        degraded: The header X-Face-Blur-Degraded: why stable answered in gray's place.
    """

    sent: float
    ended: float
    status: int
    track: str = ""
    version: str = ""
    error: str = ""
    degraded: str = ""

    @property
    def latency_s(self) -> float:
        """Return the seconds from sending to the last byte."""
        return self.ended - self.sent

    @property
    def is_failed(self) -> bool:
        """Whether the client did not get what it asked for."""
        return not 200 <= self.status < 300

    @property
    def is_gray(self) -> bool:
        """Whether gray was asked: it answered, or stable did in its place."""
        return self.track == GRAY or bool(self.degraded)


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the answers came from gray."""

    gray: int
    total: int

    @property
    def percent(self) -> float:
        """Return the share in percent; 0 of none."""
        return 100 * self.gray / self.total if self.total else 0.0

    def __str__(self) -> str:
        return f"{self.percent:.1f} % ({self.gray} of {self.total})"


def share_of(answers: Iterable[Answer]) -> Share:
    """Return the share of gray among the answers that say who gave them."""
    known = [one for one in answers if one.track]
    return Share(sum(one.is_gray for one in known), len(known))


def failed(answers: Iterable[Answer]) -> list[Answer]:
    """Return the answers that were none, or not the wanted ones."""
    return [one for one in answers if one.is_failed]


def sent_between(answers: Iterable[Answer], begin: float, end: float) -> list[Answer]:
    """Return the answers to requests sent from `begin` on and before `end`."""
    return [one for one in answers if begin <= one.sent < end]


def percentile_s(answers: Sequence[Answer], percent: float) -> float:
    """Return the latency that `percent` of the answers do not exceed (nearest rank); 0 of none."""
    ordered = sorted(one.latency_s for one in answers)
    return ordered[max(ceil(len(ordered) * percent / 100), 1) - 1] if ordered else 0.0


def summary(answers: Sequence[Answer]) -> str:
    """Return a sentence for the message of a failed assertion."""
    kinds: dict[tuple[str, int, str], int] = {}
    for one in answers:
        kind = (one.track or "nobody", one.status, one.error)
        kinds[kind] = kinds.get(kind, 0) + 1
    said = [
        f"{count} × {status or error} from {track}"
        for (track, status, error), count in sorted(kinds.items())
    ]
    return "; ".join(said) or "no answers"
