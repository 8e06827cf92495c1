"""What one process carries from one decision about a rollout to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from faceblur_operator.core.baseline import NOTHING_COUNTED, Baseline
from faceblur_operator.core.counters import Seen
from faceblur_operator.core.prepared import Kept
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.spell import Spell, folded
from faceblur_operator.core.state import State


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What one process carries from decision to decision.

    Attributes:
        settled: the state after the last look that was not calm. Of what calm looks change, its
            numbers are of then, and the rest is of now: where the rollout is, weight, verdicts.
        spell: the calm looks since; see `spell.py`.
        kept: what saves work at the next look; see `prepared.py`.
        awake_since: when this process looked first; of what was before, it only knows the status.
    """

    settled: State
    seen: Mapping[str, Seen | None] = field(default_factory=dict)
    unmeasurable: Refusal | None = None
    written_at: datetime | None = None
    baseline: Baseline = NOTHING_COUNTED
    kept: Kept | None = field(default=None, compare=False, repr=False)
    awake_since: datetime | None = None
    spell: Spell | None = None

    @property
    def state(self) -> State:
        """The state after the last look."""
        return self.settled if self.spell is None else folded(self.settled, self.spell)

    def __eq__(self, other: object) -> bool:
        """Whether the same follows from both, however it is kept."""
        return isinstance(other, Memory) and self._told() == other._told()

    __hash__ = None  # type: ignore[assignment]  # what was seen is a mapping

    def _told(self) -> tuple[object, ...]:
        known = (self.unmeasurable, self.written_at, self.baseline, self.awake_since)
        return (self.state, dict(self.seen), *known)
