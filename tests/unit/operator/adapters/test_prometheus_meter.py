"""The operator's own measurements as Prometheus reads them."""

from faceblur_operator.adapters.prometheus_meter import PrometheusMeter
from faceblur_operator.api.reasons import Phase

NAMED = 'name="x",namespace="demo"'


def lines(meter: PrometheusMeter, name: str) -> list[str]:
    return [one for one in meter.text().decode().splitlines() if one.startswith(f"{name}{{")]


def test_rollout_has_one_phase_at_a_time() -> None:
    meter = PrometheusMeter()

    meter.rollout("demo", "x", phase=Phase.PROGRESSING, weight=5, verdict="Pass")
    meter.rollout("demo", "x", phase=Phase.PROGRESSING, weight=25, verdict="Breach")
    meter.rollout("demo", "x", phase=Phase.SUCCEEDED, weight=0, verdict="")

    want = f'faceblur_rollout_phase{{{NAMED},phase="Succeeded"}} 1.0'
    assert lines(meter, "faceblur_rollout_phase") == [want]
    assert lines(meter, "faceblur_rollout_verdict") == []
    assert lines(meter, "faceblur_rollout_weight") == [f"faceblur_rollout_weight{{{NAMED}}} 0.0"]


def test_rollout_has_one_verdict_at_a_time() -> None:
    meter = PrometheusMeter()

    for verdict in ("Insufficient", "Pass", "Pass"):
        meter.rollout("demo", "x", phase=Phase.PROGRESSING, weight=5, verdict=verdict)

    want = f'faceblur_rollout_verdict{{{NAMED},verdict="Pass"}} 1.0'
    assert lines(meter, "faceblur_rollout_verdict") == [want]


def test_rollout_that_is_gone_leaves_nothing() -> None:
    meter = PrometheusMeter()
    meter.rollout("demo", "x", phase=Phase.PROGRESSING, weight=5, verdict="Pass")

    meter.forget("demo", "x")
    meter.forget("demo", "x")

    assert lines(meter, "faceblur_rollout_phase") == []
    assert lines(meter, "faceblur_rollout_verdict") == []
    assert lines(meter, "faceblur_rollout_weight") == []


def test_everything_is_counted() -> None:
    meter = PrometheusMeter()
    meter.watch_leader(lambda: True)

    meter.tick(seconds=0.02, lateness_seconds=0.3)
    meter.write("Ingress")
    meter.query(seconds=0.1, is_answered=True)
    meter.query(seconds=2, is_answered=False)
    meter.error("ConflictError")
    meter.decision(seconds=0.0002)
    meter.gate("Agreed", seconds=0.2)
    meter.notification("slack", "unknown")

    text = meter.text().decode()
    for line in (
        "faceblur_operator_leader 1.0",
        "faceblur_operator_tick_duration_seconds_count 1.0",
        'faceblur_operator_tick_lateness_seconds_bucket{le="0.5"} 1.0',
        'faceblur_operator_writes_total{kind="Ingress"} 1.0',
        'faceblur_operator_query_duration_seconds_count{outcome="answered"} 1.0',
        'faceblur_operator_query_duration_seconds_count{outcome="failed"} 1.0',
        'faceblur_operator_errors_total{kind="ConflictError"} 1.0',
        'faceblur_operator_decision_duration_seconds_bucket{le="0.00025"} 1.0',
        'faceblur_operator_gate_duration_seconds_bucket{answer="Agreed",le="0.25"} 1.0',
        'faceblur_operator_notifications_total{fate="unknown",form="slack"} 1.0',
    ):
        assert line in text
