"""The pure functions the engine calls, as one value, so that a test can give others."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from faceblur_operator.api import FaceBlurRolloutSpec
from faceblur_operator.core.analysis import pace
from faceblur_operator.core.bridge import wanted
from faceblur_operator.core.compiler import Defaults, compile_plan, watching
from faceblur_operator.core.decide import Request, decide, queries, refuse
from faceblur_operator.core.decision import Decision
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.snapshot import Json, Snapshot
from faceblur_operator.core.state import State


class Brain(Protocol):
    """Decides; never waits, never raises for what the world does."""

    def compile(self, namespace: str, name: str, spec: FaceBlurRolloutSpec) -> Plan | Refusal:
        """Return the plan of a specification, or why there can be none.

        One that is refused still has a plan that watches what runs, where that is possible.
        """
        ...

    def decide(self, request: Request) -> Decision:
        """Return what to do now."""
        ...

    def refuse(
        self, refusal: Refusal, *, generation: int, stored_status: Json, now: datetime
    ) -> Decision:
        """Return what to do about a specification without a plan."""
        ...

    def queries(
        self, plan: Plan, snapshot: Snapshot, stored_status: Mapping[str, Any]
    ) -> dict[str, str]:
        """Return what Prometheus has to be asked."""
        ...

    def past(self, memory: Memory) -> datetime | None:
        """Return about which moment of the past Prometheus has to be asked too."""
        ...

    def pace(self, plan: Plan, state: State, now: datetime, *, asking: int) -> timedelta:
        """Return how soon Prometheus has to be asked again, while so many rollouts ask."""
        ...


class _CoreBrain:
    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults

    def compile(self, namespace: str, name: str, spec: FaceBlurRolloutSpec) -> Plan | Refusal:
        made = compile_plan(namespace, name, spec, self._defaults)
        if isinstance(made, Refusal):
            return watching(namespace, name, spec, self._defaults, made)
        return made

    def decide(self, request: Request) -> Decision:
        return decide(request)

    def refuse(
        self, refusal: Refusal, *, generation: int, stored_status: Json, now: datetime
    ) -> Decision:
        return refuse(refusal, generation=generation, stored_status=stored_status, now=now)

    def queries(
        self, plan: Plan, snapshot: Snapshot, stored_status: Mapping[str, Any]
    ) -> dict[str, str]:
        return queries(plan, snapshot, stored_status)

    def past(self, memory: Memory) -> datetime | None:
        return wanted(memory)

    def pace(self, plan: Plan, state: State, now: datetime, *, asking: int) -> timedelta:
        return pace(plan, state, now, asking=asking)


def core_brain(defaults: Defaults) -> Brain:
    """Return the decisions of the core, with the operator's settings filled in."""
    return _CoreBrain(defaults)
