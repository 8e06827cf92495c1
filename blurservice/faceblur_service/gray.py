"""The gray channel's members: who takes part, for 24 hours.

`GrayPool` is the port; Redis keeps the members when REDIS_URL is set (shared by all pods of both
versions), else a SQLite file does (one pod only: the routing cookie then says who takes part).
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Protocol

import redis

from faceblur_service import clock
from faceblur_service.errors import GrayPoolUnavailable

TTL_S = 24 * 3600
MOST = 10_000
"""Members listed at once."""

_PREFIX = "gray_user:"
# Redis answers within a few ms or not at all; a page load must not hang on it.
_REDIS_TIMEOUT_S = 1.0


class GrayPool(Protocol):
    """Remembers members until they leave or 24 hours have passed.

    Every method raises GrayPoolUnavailable when the store does not answer.
    """

    shared: bool
    """Whether every pod sees the same members."""

    def add(self, user: str) -> None:
        """Let the user in, for 24 hours from now."""
        ...

    def remove(self, user: str) -> None:
        """Let the user out; nothing happens when he was not in."""
        ...

    def has(self, user: str) -> bool:
        """Return whether the user takes part now."""
        ...

    def members(self) -> dict[str, int]:
        """Return everybody who takes part, and for how many more seconds; at most 10,000."""
        ...

    def purge(self) -> int:
        """Let everybody out; return how many they were."""
        ...


class RedisPool:
    """Members as keys `gray_user:{id}` that Redis lets expire."""

    shared = True

    def __init__(self, url: str) -> None:
        """Connect lazily: Redis may start after this process, or go and come back."""
        self._redis = redis.Redis.from_url(
            url, socket_timeout=_REDIS_TIMEOUT_S, socket_connect_timeout=_REDIS_TIMEOUT_S
        )

    def add(self, user: str) -> None:
        """Let the user in."""
        with _redis_errors():
            self._redis.set(_PREFIX + user, "1", ex=TTL_S)

    def remove(self, user: str) -> None:
        """Let the user out."""
        with _redis_errors():
            self._redis.delete(_PREFIX + user)

    def has(self, user: str) -> bool:
        """Return whether the user takes part."""
        with _redis_errors():
            return bool(self._redis.exists(_PREFIX + user))

    def members(self) -> dict[str, int]:
        """Return everybody who takes part."""
        with _redis_errors():
            names = list(islice(self._names(), MOST))
            # One round trip for all, not one for each.
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                pipe.ttl(name)
            left = pipe.execute()
        found = zip(names, left, strict=True)
        # Below zero: it expired between the two questions, or somebody stored it without an end.
        return {name.removeprefix(_PREFIX): seconds for name, seconds in found if seconds != -2}

    def purge(self) -> int:
        """Let everybody out."""
        count = 0
        with _redis_errors():
            while names := list(islice(self._names(), MOST)):
                count += int(self._redis.unlink(*names))
        return count

    def _names(self) -> Iterator[str]:
        # SCAN, not KEYS: Redis serves others meanwhile.
        for name in self._redis.scan_iter(match=f"{_PREFIX}*", count=1000):
            yield name.decode(errors="replace")

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


class SqlitePool:
    """Members in a file beside the process."""

    shared = False

    def __init__(self, path: Path, now: Callable[[], float] = clock.now) -> None:
        """Create the file when it is missing."""
        self._now = now
        self._lock = threading.Lock()
        with _sqlite_errors():
            # One connection behind a lock: requests come from many threads.
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS gray_user (id TEXT PRIMARY KEY, until REAL NOT NULL)"
            )

    def add(self, user: str) -> None:
        """Let the user in."""
        with self._lock, _sqlite_errors():
            self._db.execute("DELETE FROM gray_user WHERE until <= ?", (self._now(),))
            self._db.execute(
                "INSERT INTO gray_user VALUES (?, ?) "
                "ON CONFLICT (id) DO UPDATE SET until = excluded.until",
                (user, self._now() + TTL_S),
            )

    def remove(self, user: str) -> None:
        """Let the user out."""
        with self._lock, _sqlite_errors():
            self._db.execute("DELETE FROM gray_user WHERE id = ?", (user,))

    def has(self, user: str) -> bool:
        """Return whether the user takes part."""
        with self._lock, _sqlite_errors():
            found = self._db.execute(
                "SELECT 1 FROM gray_user WHERE id = ? AND until > ?", (user, self._now())
            ).fetchone()
        return found is not None

    def members(self) -> dict[str, int]:
        """Return everybody who takes part."""
        now = self._now()
        with self._lock, _sqlite_errors():
            found = self._db.execute(
                "SELECT id, until FROM gray_user WHERE until > ? LIMIT ?", (now, MOST)
            ).fetchall()
        return {user: int(until - now) for user, until in found}

    def purge(self) -> int:
        """Let everybody out."""
        with self._lock, _sqlite_errors():
            self._db.execute("DELETE FROM gray_user WHERE until <= ?", (self._now(),))
            return self._db.execute("DELETE FROM gray_user").rowcount

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def make_pool(redis_url: str | None, file: Path) -> RedisPool | SqlitePool:
    """Return the pool that the settings ask for."""
    return RedisPool(redis_url) if redis_url else SqlitePool(file)


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as err:
        raise GrayPoolUnavailable("The gray channel's store does not answer.") from err


@contextmanager
def _sqlite_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as err:
        raise GrayPoolUnavailable("The gray channel's file cannot be used.") from err
