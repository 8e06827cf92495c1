"""Plans for tests: a good default and one word for each thing that differs."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from faceblur_operator.core.plan import (
    GaugeObjective,
    OnSharedBreach,
    OptIn,
    Plan,
    RatioObjective,
    Step,
)


def a_ratio(name: str = "success", **changes: Any) -> RatioObjective:
    one = RatioObjective(
        name=name,
        bad='requests{pod=~"{{pods}}",outcome="error"}',
        total='requests{pod=~"{{pods}}"}',
        allowed=0.005,
        unacceptable=0.03,
        max_ratio=None,
    )
    return replace(one, **changes)


def a_gauge(name: str = "queue", **changes: Any) -> GaugeObjective:
    return replace(GaugeObjective(name, "max(queue)", 20.0, 3), **changes)


def a_plan(*weights: int, hold: float = 10, **changes: Any) -> Plan:
    """Return a plan with these steps (5, 25, 50, 100 by default), each held for `hold` seconds."""
    plan = Plan(
        namespace="demo",
        name="face-blur",
        image="ai-face-blur:1.1-gray",
        container=None,
        stable_deployment="face-blur-stable",
        stable_service="face-blur-service",
        gray_deployment="face-blur-gray",
        gray_service="face-blur-gray-service",
        gray_env=(("ENABLE_GRAY_FEATURE", "true"),),
        min_replicas=1,
        max_replicas=10,
        ingress="face-blur-ingress",
        opt_in=OptIn("X-Gray-Enable", "true", "gray"),
        steps=tuple(Step(w, timedelta(seconds=hold)) for w in weights or (5, 25, 50, 100)),
        objectives=(a_ratio(),),
        prometheus_url="http://prometheus.monitoring:9090",
        interval=timedelta(seconds=1),
        warmup=timedelta(0),
        false_rollback=0.01,
        bad_promotion=0.01,
        no_data_rollback_after=timedelta(minutes=15),
        on_shared_breach=OnSharedBreach.HOLD,
        progress_deadline=timedelta(minutes=30),
        scale_down_delay=timedelta(seconds=30),
        drain=timedelta(seconds=5),
        suspended=False,
    )
    return replace(plan, **changes)
