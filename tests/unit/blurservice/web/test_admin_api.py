"""The administrator's view of the gray channel."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from tests.support.detectors import FakeDetector
from tests.unit.blurservice.web.conftest import SETTINGS

from faceblur_service.gray import SqlitePool
from faceblur_service.web.app import build

URL = "/api/v1/admin/gray-users"
TOKEN = {"Authorization": "Bearer admin"}


@pytest.fixture
def admin(pool: SqlitePool) -> FlaskClient:
    return build(replace(SETTINGS, admin_token="admin"), FakeDetector(), pool).test_client()


def test_members_are_listed_removed_and_purged(admin: FlaskClient, pool: SqlitePool) -> None:
    for user in ("ann", "bob", "eve"):
        pool.add(user)

    listed = admin.get(URL, headers=TOKEN).get_json()
    one = admin.delete(f"{URL}/bob", headers=TOKEN).get_json()
    nobody = admin.delete(f"{URL}/bob", headers=TOKEN).get_json()
    rest = admin.delete(URL, headers=TOKEN).get_json()

    assert (listed["count"], [user["id"] for user in listed["users"]]) == (3, ["ann", "bob", "eve"])
    assert all(86_000 < user["expiresIn"] <= 86_400 for user in listed["users"])
    assert (one, nobody, rest) == ({"removed": 1}, {"removed": 0}, {"removed": 2})
    assert pool.members() == {}


@pytest.mark.parametrize("method", ["get", "delete"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_nobody_else_may(
    admin: FlaskClient, pool: SqlitePool, method: str, headers: dict[str, str]
) -> None:
    pool.add("ann")

    answer = getattr(admin, method)(URL, headers=headers)

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (401, "unauthorized")
    assert pool.has("ann")


def test_without_a_token_set_there_is_no_such_address(client: FlaskClient) -> None:
    assert client.get(URL, headers=TOKEN).status_code == 404
