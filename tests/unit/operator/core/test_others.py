"""Preflight, gates and channels from a specification; which hosts may be called."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.errands import a_channel, a_gate
from tests.support.specs import a_spec

from faceblur_operator.api import parse_spec
from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.errands import Form, Moment, Occasion, SecretKey
from faceblur_operator.core.hosts import OWN_SERVICES, is_allowed
from faceblur_operator.core.others import Others, compile_others
from faceblur_operator.core.plan import Preflight
from faceblur_operator.core.refusal import Refusal

ENDS = frozenset({Occasion.PROMOTED, Occasion.ROLLED_BACK, Occasion.ABORTED})


def compiled(**spec: Any) -> Others | Refusal:
    return compile_others("demo", parse_spec(a_spec(**spec)), OWN_SERVICES)


def test_nothing_is_asked_where_nothing_is_said() -> None:
    assert compiled() == Others(None, (), ())


def test_everything_that_can_be_said() -> None:
    told = {"url": "http://hook.demo.svc/told", "secretRef": {"name": "chat"}}
    asked = {"url": "http://board.demo.svc/ask", "timeout": "3s", "retries": 0}

    found = compiled(
        preflight={"probe": "95%"},
        gates=[{"webhook": asked, "at": "start"}, {"name": "last", "webhook": asked}],
        notifications=[
            {"webhook": told},
            {"name": "team", "dingTalk": {"url": "https://oapi.dingtalk.com/x"}, "on": ["Step"]},
            {"slack": {"urlFrom": {"name": "chat", "key": "slack"}}},
        ],
    )

    gate = a_gate(timeout=timedelta(seconds=3), retries=0)
    assert found == Others(
        Preflight(stable_healthy=True, probe=0.95),
        (
            a_gate("gate-1", at=Moment.START, timeout=gate.timeout, retries=0),
            a_gate("last", timeout=gate.timeout, retries=0),
        ),
        (
            a_channel("notification-1", key_from=SecretKey("chat", "token"), on=ENDS),
            a_channel(
                "team",
                form=Form.DING_TALK,
                url="https://oapi.dingtalk.com/x",
                on=frozenset({Occasion.STEP}),
            ),
            a_channel(
                "notification-3",
                form=Form.SLACK,
                url=None,
                url_from=SecretKey("chat", "slack"),
                on=ENDS,
            ),
        ),
    )


def test_the_gray_channel_is_ended_at_the_stable_service_when_a_release_ends() -> None:
    opt_in = {"cookie": "gray", "purge": {"secretRef": {"name": "admin"}}}

    found = compiled(traffic={"ingresses": ["face-blur-ingress"], "optIn": opt_in})

    purge = a_channel(
        "purge",
        form=Form.PURGE,
        url="http://face-blur-service.demo.svc/api/v1/admin/gray-users",
        key_from=SecretKey("admin", "token"),
        on=ENDS,
    )
    assert found == Others(None, (), (purge,))


@pytest.mark.parametrize(
    ("spec", "want_reason", "want"),
    [
        pytest.param(
            {
                "traffic": {
                    "ingresses": ["face-blur-ingress"],
                    "optIn": {
                        "cookie": "gray",
                        "purge": {"url": "http://other.test", "secretRef": {"name": "admin"}},
                    },
                }
            },
            Reason.WEBHOOK_NOT_ALLOWED,
            "spec.traffic.optIn.purge.url: host 'other.test'",
            id="a token sent elsewhere",
        ),
        pytest.param(
            {"gates": [{"webhook": {"url": "http://169.254.169.254/latest"}}]},
            Reason.WEBHOOK_NOT_ALLOWED,
            "spec.gates[0].webhook.url: host '169.254.169.254' is not on the operator's list "
            "(*.demo.svc, *.demo.svc.cluster.local)",
            id="a gate that nobody allowed",
        ),
        pytest.param(
            {"notifications": [{"slack": {"url": "https://hooks.slack.com.evil.test/x"}}]},
            Reason.WEBHOOK_NOT_ALLOWED,
            "spec.notifications[0].slack.url: host 'hooks.slack.com.evil.test'",
            id="a chat that is none",
        ),
        pytest.param(
            {
                "gates": [{"name": "x", "webhook": {"url": "http://x.demo.svc"}}],
                "notifications": [{"name": "x", "webhook": {"url": "http://x.demo.svc"}}],
            },
            Reason.INVALID_SPEC,
            "are called x",
            id="one name twice",
        ),
    ],
)
def test_what_must_not_be_is_refused_with_what_to_change(
    spec: dict[str, Any], want_reason: Reason, want: str
) -> None:
    found = compiled(**spec)

    assert isinstance(found, Refusal)
    assert found.reason is want_reason
    assert want in found.message


@pytest.mark.parametrize(
    ("url", "want"),
    [
        ("http://board.demo.svc/x", True),
        ("http://BOARD.demo.svc.:8080", True),
        ("http://board.demo.svc.cluster.local", True),
        ("http://board.demo.svc.evil.test", False),
        ("http://board.demo.svc@evil.test/", False),
        ("http://board.other.svc", False),
        ("http://demo.svc", False),
        ("http:///x", False),
        ("http://[bad/", False),
    ],
)
def test_only_services_of_its_own_namespace_unless_more_is_allowed(url: str, want: bool) -> None:
    assert is_allowed(url, OWN_SERVICES, namespace="demo") is want
