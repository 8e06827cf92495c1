"""The operator's own measurements, for Prometheus to scrape."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from faceblur_operator.api.reasons import Phase

LATENESS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
DECISION_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05)
GATE_SECONDS = (0.05, 0.25, 1, 5, 10, 30, 60, 300)
SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class PrometheusMeter:
    """The `Meter` behind `/metrics`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        where = ("namespace", "name")
        self._phase = Gauge(
            "faceblur_rollout_phase",
            "1 for the phase a rollout is in",
            (*where, "phase"),
            registry=self._registry,
        )
        self._weight = Gauge(
            "faceblur_rollout_weight",
            "Percent of the traffic sent to gray",
            where,
            registry=self._registry,
        )
        self._verdict = Gauge(
            "faceblur_rollout_verdict",
            "1 for what the evidence says about a rollout",
            (*where, "verdict"),
            registry=self._registry,
        )
        self._decision = Histogram(
            "faceblur_operator_decision_duration_seconds",
            "Duration of one decision, without reading and writing",
            buckets=DECISION_SECONDS,
            registry=self._registry,
        )
        self._writes = Counter(
            "faceblur_operator_writes",
            "Writes to the API server",
            ("kind",),
            registry=self._registry,
        )
        self._errors = Counter(
            "faceblur_operator_errors",
            "Looks that failed, by error",
            ("kind",),
            registry=self._registry,
        )
        self._tick = Histogram(
            "faceblur_operator_tick_duration_seconds",
            "Duration of one look at one rollout",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._lateness = Histogram(
            "faceblur_operator_tick_lateness_seconds",
            "How long after its cause a look began",
            buckets=LATENESS,
            registry=self._registry,
        )
        self._query = Histogram(
            "faceblur_operator_query_duration_seconds",
            "Duration of one batched query to Prometheus",
            ("outcome",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._gates = Histogram(
            "faceblur_operator_gate_duration_seconds",
            "How long a gate took to answer, repeated attempts included",
            ("answer",),
            buckets=GATE_SECONDS,
            registry=self._registry,
        )
        self._notifications = Counter(
            "faceblur_operator_notifications",
            "Messages sent, by form and what came of them",
            ("form", "fate"),
            registry=self._registry,
        )
        self._leader = Gauge(
            "faceblur_operator_leader", "1 when this process leads", registry=self._registry
        )
        self._phases: dict[tuple[str, str], Phase] = {}
        self._verdicts: dict[tuple[str, str], str] = {}

    def watch_leader(self, is_leading: Callable[[], bool]) -> None:
        """Show at each scrape whether this process leads."""
        self._leader.set_function(lambda: float(is_leading()))

    def rollout(
        self, namespace: str, name: str, *, phase: Phase, weight: int, verdict: str
    ) -> None:
        """Record where a rollout stands."""
        self._weight.labels(namespace, name).set(weight)
        self._judge(namespace, name, verdict)
        before = self._phases.get((namespace, name))
        if before is phase:
            return
        if before is not None:
            self._phase.remove(namespace, name, before.value)
        self._phases[namespace, name] = phase
        self._phase.labels(namespace, name, phase.value).set(1)

    def forget(self, namespace: str, name: str) -> None:
        """Drop the series of a rollout that was deleted."""
        before = self._phases.pop((namespace, name), None)
        if before is not None:
            self._phase.remove(namespace, name, before.value)
            self._weight.remove(namespace, name)
        self._judge(namespace, name, "")

    def _judge(self, namespace: str, name: str, verdict: str) -> None:
        before = self._verdicts.pop((namespace, name), "")
        if before and before != verdict:
            self._verdict.remove(namespace, name, before)
        if verdict:
            self._verdicts[namespace, name] = verdict
            self._verdict.labels(namespace, name, verdict).set(1)

    def tick(self, *, seconds: float, lateness_seconds: float) -> None:
        """Record one look and how late it began."""
        self._tick.observe(seconds)
        self._lateness.observe(lateness_seconds)

    def decision(self, *, seconds: float) -> None:
        """Record how long one decision took."""
        self._decision.observe(seconds)

    def write(self, kind: str) -> None:
        """Count one write to the API server."""
        self._writes.labels(kind).inc()

    def query(self, *, seconds: float, is_answered: bool) -> None:
        """Record one query to Prometheus and whether it could be read."""
        self._query.labels("answered" if is_answered else "failed").observe(seconds)

    def gate(self, answer: str, *, seconds: float) -> None:
        """Record one answer of a gate and how long it took."""
        self._gates.labels(answer).observe(seconds)

    def notification(self, form: str, fate: str) -> None:
        """Count one message and what came of it."""
        self._notifications.labels(form, fate).inc()

    def error(self, kind: str) -> None:
        """Count a look that ended with this kind of error."""
        self._errors.labels(kind).inc()

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self._registry)
