"""From what a user wrote to a plan, or to a sentence that says what to change."""

from datetime import timedelta
from typing import Any

import pytest

from faceblur_operator.api import parse_spec
from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.compiler import Defaults, compile_plan
from faceblur_operator.core.plan import GaugeObjective, Plan, RatioObjective
from faceblur_operator.core.refusal import Refusal

DEFAULTS = Defaults("http://prometheus.monitoring:9090", (), timedelta(seconds=5))


def a_spec(**changes: Any) -> dict[str, Any]:
    return {
        "image": "ai-face-blur:1.1-gray",
        "stable": {"deployment": "face-blur-stable", "service": "face-blur-service"},
        "traffic": {"ingresses": ["face-blur-ingress"]},
        "steps": [{"weight": 5}, {"weight": 100}],
        "analysis": {"slos": [{"name": "ok", "builtin": "blurSuccess", "atLeast": "99.5%"}]},
        **changes,
    }


def with_slo(**slo: Any) -> dict[str, Any]:
    return a_spec(analysis={"slos": [{"name": "one", **slo}]})


def compiled(spec: dict[str, Any], defaults: Defaults = DEFAULTS) -> Plan | Refusal:
    return compile_plan("demo", "face-blur", parse_spec(spec), defaults)


def plan_of(spec: dict[str, Any]) -> Plan:
    plan = compiled(spec)
    assert isinstance(plan, Plan), plan
    return plan


def test_what_is_missing_is_named_after_stable() -> None:
    plan = plan_of(a_spec())

    assert (plan.gray_deployment, plan.gray_service) == (
        "face-blur-stable-gray",
        "face-blur-service-gray",
    )
    assert plan.prometheus_url == "http://prometheus.monitoring:9090"
    assert [one.weight for one in plan.steps] == [5, 100]


@pytest.mark.parametrize(
    ("slo", "want"),
    [
        pytest.param({"atLeast": "99.5%"}, (0.005, 0.015), id="one point more at least"),
        pytest.param({"atLeast": "95%"}, (0.05, 0.1), id="twice the allowed share"),
        pytest.param({"atLeast": "10%"}, (0.9, 0.95), id="never above what can be tested"),
        pytest.param({"atLeast": "99%", "unacceptable": "90%"}, (0.01, 0.1), id="as written"),
    ],
)
def test_the_unacceptable_share(slo: dict[str, str], want: tuple[float, float]) -> None:
    (made,) = plan_of(with_slo(builtin="blurSuccess", **slo)).objectives

    assert isinstance(made, RatioObjective)
    assert (made.allowed, made.unacceptable) == pytest.approx(want)


@pytest.mark.parametrize(
    ("slo", "want"),
    [
        pytest.param({"builtin": "cpu", "max": "70%"}, 0.7, id="a share of the limit"),
        pytest.param({"value": "max(queue)", "max": 20}, 20.0, id="a number"),
    ],
)
def test_the_maximum_of_a_gauge(slo: dict[str, Any], want: float) -> None:
    (made,) = plan_of(with_slo(**slo)).objectives

    assert isinstance(made, GaugeObjective)
    assert made.maximum == pytest.approx(want)


def test_answers_of_traefik_are_told_apart_by_its_names_and_compared_at_once() -> None:
    (made,) = plan_of(with_slo(builtin="ingressErrors", atLeast="99%")).objectives

    assert isinstance(made, RatioObjective)
    assert (made.same_scrape, made.is_of_gray, made.bad_is_good) == (True, False, False)
    counters = 'traefik_service_requests_total{service=~"{{namespace}}-{{ingress}}-.+"'
    told = (
        '"track", "stable", "", ""), "track", "gray", "service", ".+-canary@.+") '
        'and on (track) label_replace(vector(1), "track", "{{track}}", "", "") '
        "or 0 * traefik_config_reloads_total"
    )
    assert made.bad == f'label_replace(label_replace({counters},code=~"5.."}}, {told}'
    assert made.total == f"label_replace(label_replace({counters}}}, {told}"


@pytest.mark.parametrize(
    ("builtin", "bad", "total", "is_of_gray"),
    [
        pytest.param(
            "faceAgreement",
            'faceblur_shadow_faces_total{namespace="{{namespace}}",pod=~"{{pods}}",'
            'result=~"missed|extra"}',
            'faceblur_shadow_faces_total{namespace="{{namespace}}",pod=~"{{pods}}",'
            'result=~"matched|missed|extra"}',
            True,
            id="faces that stable found too",
        ),
        pytest.param(
            "faceRecall",
            'faceblur_probe_faces_total{namespace="{{namespace}}",track="{{track}}",'
            'result=~"missed"} and on (track, version) '
            'faceblur_info{namespace="{{namespace}}",pod=~"{{pods}}"}',
            'faceblur_probe_faces_total{namespace="{{namespace}}",track="{{track}}",'
            'result=~"found|missed"} and on (track, version) '
            'faceblur_info{namespace="{{namespace}}",pod=~"{{pods}}"}',
            False,
            id="faces that a person marked",
        ),
    ],
)
def test_accuracy_counts_faces(builtin: str, bad: str, total: str, is_of_gray: bool) -> None:
    (made,) = plan_of(with_slo(builtin=builtin, atLeast="95%", unacceptable="80%")).objectives

    assert made == RatioObjective("one", bad, total, 0.05, 0.2, None, is_of_gray=is_of_gray)


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        pytest.param(
            {"traffic": {"httpRoutes": ["r"]}}, Reason.NOT_SUPPORTED, "httpRoutes", id="routes"
        ),
        pytest.param(
            {"traffic": {"ingresses": ["a", "b"]}}, Reason.NOT_SUPPORTED, "more than one", id="two"
        ),
        pytest.param(
            {"traffic": {"ingresses": ["a"], "sticky": True}},
            Reason.NOT_SUPPORTED,
            "sticky",
            id="sticky",
        ),
        pytest.param(
            {"gates": [{"webhook": {"url": "http://board.other.svc"}}]},
            Reason.WEBHOOK_NOT_ALLOWED,
            "spec.gates[0].webhook.url",
            id="a gate elsewhere",
        ),
        pytest.param(
            with_slo(builtin="faceAgreement", atLeast="95%", versusStable={"maxRatio": 2.0}),
            Reason.INVALID_SPEC,
            "remove versusStable",
            id="agreement with stable, compared with stable",
        ),
        pytest.param(
            with_slo(ratio={"bad": "a{{typo}}", "total": "b"}, atLeast="95%"),
            Reason.INVALID_SPEC,
            "{{typo}} is not a placeholder",
            id="an unknown placeholder",
        ),
    ],
)
def test_what_does_not_work_is_refused_with_a_sentence(
    changes: dict[str, Any], reason: Reason, says: str
) -> None:
    found = compiled(a_spec(**changes))

    assert isinstance(found, Refusal)
    assert found.reason is reason
    assert says in found.message


@pytest.mark.parametrize(
    ("url", "allow", "is_allowed"),
    [
        pytest.param("http://prometheus.monitoring:9090", (), True, id="the default's host"),
        pytest.param("http://evil.example", (), False, id="another host"),
        pytest.param("http://p.team-a.svc", ("*.svc",), True, id="on the list by a pattern"),
        pytest.param("http://p.svc.evil.example", ("*.svc",), False, id="only looks like it"),
    ],
)
def test_which_prometheus_may_be_asked(
    url: str, allow: tuple[str, ...], *, is_allowed: bool
) -> None:
    analysis = {**a_spec()["analysis"], "prometheus": {"url": url}}
    defaults = Defaults(DEFAULTS.prometheus_url, allow, DEFAULTS.drain)

    found = compiled(a_spec(analysis=analysis), defaults)

    assert isinstance(found, Plan) is is_allowed


def test_no_prometheus_at_all_is_refused() -> None:
    found = compiled(a_spec(), Defaults(None, (), timedelta(seconds=5)))

    assert isinstance(found, Refusal)
    assert "spec.analysis.prometheus.url is missing" in found.message
