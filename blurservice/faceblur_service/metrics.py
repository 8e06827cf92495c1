"""What Prometheus sees; every series carries `track` and `version`."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

# 0.3 s is the promise for P95, so it must be an edge.
REQUEST_BUCKETS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
STAGES = ("decode", "detect", "blur", "encode")
REASONS = ("slow", "queue-full", "detection-failed", "encoding-failed", "internal-error")
"""Why stable answered for gray."""

SHADOW_FACES = ("matched", "missed", "extra")
SHADOW_PICTURES = ("compared", "dropped", "failed")

_OWN = ("track", "version")


class Outcome(StrEnum):
    """How a blur request ended."""

    SUCCESS = "success"
    CLIENT_ERROR = "client_error"
    REJECTED = "rejected"
    ERROR = "error"
    DEGRADED = "degraded"


def outcome_of(status: int, *, degraded: bool) -> Outcome:
    """Return what an answer of that status counts as."""
    if degraded:
        return Outcome.DEGRADED
    if status == 503:
        return Outcome.REJECTED
    if status >= 500:
        return Outcome.ERROR
    return Outcome.CLIENT_ERROR if status >= 400 else Outcome.SUCCESS


class Metrics:
    """The metrics of one process."""

    def __init__(self, *, track: str, version: str) -> None:
        """Create every series at zero: a counter that appears with its first error hides it."""
        self.registry = CollectorRegistry()
        self._own = {"track": track, "version": version}
        self._requests = self._counter("requests", "Blur requests by outcome.", "outcome opted_in")
        self._duration = Histogram(
            "faceblur_request_duration_seconds",
            "Seconds to answer a blur request, without the caller's own errors.",
            (*_OWN, "opted_in"),
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "faceblur_stage_duration_seconds",
            "Seconds per stage of a hidden picture.",
            (*_OWN, "stage"),
            buckets=STAGE_BUCKETS,
            registry=self.registry,
        )
        self._faces = self._counter("faces", "Faces found and hidden.")
        self._hidden_again = self._counter(
            "faces_after_hiding", "Faces that still looked like one and were hidden harder."
        )
        self._rejected = self._counter("rejected", "Requests refused, by code.", "reason")
        self._degraded = self._counter(
            "degraded", "Pictures that gray could not answer, and whether stable did.",
            "reason result",
        )  # fmt: skip
        self._shadow_faces = self._counter(
            "shadow_faces", "Faces of compared pictures: what stable sees is right.", "result"
        )
        self._shadow_pictures = self._counter(
            "shadow_pictures", "Pictures of the comparison with stable.", "result"
        )
        info = Gauge("faceblur_info", "Always 1.", _OWN, registry=self.registry)
        info.labels(**self._own).set(1)
        self._start()

    def _counter(self, name: str, text: str, labels: str = "") -> Counter:
        return Counter(f"faceblur_{name}", text, (*_OWN, *labels.split()), registry=self.registry)

    def _start(self) -> None:
        for counter in (self._faces, self._hidden_again):
            counter.labels(**self._own)
        for opted_in in ("true", "false"):
            self._duration.labels(**self._own, opted_in=opted_in)
            for outcome in Outcome:
                self._requests.labels(**self._own, outcome=outcome.value, opted_in=opted_in)
        for stage in STAGES:
            self._stages.labels(**self._own, stage=stage)
        for reason in REASONS:
            for result in ("answered", "failed"):
                self._degraded.labels(**self._own, reason=reason, result=result)
        for result in SHADOW_FACES:
            self._shadow_faces.labels(**self._own, result=result)
        for result in SHADOW_PICTURES:
            self._shadow_pictures.labels(**self._own, result=result)

    def answered(self, outcome: Outcome, *, opted_in: bool, seconds: float) -> None:
        """Count one answered blur request."""
        flag = "true" if opted_in else "false"
        self._requests.labels(**self._own, outcome=outcome.value, opted_in=flag).inc()
        if outcome is not Outcome.CLIENT_ERROR:
            self._duration.labels(**self._own, opted_in=flag).observe(seconds)

    def hidden(self, faces: int, stage_seconds: Mapping[str, float], hidden_again: int = 0) -> None:
        """Count one hidden picture."""
        self._faces.labels(**self._own).inc(faces)
        self._hidden_again.labels(**self._own).inc(hidden_again)
        for stage, seconds in stage_seconds.items():
            self._stages.labels(**self._own, stage=stage).observe(seconds)

    def rejected(self, code: str) -> None:
        """Count one refused request; codes are few and our own."""
        self._rejected.labels(**self._own, reason=code).inc()

    def fell_back(self, reason: str, *, worked: bool) -> None:
        """Count one picture that gray could not answer."""
        result = "answered" if worked else "failed"
        self._degraded.labels(**self._own, reason=reason, result=result).inc()

    def shadowed(self, result: str) -> None:
        """Count one picture of the comparison."""
        self._shadow_pictures.labels(**self._own, result=result).inc()

    def shadow_faces(self, *, matched: int, missed: int, extra: int) -> None:
        """Count the faces of one compared picture."""
        counts = zip(SHADOW_FACES, (matched, missed, extra), strict=True)
        for result, count in counts:
            self._shadow_faces.labels(**self._own, result=result).inc(count)

    def observe(self, parts: Iterable[Callable[["Readings"], None]]) -> None:
        """Ask these at every scrape for what they know only then."""
        self.registry.register(_Asked(self._own, list(parts)))

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class Readings:
    """Takes the values of one scrape."""

    def __init__(self, own: Mapping[str, str]) -> None:
        """Start with none."""
        self._own = own
        self.families: dict[str, Metric] = {}

    def gauge(self, name: str, text: str, value: float, **labels: str) -> None:
        """Add a value that goes up and down."""
        self._add(GaugeMetricFamily, name, text, value, labels)

    def counter(self, name: str, text: str, value: float, **labels: str) -> None:
        """Add a value that only grows."""
        self._add(CounterMetricFamily, name, text, value, labels)

    def _add(
        self,
        kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
        name: str,
        text: str,
        value: float,
        labels: Mapping[str, str],
    ) -> None:
        names = [*self._own, *labels]
        family = self.families.setdefault(name, kind(f"faceblur_{name}", text, labels=names))
        assert isinstance(family, GaugeMetricFamily | CounterMetricFamily)  # noqa: S101 - ours
        family.add_metric([*self._own.values(), *labels.values()], value)


class _Asked(Collector):
    def __init__(self, own: Mapping[str, str], parts: list[Callable[[Readings], None]]) -> None:
        self._own, self._parts = own, parts

    def collect(self) -> Iterable[Metric]:
        readings = Readings(self._own)
        for part in self._parts:
            part(readings)
        return list(readings.families.values())
