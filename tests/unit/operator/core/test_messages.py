"""Golden messages: what each kind of receiver gets, to the byte, and what its answer means."""

import json

import pytest
from tests.support.errands import AT, a_channel, a_letter, a_notice

from faceblur_operator.core.errands import Form, Occasion
from faceblur_operator.core.messages import TITLES, Post, complaint, signature, written

HARMLESS = "ai-face-blur:1.2-bad · 0 % · SloBreached: success: 12 of 40 bad ＜b＞"
JSON = {"Content-Type": "application/json; charset=utf-8"}
TITLE = "demo/face-blur: 已自动回滚 · rolled back"
TEXT = "ai-face-blur:1.2-bad · 0 % · SloBreached: success: 12 of 40 bad <b>"


def post(form: Form, key: str | None) -> Post:
    letter = a_letter(a_channel(form=form))
    return written(letter, url="https://x.test/hook?access_token=1", key=key, at=AT)


def test_a_webhook_gets_the_facts_and_a_signature_over_time_and_body() -> None:
    made = post(Form.WEBHOOK, "s3cret")

    assert json.loads(made.body) == {
        "id": "uid/7/ops",
        "event": "RolledBack",
        "namespace": "demo",
        "rollout": "face-blur",
        "revision": "5f2a",
        "image": "ai-face-blur:1.2-bad",
        "weight": 0,
        "reason": "SloBreached",
        "message": "success: 12 of 40 bad <b>",
        "time": "2026-01-01T12:00:00Z",
    }
    assert made.headers == {
        **JSON,
        "X-FaceBlur-Id": "uid/7/ops",
        "X-FaceBlur-Timestamp": "1767268805",
        "X-FaceBlur-Signature": signature("s3cret", "1767268805", made.body),
    }


def test_the_signature_is_the_documented_one() -> None:
    """The same as `printf '1767268805.{}' | openssl dgst -sha256 -hmac s3cret`."""
    want = "sha256=5aa5d1c227360fed8fe033581ea3443508c59898879f4400cf0d546981bcafca"

    assert signature("s3cret", "1767268805", b"{}") == want


def test_a_webhook_without_a_key_is_not_signed() -> None:
    assert "X-FaceBlur-Signature" not in post(Form.WEBHOOK, None).headers


def test_slack_gets_text_in_which_nothing_is_a_link_of_others() -> None:
    made = post(Form.SLACK, None)
    text = f"*{TITLE}*\n{TEXT}".replace("<", "&lt;").replace(">", "&gt;")

    assert (json.loads(made.body), made.headers) == ({"text": text}, JSON)


def test_ding_talk_is_signed_in_its_address() -> None:
    made = post(Form.DING_TALK, "SEC000")

    # printf '1767268805250\nSEC000' | openssl dgst -sha256 -hmac SEC000 -binary | base64
    sign = "LyLazvb36dzN4TeaajXhkCzMmcIVz2O0JlCk9doVbk4%3D"
    assert made.url == (f"https://x.test/hook?access_token=1&timestamp=1767268805250&sign={sign}")
    assert json.loads(made.body) == {
        "msgtype": "markdown",
        "markdown": {"title": TITLE, "text": f"#### {TITLE}\n\n{HARMLESS}"},
    }


def test_feishu_is_signed_in_its_body() -> None:
    """The key is the time and the key, and nothing is signed: checked against openssl."""
    assert json.loads(post(Form.FEISHU, "key").body) == {
        "timestamp": "1767268805",
        "sign": "fXqXfqt0OnK7/oJ15KxfcS/9wYwsVvmODU8OYoecD8A=",
        "msg_type": "text",
        "content": {"text": f"{TITLE}\n{HARMLESS}"},
    }


@pytest.mark.parametrize("form", [Form.DING_TALK, Form.FEISHU])
def test_what_others_say_is_no_mention_and_no_link_in_a_chat(form: Form) -> None:
    said = '<at user_id="all">all</at> [here](http://x.test)'
    letter = a_letter(a_channel(form=form), notice=a_notice(message=said))

    made = written(letter, url="https://x.test", key=None, at=AT).body.decode()

    assert '＜at user_id=\\"all\\"＞all＜/at＞ ［here］(http://x.test)' in made


@pytest.mark.parametrize("occasion", Occasion)
@pytest.mark.parametrize("form", [one for one in Form if one is not Form.PURGE])
def test_each_occasion_tells_in_each_form_whose_release_it_is_and_why(
    form: Form, occasion: Occasion
) -> None:
    letter = a_letter(a_channel(form=form), notice=a_notice(occasion=occasion, weight=25))

    made = written(letter, url="https://x.test", key="k", at=AT).body.decode()

    where = ('"demo"', '"face-blur"') if form is Form.WEBHOOK else ("demo/face-blur",)
    what = occasion.value if form is Form.WEBHOOK else TITLES[occasion]
    wanted = (*where, what, "ai-face-blur:1.2-bad", "25", "SloBreached", "12 of 40 bad")
    assert [one for one in wanted if one not in made] == []


@pytest.mark.parametrize("form", [Form.DING_TALK, Form.FEISHU])
def test_chats_without_a_key_are_not_signed(form: Form) -> None:
    made = post(form, None)

    assert made.url == "https://x.test/hook?access_token=1"
    assert "sign" not in json.loads(made.body)


def test_a_purge_carries_the_key_as_a_bearer() -> None:
    url = "https://x.test/hook?access_token=1"

    assert post(Form.PURGE, "t") == Post(url, {"Authorization": "Bearer t"}, b"", "DELETE")
    assert post(Form.PURGE, None) == Post(url, {}, b"", "DELETE")


@pytest.mark.parametrize(
    ("form", "status", "body", "want"),
    [
        pytest.param(Form.WEBHOOK, 204, b"", None, id="any 2xx of a webhook"),
        pytest.param(Form.SLACK, 200, b"ok", None, id="slack says ok"),
        pytest.param(Form.SLACK, 302, b"", "HTTP 302", id="a redirect"),
        pytest.param(Form.WEBHOOK, 500, b"", "HTTP 500", id="a failure"),
        pytest.param(Form.DING_TALK, 200, b'{"errcode":0,"errmsg":"ok"}', None, id="钉钉 accepts"),
        pytest.param(
            Form.DING_TALK,
            200,
            b'{"errcode":310000,"errmsg":"sign not match"}',
            "code 310000: sign not match",
            id="钉钉 refuses with 200",
        ),
        pytest.param(Form.FEISHU, 200, b'{"code":0,"msg":"success"}', None, id="飞书 accepts"),
        pytest.param(
            Form.FEISHU, 200, b'{"StatusCode":0,"StatusMessage":"success"}', None, id="飞书 of old"
        ),
        pytest.param(
            Form.FEISHU, 200, b'{"code":19021,"msg":"sign"}', "code 19021: sign", id="飞书 refuses"
        ),
        pytest.param(Form.FEISHU, 200, b"<html>", "the answer is not JSON", id="no JSON"),
        pytest.param(Form.FEISHU, 200, b"[]", "code None: ", id="no object"),
    ],
)
def test_an_answer_is_accepted_or_says_why_not(
    form: Form, status: int, body: bytes, want: str | None
) -> None:
    assert complaint(form, status, body) == want
