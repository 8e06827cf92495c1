"""Gates and messages over real HTTP on loopback: every way an answer can be bad, and none leaks."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.support.errands import AT, KEY, a_channel, a_gate, a_letter, a_question
from tests.support.fakes.http_receiver import Answering, Received, Receiver, receiver
from tests.support.fakes.ports import FakeMeter

from faceblur_operator.adapters import outside_http
from faceblur_operator.adapters.guarded_http import LARGEST_BODY, GuardedHttp, is_outward
from faceblur_operator.adapters.outside_http import HttpOutside
from faceblur_operator.core.errands import (
    Answer,
    Fate,
    Form,
    Letter,
    Question,
    Receipt,
    Reply,
)
from faceblur_operator.core.messages import signature
from faceblur_operator.ports.errors import RefusedError

Answers = Callable[[Received], Answering]
LOOPBACK = ("127.0.0.1", "localhost")
QUICK = timedelta(seconds=0.3)


class Clock:
    """Stands still."""

    def now(self) -> object:
        return AT


class Secrets:
    """Secrets as a mapping; `forbidden` cannot be read."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    async def secret(self, namespace: str, name: str, key: str) -> str | None:
        if name == "forbidden":
            raise RefusedError(f"secrets {name} is forbidden")
        return self.texts.get(f"{namespace}/{name}/{key}".replace("/", "_"))


def play(
    errand: Question | Letter,
    *,
    secrets: Secrets | None = None,
    allow: tuple[str, ...] = LOOPBACK,
    may_reach: Callable[[str], bool] = lambda _: True,
) -> tuple[Reply | Receipt, FakeMeter]:
    async def go() -> tuple[Reply | Receipt, FakeMeter]:
        http, meter = GuardedHttp(may_reach=may_reach), FakeMeter()
        outside = HttpOutside(Clock(), meter, http, secrets or Secrets(), allow=allow)  # type: ignore[arg-type]  # a clock that stands
        try:
            if isinstance(errand, Letter):
                return await outside.deliver(errand), meter
            return await outside.ask(errand), meter
        finally:
            await http.close()

    return asyncio.run(go())


def ask(answers: Answers, *, retries: int = 0, path: str = "/ask") -> tuple[Reply, Receiver]:
    with receiver(answers) as board:
        gate = a_gate(url=f"{board.url}{path}", timeout=QUICK, retries=retries)
        reply, _ = play(a_question(gate))
    assert isinstance(reply, Reply)
    return reply, board


def tell(
    answers: Answers, form: Form = Form.WEBHOOK, *, is_fresh: bool = True
) -> tuple[Receipt, Receiver]:
    with receiver(answers) as hook:
        channel = a_channel(form=form, url=f"{hook.url}/told")
        receipt, _ = play(a_letter(channel, is_fresh=is_fresh))
    assert isinstance(receipt, Receipt)
    return receipt, hook


def said(status: int, answer: object, kind: str = "application/json") -> Answering:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return Answering(status, body, {"Content-Type": kind})


def test_a_gate_is_asked_by_post_with_what_is_at_stake() -> None:
    reply, board = ask(lambda _: said(200, {"approved": True, "message": "go"}))

    [came] = board.received
    assert (reply.answer, reply.message) == (Answer.AGREED, "go")
    assert (came.method, came.path, json.loads(came.body)) == (
        "POST",
        "/ask",
        {"rollout": "face-blur"},
    )


@pytest.mark.parametrize(
    ("answering", "want", "want_message"),
    [
        pytest.param(Answering(204), Answer.AGREED, "", id="2xx without a body"),
        pytest.param(said(200, b"ok", "text/plain"), Answer.AGREED, "", id="plain text"),
        pytest.param(said(201, {"id": 7}), Answer.AGREED, "", id="JSON without a word about it"),
        pytest.param(
            said(200, {"approved": False, "message": "frozen until Monday"}),
            Answer.REFUSED,
            "frozen until Monday",
            id="approved is false",
        ),
        pytest.param(said(200, {"approved": False}), Answer.REFUSED, "approved is false", id="no"),
        pytest.param(
            said(200, {"approved": "yes"}),
            Answer.NO_ANSWER,
            "approved is neither true nor false",
            id="approved is a text",
        ),
        pytest.param(
            said(200, {"approved": None}),
            Answer.NO_ANSWER,
            "approved is neither true nor false",
            id="approved is null",
        ),
        pytest.param(said(403, {"message": "no"}), Answer.REFUSED, "no", id="4xx with a message"),
        pytest.param(said(404, b"", "text/plain"), Answer.REFUSED, "HTTP 404", id="4xx without"),
        pytest.param(said(429, b""), Answer.NO_ANSWER, "HTTP 429", id="not now"),
        pytest.param(said(503, b""), Answer.NO_ANSWER, "HTTP 503", id="5xx"),
        pytest.param(
            said(500, {"approved": True}), Answer.NO_ANSWER, "HTTP 500", id="5xx that agrees"
        ),
        pytest.param(
            said(200, b"<html>sign in", "text/html"),
            Answer.NO_ANSWER,
            "the answer is neither empty, plain text nor a JSON object",
            id="a page to sign in",
        ),
        pytest.param(
            said(200, b'{"approved": tru'),
            Answer.NO_ANSWER,
            "the answer is neither empty, plain text nor a JSON object",
            id="half of a JSON",
        ),
        pytest.param(
            said(200, b'{"approved": fal', "text/plain"),
            Answer.NO_ANSWER,
            "the answer is neither empty, plain text nor a JSON object",
            id="half of a JSON that calls itself text",
        ),
        pytest.param(
            said(200, b"[" * 60_000),
            Answer.NO_ANSWER,
            "the answer is neither empty, plain text nor a JSON object",
            id="JSON of many levels",
        ),
        pytest.param(
            said(200, [True]),
            Answer.NO_ANSWER,
            "the answer is neither empty, plain text nor a JSON object",
            id="no object",
        ),
        pytest.param(
            said(200, b" " * (LARGEST_BODY + 1)),
            Answer.NO_ANSWER,
            "the answer is larger than 64 KiB",
            id="a huge body",
        ),
        pytest.param(
            Answering(302, b"", {"Location": "/ask"}),
            Answer.NO_ANSWER,
            "HTTP 302, redirects are not followed",
            id="a redirect to itself",
        ),
        pytest.param(
            Answering(cut=True), Answer.NO_ANSWER, "ServerDisconnectedError", id="hangs up"
        ),
        pytest.param(
            Answering(hang=True), Answer.NO_ANSWER, "no answer within 0.3 s", id="says nothing"
        ),
    ],
)
def test_only_a_clear_answer_agrees_or_refuses(
    answering: Answering, want: Answer, want_message: str
) -> None:
    reply, _ = ask(lambda _: answering)

    assert (reply.answer, reply.message) == (want, want_message)


def test_a_redirect_is_not_followed() -> None:
    _, board = ask(lambda _: Answering(307, b"", {"Location": "/elsewhere"}))

    assert [came.path for came in board.received] == ["/ask"]


def test_a_gate_that_says_nothing_is_asked_again_and_a_refusal_is_final(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outside_http, "FIRST_PAUSE_S", 0.0)
    answers = iter([Answering(503), Answering(cut=True), said(200, {"approved": True})])

    agreed, board = ask(lambda _: next(answers), retries=2)
    refused, strict = ask(lambda _: said(403, {}), retries=2)

    assert (agreed.answer, len(board.received)) == (Answer.AGREED, 3)
    assert (refused.answer, len(strict.received)) == (Answer.REFUSED, 1)


@pytest.mark.parametrize(
    ("url", "want"),
    [
        pytest.param("http://127.0.0.1:1/ask", "no connection", id="nobody there"),
        pytest.param(
            "http://no-such-name.invalid/ask",
            "the name cannot be resolved, or leads to where it must not",
            id="no such name",
        ),
        pytest.param(
            "http://evil.example/ask", "its host is not on the operator's list", id="list"
        ),
    ],
)
def test_a_gate_that_cannot_be_reached_does_not_answer(url: str, want: str) -> None:
    allow = ("127.0.0.1", "*.invalid")
    reply, meter = play(a_question(a_gate(url=url, retries=0)), allow=allow)

    assert (reply, meter.gates) == (Reply("gate/1", Answer.NO_ANSWER, want, AT), ["NoAnswer"])


def test_tls_that_is_none_is_no_answer() -> None:
    with receiver(lambda _: Answering()) as board:
        url = board.url.replace("http:", "https:")
        reply, _ = play(a_question(a_gate(url=url, timeout=QUICK, retries=0)))

    assert (isinstance(reply, Reply) and reply.answer) is Answer.NO_ANSWER
    assert board.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_addresses_that_lead_inward_are_not_called(host: str) -> None:
    """By number, and by a name that resolves to one: the list of hosts cannot know."""
    with receiver(lambda _: Answering()) as board:
        url = board.url.replace("127.0.0.1", host)
        reply, _ = play(a_question(a_gate(url=url, retries=0)), may_reach=is_outward)

    assert (isinstance(reply, Reply) and reply.answer) is Answer.NO_ANSWER
    assert board.received == []


@pytest.mark.parametrize(
    ("address", "want"),
    [
        ("10.0.0.7", True),
        ("203.0.113.9", True),
        ("fd00::1", True),
        ("127.0.0.53", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_this_machine_and_the_link_are_inward(address: str, want: bool) -> None:
    assert is_outward(address) is want


def test_a_message_is_delivered_once_and_signed() -> None:
    with receiver(lambda _: Answering(202)) as hook:
        channel = a_channel(url=f"{hook.url}/told", key_from=KEY)
        receipt, meter = play(a_letter(channel), secrets=Secrets(demo_chat_token="s3cret"))

    [came] = hook.received
    timestamp = came.headers["X-FaceBlur-Timestamp"]
    assert receipt == Receipt("letter/uid/ops/7/0", Fate.DELIVERED, "told RolledBack", AT)
    assert came.headers["X-FaceBlur-Id"] == "uid/7/ops"
    assert came.headers["X-FaceBlur-Signature"] == signature("s3cret", timestamp, came.body)
    assert meter.notifications == [("webhook", "delivered")]


def test_an_address_from_a_secret_is_used_and_never_repeated_in_words() -> None:
    with receiver(lambda _: Answering(500)) as hook:
        channel = a_channel(form=Form.SLACK, url=None, url_from=KEY)
        secrets = Secrets(demo_chat_token=f"{hook.url}/services/s3cret")
        receipt, _ = play(a_letter(channel), secrets=secrets)

    assert [came.path for came in hook.received] == ["/services/s3cret"]
    assert receipt == Receipt("letter/uid/ops/7/0", Fate.FAILED, "HTTP 500", AT)


@pytest.mark.parametrize(
    ("channel", "want"),
    [
        pytest.param(
            a_channel(url=None, url_from=KEY), "Secret chat has no key token", id="no such key"
        ),
        pytest.param(
            a_channel(url="http://127.0.0.1:1", key_from=KEY),
            "Secret chat has no key token",
            id="unsigned is not sent",
        ),
        pytest.param(
            a_channel(url=None, url_from=KEY.__class__("forbidden", "x")),
            "Secret forbidden cannot be read; see the chart's notifications.readSecrets",
            id="no right to read it",
        ),
        pytest.param(
            a_channel(url="http://10.0.0.1/x"),
            "the host of the address is not on the operator's list",
            id="not on the list",
        ),
    ],
)
def test_a_message_that_cannot_be_written_is_not_sent(channel: object, want: str) -> None:
    receipt, _ = play(a_letter(channel))  # type: ignore[arg-type]  # parametrize knows no types

    assert receipt == Receipt("letter/uid/ops/7/0", Fate.FAILED, want, AT)


@pytest.mark.parametrize(
    ("form", "answering", "want"),
    [
        pytest.param(Form.SLACK, Answering(cut=True), Fate.UNKNOWN, id="chat hung up"),
        pytest.param(Form.SLACK, Answering(504), Fate.UNKNOWN, id="a middleman gave up"),
        pytest.param(Form.SLACK, Answering(503), Fate.FAILED, id="chat is down"),
        pytest.param(Form.WEBHOOK, Answering(cut=True), Fate.FAILED, id="webhook hung up"),
        pytest.param(Form.WEBHOOK, Answering(504), Fate.FAILED, id="webhook's middleman"),
    ],
)
def test_what_may_have_arrived_is_repeated_only_where_the_receiver_can_tell(
    form: Form, answering: Answering, want: Fate
) -> None:
    receipt, _ = tell(lambda _: answering, form)

    assert receipt.fate is want


def test_a_purge_is_a_delete_with_the_token_and_may_be_repeated() -> None:
    with receiver(lambda _: said(200, {"removed": 3})) as service:
        channel = a_channel(form=Form.PURGE, url=f"{service.url}/gray-users", key_from=KEY)
        letter = a_letter(channel, is_fresh=False)
        receipt, _ = play(letter, secrets=Secrets(demo_chat_token="t0ken"))

    [came] = service.received
    assert (isinstance(receipt, Receipt) and receipt.fate) is Fate.DELIVERED
    assert (came.method, came.path) == ("DELETE", "/gray-users")
    assert came.headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    ("form", "want", "want_sent"),
    [
        (Form.SLACK, Fate.UNKNOWN, 0),
        (Form.FEISHU, Fate.UNKNOWN, 0),
        (Form.WEBHOOK, Fate.DELIVERED, 1),
    ],
)
def test_a_chat_is_not_told_again_what_a_dead_process_may_have_told(
    form: Form, want: Fate, want_sent: int
) -> None:
    receipt, hook = tell(lambda _: Answering(), form, is_fresh=False)

    assert (receipt.fate, len(hook.received)) == (want, want_sent)
