"""The gray channel's members, in the embedded store (Redis: see the integration tests)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from faceblur_service.errors import GrayPoolUnavailable
from faceblur_service.gray import TTL_S, RedisPool, SqlitePool, make_pool


class Clock:
    """A clock that is set."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pool(tmp_path: Path, clock: Clock) -> Iterator[SqlitePool]:
    made = SqlitePool(tmp_path / "gray.sqlite", clock)
    yield made
    made.close()


def test_nobody_is_in_at_first(pool: SqlitePool) -> None:
    assert not pool.has("ann")


def test_who_joins_is_in_and_who_leaves_is_out(pool: SqlitePool) -> None:
    pool.add("ann")
    pool.add("bob")
    pool.remove("ann")
    pool.remove("nobody")

    assert [pool.has(user) for user in ("ann", "bob", "nobody")] == [False, True, False]


def test_membership_ends_after_24_hours(pool: SqlitePool, clock: Clock) -> None:
    pool.add("ann")

    clock.now += TTL_S - 1
    before = pool.has("ann")
    clock.now += 1
    after = pool.has("ann")

    assert (before, after, TTL_S) == (True, False, 86400)


def test_joining_again_starts_24_hours_anew(pool: SqlitePool, clock: Clock) -> None:
    pool.add("ann")
    clock.now += TTL_S - 1
    pool.add("ann")
    clock.now += 2

    assert pool.has("ann")


def test_members_survive_a_restart(tmp_path: Path, clock: Clock, pool: SqlitePool) -> None:
    pool.add("ann")
    again = SqlitePool(tmp_path / "gray.sqlite", clock)

    found = again.has("ann")
    again.close()

    assert found


def test_a_file_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GrayPoolUnavailable):
        SqlitePool(tmp_path / "no" / "folder.sqlite")


def test_the_settings_choose_the_store(tmp_path: Path) -> None:
    shared, local = (
        make_pool("redis://127.0.0.1:1/0", tmp_path / "a"),
        make_pool(None, tmp_path / "b"),
    )
    kinds = (type(shared), shared.shared, type(local), local.shared)
    shared.close()
    local.close()

    assert kinds == (RedisPool, True, SqlitePool, False)


def test_a_redis_that_does_not_answer_is_an_error() -> None:
    pool = RedisPool("redis://127.0.0.1:1/0")

    with pytest.raises(GrayPoolUnavailable):
        pool.has("ann")
    pool.close()
