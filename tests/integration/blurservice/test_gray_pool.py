"""What every store of the gray channel promises, on a real Redis and on SQLite."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.support.blurservice import free_port
from tests.support.eventually import Patience, eventually

from faceblur_service.errors import GrayPoolUnavailable
from faceblur_service.gray import TTL_S, RedisPool, SqlitePool

pytestmark = pytest.mark.integration

SERVER = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")
STARTING = Patience("Redis starts", 20)


class Server:
    """A Redis of this test's own."""

    def __init__(self, folder: Path) -> None:
        """Choose a port."""
        self.port, self._folder = free_port(), folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and wait until it answers."""
        assert SERVER is not None
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            [SERVER, *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL
        )
        eventually(self._answers, lambda up: up, within=STARTING, what="it answers")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.client.close()
    made.stop()


@pytest.fixture(params=[pytest.param("redis", marks=needs_redis), "sqlite"])
def pool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisPool | SqlitePool]:
    made: RedisPool | SqlitePool
    if request.param == "redis":
        server: Server = request.getfixturevalue("server")
        server.client.flushall()
        made = RedisPool(server.url)
    else:
        made = SqlitePool(tmp_path / "gray.sqlite")
    yield made
    made.close()


def test_who_joins_is_in_and_who_leaves_is_out(pool: RedisPool | SqlitePool) -> None:
    before = pool.has("ann")
    pool.add("ann")
    pool.add("ann")
    pool.add("bob")
    pool.remove("ann")
    pool.remove("nobody")

    assert (before, [pool.has(user) for user in ("ann", "bob")]) == (False, [False, True])


def test_members_are_listed_and_purged(pool: RedisPool | SqlitePool) -> None:
    for user in ("ann", "bob"):
        pool.add(user)

    listed = pool.members()
    purged = [pool.purge(), pool.purge()]

    assert set(listed) == {"ann", "bob"}
    assert all(TTL_S - 60 < left <= TTL_S for left in listed.values())
    assert (purged, pool.members()) == ([2, 0], {})


@needs_redis
def test_a_purge_leaves_other_keys_alone(server: Server) -> None:
    server.client.flushall()
    server.client.set("other", "1")
    pool = RedisPool(server.url)
    pool.add("ann")
    pool.purge()
    pool.close()

    assert server.client.keys() == [b"other"]


@needs_redis
def test_members_are_keys_that_expire_after_24_hours(server: Server) -> None:
    server.client.flushall()
    pool = RedisPool(server.url)
    pool.add("ann")
    pool.close()

    keys, left = server.client.keys(), server.client.ttl("gray_user:ann")

    assert keys == [b"gray_user:ann"]
    assert isinstance(left, int)
    assert TTL_S - 60 < left <= TTL_S


@needs_redis
def test_a_redis_that_goes_and_comes_back_is_used_again(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    pool = RedisPool(server.url)
    pool.add("ann")

    server.stop()
    with pytest.raises(GrayPoolUnavailable):
        pool.has("ann")
    server.start()
    pool.add("ann")
    found = pool.has("ann")
    pool.close()
    server.client.close()
    server.stop()

    assert found
