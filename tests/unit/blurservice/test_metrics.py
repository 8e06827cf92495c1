"""What Prometheus sees."""

import pytest

from faceblur_service.metrics import REQUEST_BUCKETS, Metrics, Outcome

OWN = {"track": "gray", "version": "1.1"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(**OWN)


def _value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, OWN | labels)


def test_every_counter_starts_at_zero(metrics: Metrics) -> None:
    found = {
        (outcome, flag): _value(metrics, "faceblur_requests_total", outcome=outcome, opted_in=flag)
        for outcome in Outcome
        for flag in ("true", "false")
    }

    assert set(found.values()) == {0.0}
    assert len(found) == 10


def test_the_promised_latency_is_a_bucket_edge() -> None:
    assert REQUEST_BUCKETS == (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)


@pytest.mark.parametrize(
    ("outcome", "want_observed"),
    [
        (Outcome.SUCCESS, 1.0),
        (Outcome.CLIENT_ERROR, 0.0),
        (Outcome.REJECTED, 1.0),
        (Outcome.ERROR, 1.0),
        (Outcome.DEGRADED, 1.0),
    ],
)
def test_only_the_callers_own_errors_have_no_duration(
    metrics: Metrics, outcome: Outcome, want_observed: float
) -> None:
    metrics.answered(outcome, opted_in=True, seconds=0.25)

    assert _value(metrics, "faceblur_requests_total", outcome=outcome, opted_in="true") == 1
    name = "faceblur_request_duration_seconds_bucket"
    assert _value(metrics, name, opted_in="true", le="0.3") == want_observed
    assert _value(metrics, name, opted_in="true", le="0.2") == 0
    assert _value(metrics, name, opted_in="false", le="+Inf") == 0


def test_a_hidden_picture_counts_faces_and_stages(metrics: Metrics) -> None:
    metrics.hidden(3, {"decode": 0.002, "detect": 0.02, "blur": 0.001, "encode": 0.001})

    assert _value(metrics, "faceblur_faces_total") == 3
    assert _value(metrics, "faceblur_stage_duration_seconds_sum", stage="detect") == 0.02


def test_the_text_names_the_process(metrics: Metrics) -> None:
    assert b'faceblur_info{track="gray",version="1.1"} 1.0' in metrics.text()
