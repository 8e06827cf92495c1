"""Asks gates and delivers letters over HTTP; the only file that knows what an answer means."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from faceblur_operator.adapters.guarded_http import Answered, GuardedHttp, NoAnswerError
from faceblur_operator.core import hosts
from faceblur_operator.core.errands import (
    Answer,
    Fate,
    Form,
    Letter,
    Question,
    Receipt,
    Reply,
    SecretKey,
)
from faceblur_operator.core.messages import Post, complaint, written
from faceblur_operator.ports import Clock, Meter
from faceblur_operator.ports.errors import ClusterError
from faceblur_operator.ports.outside import SecretSource

LETTER_TIMEOUT = timedelta(seconds=10)
FIRST_PAUSE_S = 1.0
LONGEST_MESSAGE = 200
# The receiver knows these apart by their id, or doing it twice changes nothing.
REPEATABLE = frozenset({Form.WEBHOOK, Form.PURGE})
# A 4xx that says "not now" is no refusal.
NOT_NOW = frozenset({408, 425, 429})
# A middleman gave up: what is behind it may have read the message.
MIDDLEMAN = frozenset({502, 504})


class _UndeliverableError(Exception):
    """A letter cannot be sent; the text says why."""


class HttpOutside:
    """The `Outside` of the real world."""

    def __init__(
        self,
        clock: Clock,
        meter: Meter,
        http: GuardedHttp,
        secrets: SecretSource,
        *,
        allow: Sequence[str],
    ) -> None:
        """Take what it works with; `allow`: patterns of hosts that may be called."""
        self._clock = clock
        self._meter = meter
        self._http = http
        self._secrets = secrets
        self._allow = allow

    async def ask(self, question: Question) -> Reply:
        """Return what the gate says; tries again at once while it says nothing."""
        gate, loop = question.gate, asyncio.get_running_loop()
        begun = loop.time()
        answer, message = Answer.NO_ANSWER, ""
        for attempt in range(gate.retries + 1):
            if attempt:
                await asyncio.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))
            answer, message = await self._ask_once(question)
            if answer is not Answer.NO_ANSWER:
                break
        self._meter.gate(answer.value, seconds=loop.time() - begun)
        return Reply(question.id, answer, message, self._clock.now())

    async def deliver(self, letter: Letter) -> Receipt:
        """Return what came of telling it, once; trying again is the core's decision."""
        form = letter.channel.form
        if not letter.is_fresh and form not in REPEATABLE:
            why = "a process that ended may have sent it; not repeated"
            return self._receipt(letter, Fate.UNKNOWN, why)
        try:
            post = await self._written(letter)
        except _UndeliverableError as err:
            return self._receipt(letter, Fate.FAILED, str(err))
        try:
            found = await self._http.send(post, timeout=LETTER_TIMEOUT)
        except NoAnswerError as err:
            if err.may_have_arrived and form not in REPEATABLE:
                return self._receipt(letter, Fate.UNKNOWN, f"{err}; may have arrived")
            return self._receipt(letter, Fate.FAILED, str(err))
        refused = complaint(form, found.status, found.body)
        if refused is None:
            return self._receipt(letter, Fate.DELIVERED, f"told {letter.notice.occasion.value}")
        is_doubtful = found.status in MIDDLEMAN and form not in REPEATABLE
        return self._receipt(letter, Fate.UNKNOWN if is_doubtful else Fate.FAILED, refused)

    async def _ask_once(self, question: Question) -> tuple[Answer, str]:
        gate = question.gate
        if not hosts.is_allowed(gate.url, self._allow, namespace=question.namespace):
            return Answer.NO_ANSWER, "its host is not on the operator's list"
        body = json.dumps(question.body).encode()
        post = Post(gate.url, {"Content-Type": "application/json"}, body)
        try:
            return meant(await self._http.send(post, timeout=gate.timeout))
        except NoAnswerError as err:
            return Answer.NO_ANSWER, str(err)

    async def _written(self, letter: Letter) -> Post:
        channel, space = letter.channel, letter.namespace
        url = channel.url
        if channel.url_from is not None:
            url = await self._secret(space, channel.url_from)
        allowed = hosts.allowed_for(channel.form, self._allow)
        if url is None or not hosts.is_allowed(url, allowed, namespace=space):
            raise _UndeliverableError("the host of the address is not on the operator's list")
        key = None
        if channel.key_from is not None:
            key = await self._secret(space, channel.key_from)
        return written(letter, url=url, key=key, at=self._clock.now())

    async def _secret(self, namespace: str, ref: SecretKey) -> str:
        try:
            found = await self._secrets.secret(namespace, ref.name, ref.key)
        except ClusterError as err:
            why = f"Secret {ref.name} cannot be read; see the chart's notifications.readSecrets"
            raise _UndeliverableError(why) from err
        if not found:
            raise _UndeliverableError(f"Secret {ref.name} has no key {ref.key}")
        return found

    def _receipt(self, letter: Letter, fate: Fate, message: str) -> Receipt:
        self._meter.notification(letter.channel.form.value, fate.value)
        return Receipt(letter.id, fate, _short(message), self._clock.now())


def meant(found: Answered) -> tuple[Answer, str]:
    """Return what an answer means to a gate, and its message.

    2xx agrees unless its JSON says otherwise; what cannot be understood is no answer.
    """
    said = _json(found)
    message = _short(str(said.get("message") or "")) if isinstance(said, dict) else ""
    if 400 <= found.status < 500 and found.status not in NOT_NOW:
        return Answer.REFUSED, message or f"HTTP {found.status}"
    if not 200 <= found.status < 300:
        hint = ", redirects are not followed" if 300 <= found.status < 400 else ""
        return Answer.NO_ANSWER, f"HTTP {found.status}{hint}"
    if not found.body.strip() or (said is None and found.content_type == "text/plain"):
        return Answer.AGREED, ""
    if not isinstance(said, dict):
        return Answer.NO_ANSWER, "the answer is neither empty, plain text nor a JSON object"
    match said.get("approved", True):
        case True:
            return Answer.AGREED, message
        case False:
            return Answer.REFUSED, message or "approved is false"
        case _:
            return Answer.NO_ANSWER, "approved is neither true nor false"


def _json(found: Answered) -> Any:
    text = found.body.strip()
    if found.content_type != "application/json" and not text.startswith((b"{", b"[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # Not None: it claims to be JSON, so it must not pass for plain text.
        return False


def _short(text: str) -> str:
    """Return a text for the status: one line, not long."""
    line = "".join(one if one.isprintable() else " " for one in text)
    return line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 1]}…"
