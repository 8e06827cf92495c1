"""What one decision is asked."""

from datetime import datetime
from typing import NamedTuple

from faceblur_operator.core.errands import Report
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import Json, Snapshot


class Request(NamedTuple):
    """One look at one rollout."""

    plan: Plan
    snapshot: Snapshot
    stored_status: Json
    memory: Memory | None
    now: datetime
    reports: tuple[Report, ...] = ()
