"""What Prometheus sees; every series carries `track` and `version`."""

from collections.abc import Mapping
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# 0.3 s is the promise for P95, so it must be an edge.
REQUEST_BUCKETS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
STAGES = ("decode", "detect", "blur", "encode")

_OWN = ("track", "version")


class Outcome(StrEnum):
    """How a blur request ended."""

    SUCCESS = "success"
    CLIENT_ERROR = "client_error"
    REJECTED = "rejected"
    ERROR = "error"
    DEGRADED = "degraded"


class Metrics:
    """The metrics of one process."""

    def __init__(self, *, track: str, version: str) -> None:
        """Create every series at zero: a counter that appears with its first error hides it."""
        self.registry = CollectorRegistry()
        self._own = {"track": track, "version": version}
        self._requests = Counter(
            "faceblur_requests",
            "Blur requests by outcome.",
            (*_OWN, "outcome", "opted_in"),
            registry=self.registry,
        )
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
        self._faces = Counter(
            "faceblur_faces", "Faces found and hidden.", _OWN, registry=self.registry
        )
        info = Gauge("faceblur_info", "Always 1.", _OWN, registry=self.registry)
        info.labels(**self._own).set(1)
        self._faces.labels(**self._own)
        for opted_in in ("true", "false"):
            self._duration.labels(**self._own, opted_in=opted_in)
            for outcome in Outcome:
                self._requests.labels(**self._own, outcome=outcome.value, opted_in=opted_in)
        for stage in STAGES:
            self._stages.labels(**self._own, stage=stage)

    def answered(self, outcome: Outcome, *, opted_in: bool, seconds: float) -> None:
        """Count one answered blur request."""
        flag = "true" if opted_in else "false"
        self._requests.labels(**self._own, outcome=outcome.value, opted_in=flag).inc()
        if outcome is not Outcome.CLIENT_ERROR:
            self._duration.labels(**self._own, opted_in=flag).observe(seconds)

    def hidden(self, faces: int, stage_seconds: Mapping[str, float]) -> None:
        """Count one hidden picture."""
        self._faces.labels(**self._own).inc(faces)
        for stage, seconds in stage_seconds.items():
            self._stages.labels(**self._own, stage=stage).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
