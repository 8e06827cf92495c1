"""Gates, channels and letters for tests: a good default, one word for what differs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from faceblur_operator.core.errands import (
    Channel,
    Form,
    Gate,
    Letter,
    Moment,
    Notice,
    Occasion,
    Question,
    SecretKey,
)

AT = datetime(2026, 1, 1, 12, 0, 5, 250_000, tzinfo=UTC)
KEY = SecretKey("chat", "token")


def a_gate(name: str = "change-board", **changes: Any) -> Gate:
    gate = Gate(name, "http://board.demo.svc/ask", Moment.PROMOTION, timedelta(seconds=10), 2)
    return replace(gate, **changes)


def a_channel(name: str = "ops", **changes: Any) -> Channel:
    on = frozenset({Occasion.PROMOTED, Occasion.ROLLED_BACK, Occasion.ABORTED})
    channel = Channel(name, Form.WEBHOOK, "http://hook.demo.svc/told", None, None, on)
    return replace(channel, **changes)


def a_notice(**changes: Any) -> Notice:
    notice = Notice(
        serial=7,
        occasion=Occasion.ROLLED_BACK,
        reason="SloBreached",
        message="success: 12 of 40 bad <b>",
        revision="5f2a",
        image="ai-face-blur:1.2-bad",
        weight=0,
        time=datetime(2026, 1, 1, 12, tzinfo=UTC),
    )
    return replace(notice, **changes)


def a_letter(channel: Channel | None = None, **changes: Any) -> Letter:
    channel = channel or a_channel()
    letter = Letter(
        id=f"letter/uid/{channel.name}/7/0",
        key=f"uid/7/{channel.name}",
        namespace="demo",
        rollout="face-blur",
        channel=channel,
        notice=a_notice(),
        is_fresh=True,
    )
    return replace(letter, **changes)


def a_question(gate: Gate | None = None, **changes: Any) -> Question:
    question = Question("gate/1", "demo", gate or a_gate(), {"rollout": "face-blur"})
    return replace(question, **changes)
