"""Dashboard and alerts use only metrics and labels that exist, and the chart carries them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.helm import environment, render

from faceblur_operator.adapters.prometheus_meter import PrometheusMeter
from faceblur_operator.api.reasons import Phase, Verdict

FILES = Path(__file__).resolve().parents[2] / "charts" / "faceblur-operator" / "files"
DASHBOARD = json.loads((FILES / "dashboard.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((FILES / "alerts.yaml").read_text(encoding="utf-8"))
NAME = "faceblur-operator"
METRIC = re.compile(r"\bfaceblur_[a-z_]+")
LABEL = re.compile(r"\b([a-z_]+)=~?\"([^\"]*)\"")


def shown() -> list[str]:
    """Return every expression of the dashboard."""
    variables = [one["query"] for one in DASHBOARD["templating"]["list"]]
    return [one["expr"] for panel in DASHBOARD["panels"] for one in panel["targets"]] + variables


def alerts() -> list[dict[str, Any]]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def series() -> set[str]:
    """Return the name of every series the operator exposes once something happened."""
    meter = PrometheusMeter()
    meter.rollout("demo", "x", phase=Phase.PROGRESSING, weight=5, verdict=Verdict.PASS.value)
    meter.tick(seconds=0, lateness_seconds=0)
    meter.decision(seconds=0)
    meter.write("Ingress")
    meter.query(seconds=0, is_answered=True)
    meter.error("Bug")
    meter.gate("Agreed", seconds=0)
    meter.notification("slack", "delivered")
    return set(re.findall(r"^(faceblur_[a-z_]+)[{ ]", meter.text().decode(), flags=re.MULTILINE))


@pytest.mark.parametrize("expression", [*shown(), *(one["expr"] for one in alerts())])
def test_an_expression_uses_metrics_that_exist(expression: str) -> None:
    assert set(METRIC.findall(expression)) <= series()


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_names_words_that_exist(rule: dict[str, Any]) -> None:
    words = {label: set(value.split("|")) for label, value in LABEL.findall(rule["expr"])}

    assert words.get("phase", set()) <= set(Phase)
    assert words.get("verdict", set()) <= set(Verdict)
    assert words.get("answer", set()) <= {"Agreed", "Refused", "NoAnswer"}
    assert words.get("fate", set()) <= {"delivered", "failed", "unknown"}
    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert rule["annotations"]["summary"].endswith(".")


def test_every_metric_is_on_the_dashboard() -> None:
    used = {name for expression in shown() for name in METRIC.findall(expression)}
    families = {re.sub(r"_(bucket|count|sum|total|created)$", "", one) for one in series()}

    assert {re.sub(r"_(bucket|count|total)$", "", one) for one in used} == families


def test_the_chart_carries_both_when_asked() -> None:
    made = render(NAME, "x", "dashboard.enabled=true", "alerts.enabled=true")

    kept, rules = made.one("ConfigMap", f"{NAME}-dashboard"), made.one("PrometheusRule", NAME)
    assert json.loads(kept["data"]["faceblur-rollouts.json"]) == DASHBOARD
    assert rules["spec"] == ALERTS


def test_the_chart_hands_the_list_of_hosts_on() -> None:
    made = render(NAME, "x", "notifications.allow={*.ops.svc,*.shop.svc}")

    env = environment(made.container(NAME))
    assert env["FACEBLUR_OPERATOR_WEBHOOK_ALLOW"] == "*.ops.svc,*.shop.svc"


def test_the_chart_lets_secrets_be_read_for_notifications_alone() -> None:
    made = render(NAME, "x", "readMounts=false", "notifications.readSecrets=true")

    rights = made.one("ClusterRole", NAME)["rules"]
    assert {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]} in rights
