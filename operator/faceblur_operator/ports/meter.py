"""The operator's own measurements."""

from typing import Protocol

from faceblur_operator.api.reasons import Phase


class Meter(Protocol):
    """Counts and times what the engine does."""

    def rollout(
        self, namespace: str, name: str, *, phase: Phase, weight: int, verdict: str
    ) -> None:
        """Record where a rollout stands; verdict: empty while nothing is judged."""
        ...

    def forget(self, namespace: str, name: str) -> None:
        """Drop the series of a rollout that was deleted."""
        ...

    def tick(self, *, seconds: float, lateness_seconds: float) -> None:
        """Record one reconcile and how late it began."""
        ...

    def decision(self, *, seconds: float) -> None:
        """Record how long one decision took."""
        ...

    def write(self, kind: str) -> None:
        """Count one write to the API server."""
        ...

    def query(self, *, seconds: float, is_answered: bool) -> None:
        """Record one query to Prometheus and whether it could be read."""
        ...

    def gate(self, answer: str, *, seconds: float) -> None:
        """Record one answer of a gate and how long it took, repeated attempts included."""
        ...

    def notification(self, form: str, fate: str) -> None:
        """Count one message and what came of it."""
        ...

    def error(self, kind: str) -> None:
        """Count a reconcile that ended with this kind of error."""
        ...
