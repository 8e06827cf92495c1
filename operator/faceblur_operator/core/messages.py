"""How a notice is written for each kind of receiver, and what its answer means. Pure.

Header names and signatures are explained for receivers in docs/reference/notifications.md.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus

from faceblur_operator.core.errands import Form, Letter, Notice, Occasion

ID = "X-FaceBlur-Id"
TIMESTAMP = "X-FaceBlur-Timestamp"
SIGNATURE = "X-FaceBlur-Signature"
# A mention in Feishu's text is a tag, a link in 钉钉's markdown has brackets; none can be quoted.
_HARMLESS = str.maketrans("<>[]", "＜＞［］")
# What people read first, in both languages.
TITLES = {
    Occasion.STARTED: "灰度发布开始 · gray release started",
    Occasion.STEP: "灰度流量上升 · more traffic to gray",
    Occasion.PAUSED: "灰度发布暂停 · gray release paused",
    Occasion.PROMOTED: "已全量发布 · promoted",
    Occasion.ROLLED_BACK: "已自动回滚 · rolled back",
    Occasion.ABORTED: "已人工中止 · aborted by a person",
}


@dataclass(frozen=True, slots=True)
class Post:
    """One HTTP request; `method` is POST but for a purge."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


def written(letter: Letter, *, url: str, key: str | None, at: datetime) -> Post:
    """Return the request that tells this letter.

    Args:
        letter: what to tell.
        url: the address, from the specification or a Secret.
        key: what signs it; None: not signed.
        at: when it is sent; part of the signature.
    """
    return _WRITERS[letter.channel.form](letter, url, key, at)


def complaint(form: Form, status: int, body: bytes) -> str | None:
    """Return why an answer means that a message was not accepted, None when it was."""
    if not 200 <= status < 300:
        return f"HTTP {status}"
    if form in (Form.WEBHOOK, Form.SLACK, Form.PURGE):
        return None
    # These say no with HTTP 200.
    try:
        answer = json.loads(body)
    except ValueError:
        return "the answer is not JSON"
    answer = answer if isinstance(answer, dict) else {}
    code = answer.get("errcode", answer.get("code", answer.get("StatusCode")))
    if code == 0:
        return None
    said = answer.get("errmsg") or answer.get("msg") or ""
    return f"code {code}: {said}"[:200]


def signature(key: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a webhook's body: HMAC-SHA256 over `timestamp.body`, in hex."""
    signed = hmac.new(key.encode(), f"{timestamp}.".encode() + body, sha256)
    return f"sha256={signed.hexdigest()}"


def _webhook(letter: Letter, url: str, key: str | None, at: datetime) -> Post:
    notice = letter.notice
    told = {
        "id": letter.key,
        "event": notice.occasion.value,
        "namespace": letter.namespace,
        "rollout": letter.rollout,
        "revision": notice.revision,
        "image": notice.image,
        "weight": notice.weight,
        "reason": notice.reason,
        "message": notice.message,
        "time": notice.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    post = _json(url, told)
    timestamp = str(int(at.timestamp()))
    headers = {**post.headers, ID: letter.key, TIMESTAMP: timestamp}
    if key is not None:
        headers[SIGNATURE] = signature(key, timestamp, post.body)
    return Post(url, headers, post.body)


def _slack(letter: Letter, url: str, key: str | None, at: datetime) -> Post:
    del key, at
    text = f"*{_title(letter)}*\n{_text(letter.notice)}"
    return _json(url, {"text": _escaped(text)})


def _purge(letter: Letter, url: str, key: str | None, at: datetime) -> Post:
    del letter, at
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Post(url, headers, b"", method="DELETE")


def _ding_talk(letter: Letter, url: str, key: str | None, at: datetime) -> Post:
    if key is not None:
        milliseconds = str(int(at.timestamp() * 1000))
        signed = hmac.new(key.encode(), f"{milliseconds}\n{key}".encode(), sha256).digest()
        code = quote_plus(base64.b64encode(signed).decode())
        url = f"{url}{'&' if '?' in url else '?'}timestamp={milliseconds}&sign={code}"
    title = _title(letter)
    text = f"#### {title}\n\n{_text(letter.notice).translate(_HARMLESS)}"
    return _json(url, {"msgtype": "markdown", "markdown": {"title": title, "text": text}})


def _feishu(letter: Letter, url: str, key: str | None, at: datetime) -> Post:
    text = f"{_title(letter)}\n{_text(letter.notice).translate(_HARMLESS)}"
    told: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if key is not None:
        timestamp = str(int(at.timestamp()))
        # The key of the HMAC is what is signed, and the message is empty: so Feishu wants it.
        signed = hmac.new(f"{timestamp}\n{key}".encode(), b"", sha256).digest()
        told = {"timestamp": timestamp, "sign": base64.b64encode(signed).decode(), **told}
    return _json(url, told)


def _json(url: str, told: Mapping[str, Any]) -> Post:
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return Post(url, {"Content-Type": "application/json; charset=utf-8"}, body)


def _title(letter: Letter) -> str:
    return f"{letter.namespace}/{letter.rollout}: {TITLES[letter.notice.occasion]}"


def _text(notice: Notice) -> str:
    return f"{notice.image} · {notice.weight} % · {notice.reason}: {notice.message}"


def _escaped(text: str) -> str:
    """Return a text in which Slack sees no links or mentions that we did not write."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_WRITERS: Mapping[Form, Callable[[Letter, str, str | None, datetime], Post]] = {
    Form.WEBHOOK: _webhook,
    Form.SLACK: _slack,
    Form.DING_TALK: _ding_talk,
    Form.FEISHU: _feishu,
    Form.PURGE: _purge,
}
