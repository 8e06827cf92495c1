"""What a decision says: the state to remember and the objects that shall exist.

The engine applies it in one order: traffic, workloads, status, events.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.effects import Effect
from faceblur_operator.core.errands import Errand
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.state import State


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person asked for and what became of it; belongs into `decisions[]`."""

    action: str
    reason: Reason
    message: str
    by: str


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes event about the rollout."""

    reason: Reason
    message: str
    is_warning: bool = False


class Decision(NamedTuple):
    """The outcome of one look at one rollout.

    Attributes:
        effects: writes in their order; an empty tuple when all is as it should be.
        status: the status to store (camelCase JSON), None when it has not changed enough.
        events: sent after the status was stored.
        look_again: when to look again although nothing happens; None: only on a change.
        errands: what is asked of, and told to, others beside the looks; None: leave them.
        memory: what the next decision must be given; lost without harm when the process ends.
    """

    memory: Memory
    effects: tuple[Effect, ...]
    status: dict[str, Any] | None
    events: tuple[Event, ...]
    look_again: timedelta | None
    errands: tuple[Errand, ...] | None = None

    @property
    def state(self) -> State:
        """What the status says, as values; worked out anew each time after calm looks."""
        return self.memory.state
