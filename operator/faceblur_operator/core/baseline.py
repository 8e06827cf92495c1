"""What was counted before gray got its first request; see `preflight.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from faceblur_operator.core.counters import Seen
from faceblur_operator.core.evidence import Counts


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was counted of stable, and of the probe, since gray became ready.

    Attributes:
        of: the revision it is about.
        begun: when the present window began.
        counts: events of stable, or of the probe, by objective.
        values: stable's last values, by gauge.
        problems: why something could not be told at the last look, by objective.
    """

    of: str = ""
    begun: datetime | None = None
    counts: Mapping[str, Counts] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, Seen | None] = field(default_factory=dict)


NOTHING_COUNTED = Baseline()
