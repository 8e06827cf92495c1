"""/api/enable-gray."""

import ipaddress
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from tests.support.detectors import FakeDetector
from tests.unit.blurservice.web.conftest import SETTINGS

from faceblur_service.errors import GrayPoolUnavailable
from faceblur_service.gray import SqlitePool
from faceblur_service.web.app import build
from faceblur_service.web.careful_pool import CarefulPool
from faceblur_service.web.identity import Identities

URL = "/api/enable-gray"
ZH = {"Accept-Language": "zh-CN,zh;q=0.9"}
EN = {"Accept-Language": "en-GB,en;q=0.9,zh;q=0.1"}


class SharedPool(SqlitePool):
    """What Redis is to the routes: one store for all pods."""

    shared = True


class DeadPool(SqlitePool):
    """A store that does not answer."""

    shared = True

    def has(self, user: str) -> bool:
        raise GrayPoolUnavailable(user and "The gray channel's store does not answer.")

    def add(self, user: str) -> None:
        raise GrayPoolUnavailable(user and "The gray channel's store does not answer.")


def _user(client: FlaskClient) -> str:
    cookie = client.get_cookie("faceblur_id")
    assert cookie is not None
    user = Identities("test").read(cookie.decoded_value)
    assert user is not None
    return user


@pytest.mark.parametrize(
    ("headers", "joined", "left"),
    [
        pytest.param(
            ZH,
            "✅ 已进入灰度通道!您正在试用最新版智能打码引擎。",
            "🔁 已退出灰度模式,恢复稳定版本服务。",
            id="Chinese",
        ),
        pytest.param(
            EN,
            "✅ You are in the gray channel and try the newest blur engine.",
            "🔁 You have left the gray channel; the stable version serves you again.",
            id="English",
        ),
    ],
)
def test_joining_and_leaving_says_so(
    client: FlaskClient, headers: dict[str, str], joined: str, left: str
) -> None:
    on = client.post(URL, json={"enabled": True}, headers=headers)
    off = client.post(URL, json={"enabled": False}, headers=headers)

    assert on.get_json() == {"enabled": True, "message": joined}
    assert off.get_json() == {"enabled": False, "message": left}


def test_joining_sets_membership_and_route(client: FlaskClient, pool: SqlitePool) -> None:
    answer = client.post(URL, json={"enabled": True})

    route = client.get_cookie("gray")
    assert route is not None
    assert (route.value, route.max_age) == ("always", 86400)
    assert pool.has(_user(client))
    cookies = answer.headers.getlist("Set-Cookie")
    assert all("HttpOnly" in c and "SameSite=Lax" in c and "Path=/" in c for c in cookies)
    assert client.get(URL).get_json() == {"enabled": True}


def test_leaving_ends_membership_and_route(client: FlaskClient, pool: SqlitePool) -> None:
    client.post(URL, json={"enabled": True})
    user = _user(client)

    client.post(URL, json={"enabled": False})

    assert client.get_cookie("gray") is None
    assert not pool.has(user)
    assert client.get(URL).get_json() == {"enabled": False}


def test_behind_https_cookies_are_secure(client: FlaskClient) -> None:
    answer = client.post(URL, json={"enabled": True}, headers={"X-Forwarded-Proto": "https"})

    assert all("Secure" in cookie for cookie in answer.headers.getlist("Set-Cookie"))


def test_the_identity_stays_the_same_across_pods_of_both_versions(
    client: FlaskClient, pool: SqlitePool
) -> None:
    client.post(URL, json={"enabled": True})
    cookie = client.get_cookie("faceblur_id")
    assert cookie is not None
    other = build(SETTINGS, FakeDetector(), pool).test_client()
    other.set_cookie("faceblur_id", cookie.value)

    assert other.get(URL).get_json() == {"enabled": True}
    other.post(URL, json={"enabled": False})
    assert not pool.has(_user(client))


def test_a_forged_identity_is_nobody(client: FlaskClient, pool: SqlitePool) -> None:
    pool.add("0" * 32)
    client.set_cookie("faceblur_id", Identities("another key").sign("0" * 32))

    assert client.get(URL).get_json() == {"enabled": False}


def test_who_is_a_member_gets_the_route_back(client: FlaskClient) -> None:
    client.post(URL, json={"enabled": True})
    client.delete_cookie("gray")

    client.get(URL)

    assert client.get_cookie("gray") is not None


def test_who_was_purged_from_the_shared_pool_goes_back_to_stable(tmp_path: Any) -> None:
    pool = SharedPool(tmp_path / "shared.sqlite")
    client = build(SETTINGS, FakeDetector(), pool).test_client()
    client.post(URL, json={"enabled": True})
    pool.remove(_user(client))

    state = client.get(URL)

    assert state.get_json() == {"enabled": False}
    assert client.get_cookie("gray") is None


def test_a_pool_of_one_pod_believes_the_routing_cookie(client: FlaskClient) -> None:
    """Another pod let him in: this one cannot know."""
    client.set_cookie("gray", "always")

    assert client.get(URL).get_json() == {"enabled": True}


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"json": {"enabled": "true"}}, id="text for a flag"),
        pytest.param({"json": {}}, id="empty"),
        pytest.param({"json": {"enabled": True, "user": "bob"}}, id="somebody else"),
        pytest.param({"json": [True]}, id="a list"),
        pytest.param({"data": '{"enabled": true}', "content_type": "text/plain"}, id="not JSON"),
        pytest.param({"data": "{", "content_type": "application/json"}, id="broken JSON"),
    ],
)
def test_anything_else_is_refused(client: FlaskClient, sent: dict[str, Any]) -> None:
    answer = client.post(URL, **sent)

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (400, "bad-request")
    assert client.get_cookie("gray") is None


def test_another_site_cannot_switch(client: FlaskClient) -> None:
    answer = client.post(URL, json={"enabled": True}, headers={"Sec-Fetch-Site": "cross-site"})

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (403, "cross-site")


def test_a_store_that_is_down_says_so_and_pictures_go_on(tmp_path: Any, picture: bytes) -> None:
    app: Flask = build(SETTINGS, FakeDetector(), DeadPool(tmp_path / "dead.sqlite"))
    client = app.test_client()

    answer = client.post(URL, json={"enabled": True})
    blurred = client.post("/api/v1/blur", data=picture, content_type="image/png")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.get_json(force=True)["code"] == "gray-pool-unavailable"
    assert client.get_cookie("gray") is None
    assert blurred.status_code == 200


def _with(pool: SqlitePool, **settings: Any) -> FlaskClient:
    return build(replace(SETTINGS, **settings), FakeDetector(), pool).test_client()


def test_an_expired_member_goes_back_to_stable_with_the_next_page(tmp_path: Any) -> None:
    now = [0.0]
    pool = SharedPool(tmp_path / "shared.sqlite", lambda: now[0])
    client = build(SETTINGS, FakeDetector(), pool).test_client()
    client.post(URL, json={"enabled": True})

    now[0] += 24 * 3600 - 1
    client.get("/")
    before = client.get_cookie("gray")
    now[0] += 2
    client.get("/")

    assert before is not None
    assert client.get_cookie("gray") is None


def test_a_page_load_asks_no_store_about_a_stranger(tmp_path: Any) -> None:
    client = build(SETTINGS, FakeDetector(), DeadPool(tmp_path / "dead.sqlite")).test_client()

    answer = client.get("/")

    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)


def test_a_store_that_is_down_means_stable_for_now(tmp_path: Any) -> None:
    client = build(SETTINGS, FakeDetector(), DeadPool(tmp_path / "dead.sqlite")).test_client()
    client.set_cookie("faceblur_id", Identities("test").sign("0" * 32))
    client.set_cookie("gray", "always")

    answer = client.get(URL, headers=EN)

    assert answer.get_json() == {
        "enabled": False,
        "available": False,
        "message": "The gray channel is not available right now; the stable version serves you.",
    }
    assert client.get_cookie("gray") is None


def test_a_store_is_left_alone_after_it_failed_and_asked_again_later(tmp_path: Any) -> None:
    now, asked = [0.0], []

    class Flaky(SharedPool):
        def has(self, user: str) -> bool:
            asked.append(user)
            if now[0] < 10:
                raise GrayPoolUnavailable("down")
            return True

    careful = CarefulPool(Flaky(tmp_path / "x.sqlite"), lambda: now[0])

    told = []
    for at in (0.0, 1.0, 4.9, 5.0, 9.0, 10.0, 10.1):
        now[0] = at
        try:
            told.append(careful.has("ann"))
        except GrayPoolUnavailable:
            told.append(False)

    assert (told, len(asked)) == ([False] * 5 + [True, True], 4)


LAN = (ipaddress.ip_network("10.0.0.0/8"),)
LOCAL = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    ("forwarded", "trusted", "want"),
    [("10.1.2.3", LOCAL, True), ("192.0.2.1", LOCAL, False), ("10.1.2.3", (), False)],
)
def test_a_network_takes_part_when_a_trusted_proxy_says_so(
    pool: SqlitePool, forwarded: str, trusted: Any, want: bool
) -> None:
    client = _with(pool, gray_ranges=LAN, trusted_proxies=trusted)

    client.get("/", headers={"X-Forwarded-For": forwarded})

    assert (client.get_cookie("gray") is not None) is want


def test_who_leaves_is_not_taken_back_by_a_list(pool: SqlitePool) -> None:
    client = _with(pool, gray_ranges=LOCAL)
    client.get("/")

    client.post(URL, json={"enabled": False})
    client.get("/")

    route = client.get_cookie("gray")
    assert route is not None
    assert route.value == "never"
    assert client.get(URL).get_json() == {"enabled": False}


@pytest.mark.parametrize(("trusted", "want"), [(LOCAL, True), ((), False)])
def test_a_listed_user_takes_part_when_a_trusted_proxy_names_him(
    pool: SqlitePool, trusted: Any, want: bool
) -> None:
    client = _with(
        pool, gray_users=frozenset({"ann"}), user_header="X-User", trusted_proxies=trusted
    )

    assert client.get(URL, headers={"X-User": "ann"}).get_json() == {"enabled": want}
    client.delete_cookie("gray")
    assert client.get(URL, headers={"X-User": "bob"}).get_json() == {"enabled": False}


def test_a_login_takes_part_on_every_device(tmp_path: Any) -> None:
    pool = SharedPool(tmp_path / "shared.sqlite")
    phone, desk = (_with(pool, user_header="X-User", trusted_proxies=LOCAL) for _ in range(2))

    phone.post(URL, json={"enabled": True}, headers={"X-User": "ann"})

    assert desk.get(URL, headers={"X-User": "ann"}).get_json() == {"enabled": True}
    assert desk.get_cookie("gray") is not None
    assert (phone.get_cookie("faceblur_id"), list(pool.members())) == (None, ["login:ann"])


@pytest.mark.parametrize(
    ("headers", "want"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_only_this_sites_page_may_switch(
    client: FlaskClient, headers: dict[str, str], want: int
) -> None:
    assert client.post(URL, json={"enabled": True}, headers=headers).status_code == want
