"""What one process carries from one decision about a rollout to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from faceblur_operator.core.baseline import NOTHING_COUNTED, Baseline
from faceblur_operator.core.counters import Seen
from faceblur_operator.core.prepared import Kept
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.state import State


@dataclass(frozen=True, slots=True)
class Memory:
    """What one process carries from decision to decision.

    Attributes:
        kept: what saves work at the next look; see `prepared.py`.
        awake_since: when this process looked first; of what was before, it only knows the status.
    """

    state: State
    seen: Mapping[str, Seen | None] = field(default_factory=dict)
    unmeasurable: Refusal | None = None
    written_at: datetime | None = None
    baseline: Baseline = NOTHING_COUNTED
    kept: Kept | None = field(default=None, compare=False, repr=False)
    awake_since: datetime | None = None
