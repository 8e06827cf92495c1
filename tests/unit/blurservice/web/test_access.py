"""Tokens, rates, other sites and proxies."""

import ipaddress
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.support.detectors import FakeDetector
from tests.unit.blurservice.web.conftest import SETTINGS

from faceblur_service.errors import RateLimited
from faceblur_service.gray import SqlitePool
from faceblur_service.web import clients
from faceblur_service.web.app import build
from faceblur_service.web.rate import RateLimit

PROXY = (ipaddress.ip_network("127.0.0.0/8"),)


def _client(pool: SqlitePool, **settings: Any) -> FlaskClient:
    return build(replace(SETTINGS, **settings), FakeDetector(), pool).test_client()


@pytest.mark.parametrize("address", ["/api/v1/blur", "/api/v1/blur/batch", "/api/v1/detect"])
@pytest.mark.parametrize(
    ("given", "want"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Basic one", 401),
        ("Bearer ", 401),
        ("Bearer one", 400),
        ("bearer two", 400),
    ],
)
def test_with_tokens_only_their_owners_may_use_the_api(
    pool: SqlitePool, address: str, given: str | None, want: int
) -> None:
    client = _client(pool, api_tokens=("one", "two"))

    headers = {} if given is None else {"Authorization": given}
    answer = client.post(address, headers=headers, content_type="image/png")

    # An empty picture: who is let in is told that.
    assert (answer.status_code, answer.headers.get("WWW-Authenticate")) == (
        want,
        "Bearer" if want == 401 else None,
    )


def test_the_page_and_the_document_need_no_token(pool: SqlitePool) -> None:
    client = _client(pool, api_tokens=("one",))

    found = [client.get(path).status_code for path in ("/", "/healthz", "/api/v1/openapi.json")]

    assert found == [200, 200, 200]


def test_a_client_may_send_so_many_pictures_a_minute(pool: SqlitePool, picture: bytes) -> None:
    client = _client(pool, rate_per_minute=2)

    answers = [
        client.post("/api/v1/detect", data=picture, content_type="image/png") for _ in range(3)
    ]
    other = client.post(
        "/api/v1/detect",
        data=picture,
        content_type="image/png",
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )

    assert [a.status_code for a in answers] == [200, 200, 429]
    assert answers[2].get_json(force=True)["code"] == "rate-limited"
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 30
    assert other.status_code == 200


def test_the_rate_refills_and_forgets() -> None:
    now = [0.0]
    rate = RateLimit(60, lambda: now[0])
    for _ in range(60):
        rate.take("a")

    with pytest.raises(RateLimited) as caught:
        rate.take("a")
    now[0] += 1.0
    rate.take("a")

    assert caught.value.retry_after_s == 1
    for client in range(10_001):
        rate.take(str(client))
    assert len(rate._clients) == 10_000


@pytest.mark.parametrize(
    ("peer", "forwarded", "want"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "10.9.9.9", "192.0.2.1"),
        ("127.0.0.1", "198.51.100.4", "198.51.100.4"),
        ("127.0.0.1", "10.9.9.9, 198.51.100.4", "198.51.100.4"),
        ("127.0.0.1", "198.51.100.4, 127.0.0.9", "198.51.100.4"),
        ("127.0.0.1", "198.51.100.4, nonsense", "127.0.0.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:127.0.0.1", "198.51.100.4", "198.51.100.4"),
    ],
)
def test_an_address_is_what_the_last_trusted_proxy_saw(
    pool: SqlitePool, peer: str, forwarded: str | None, want: str
) -> None:
    settings = replace(SETTINGS, trusted_proxies=PROXY)
    app = build(settings, FakeDetector(), pool)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    with app.test_request_context(headers=headers, environ_base={"REMOTE_ADDR": peer}):
        found = clients.address(settings)

    assert str(found) == want


def test_ipv6_clients_are_counted_by_network(pool: SqlitePool) -> None:
    app = build(SETTINGS, FakeDetector(), pool)

    with app.test_request_context(environ_base={"REMOTE_ADDR": "2001:db8::1:2:3:4"}):
        assert clients.bucket(SETTINGS) == "2001:db8::/64"


def test_other_sites_pages_get_in_only_when_named(pool: SqlitePool, picture: bytes) -> None:
    client = _client(pool, cors_origins=("https://app.example",))
    sent: dict[str, Any] = {"data": picture, "content_type": "image/png"}

    good = client.post("/api/v1/blur", headers={"Origin": "https://app.example"}, **sent)
    bad = client.post("/api/v1/blur", headers={"Origin": "https://evil.example"}, **sent)
    asked = client.options("/api/v1/blur", headers={"Origin": "https://app.example"})
    gray = client.post(
        "/api/enable-gray", json={"enabled": True}, headers={"Origin": "https://app.example"}
    )

    name = "Access-Control-Allow-Origin"
    found = [one.headers.get(name) for one in (good, bad, asked, gray)]
    assert found == ["https://app.example", None, "https://app.example", None]
    assert "Access-Control-Allow-Credentials" not in good.headers
    assert (asked.status_code, asked.headers["Access-Control-Allow-Methods"]) == (204, "GET, POST")
    assert gray.status_code == 403


def test_by_default_no_other_site_gets_in(client: FlaskClient) -> None:
    answer = client.options("/api/v1/blur", headers={"Origin": "https://app.example"})

    assert "Access-Control-Allow-Origin" not in answer.headers
