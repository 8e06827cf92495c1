"""Reading from and writing to the API server."""

from dataclasses import dataclass
from typing import Any, Protocol

from faceblur_operator.core.decision import Event
from faceblur_operator.core.effects import Effect
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import Json, Snapshot


@dataclass(frozen=True, slots=True)
class Key:
    """Names one rollout."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A FaceBlurRollout as read: its spec and status still plain JSON."""

    key: Key
    uid: str
    generation: int
    resource_version: str
    manifest: Json


class ClusterReader(Protocol):
    """Reads what a decision looks at; nothing it returns is older than the last write."""

    async def resource(self, key: Key) -> Resource | None:
        """Return the rollout, or None when it is gone or being deleted."""
        ...

    async def snapshot(self, resource: Resource, plan: Plan) -> Snapshot:
        """Return everything the plan names (`samples` is None: the engine asks Prometheus)."""
        ...


class ClusterWriter(Protocol):
    """Writes; every method checks the fence first."""

    async def apply(self, key: Key, effect: Effect) -> None:
        """Carry out one effect.

        Raises:
            ClusterError: see `ports/errors.py`; `ConflictError` when the object changed meanwhile.
        """
        ...

    async def store_status(self, resource: Resource, status: dict[str, Any]) -> None:
        """Replace the status, guarded by the resource version that was read."""
        ...


class EventSink(Protocol):
    """Sends events about a rollout."""

    async def send(self, resource: Resource, events: tuple[Event, ...]) -> None:
        """Send them; a failure is logged and never stops a rollout."""
        ...
