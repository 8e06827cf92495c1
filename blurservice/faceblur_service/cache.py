"""Results for pictures that come again: found by a keyed hash, only the hidden picture kept.

Used by the HTTP service around its pipeline. Must never hold an original, nor anything from which
one could be looked for: the hash is keyed with random bytes that end with the process, so that
nobody who reads the memory can test whether a known picture was sent.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from faceblur_service.options import Options
from faceblur_service.pipeline import Result

MAX_BYTES = 64 * 1024 * 1024
TTL_S = 600.0
# A result above this share would push out many others that are asked for more often.
_LARGEST_SHARE = 4
# What the entry itself costs: its key, list, objects and dictionary slots.
_ENTRY_BYTES = 1024
_FACE_BYTES = 256
# Whoever leads has a time limit of his own; a follower that waited this long works himself.
_FOLLOW_S = 60.0


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What the cache did and holds."""

    hits: int
    """Answers that needed no work, of finished results or by waiting for an equal request."""

    misses: int
    evictions: int
    """Results dropped for lack of room; expired ones do not count."""

    entries: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Entry:
    result: Result
    size: int
    expires: float


class _Flight:
    """One piece of work that several requests wait for."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: Result | None = None


class ResultCache:
    """Keeps results, least recently used ones dropped first; thread-safe."""

    def __init__(
        self,
        fingerprint: str,
        *,
        max_bytes: int = MAX_BYTES,
        ttl_s: float = TTL_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start empty.

        Args:
            fingerprint: What every result depends on beside its picture and options: the code's
                version and the hashes of the models.
            max_bytes: Room for results; 0 keeps none.
            ttl_s: Seconds after which a result is forgotten, however often it was asked for.
            monotonic: The clock.
        """
        self._max_bytes, self._ttl_s, self._monotonic = max_bytes, ttl_s, monotonic
        self._secret = secrets.token_bytes(32)
        self._fingerprint = fingerprint
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._flights: dict[bytes, _Flight] = {}
        self._bytes = self._hits = self._misses = self._evictions = 0

    def key(self, data: bytes, options: Options) -> bytes:
        """Return the name of a picture's result: it differs in every bit that matters.

        Args:
            data: The upload.
            options: Every field counts, also those added later: the hash takes its `repr`.
        """
        # Another process, another key: a name says nothing outside of this process.
        digest = blake2b(key=self._secret, digest_size=32)
        for part in (self._fingerprint.encode(), repr(options).encode()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        digest.update(data)
        return digest.digest()

    def get_or_make(self, key: bytes, make: Callable[[], Result]) -> tuple[Result, bool]:
        """Return a result, and whether it needed no work.

        Equal requests at the same time wait for the first of them. When that one fails, the next
        one tries itself: a refusal for lack of a slot is not the fate of the others.

        Args:
            key: What `key` said.
            make: Does the work; what it raises goes to the caller, and nothing is kept.
        """
        while True:
            with self._lock:
                kept = self._find(key)
                if kept is not None:
                    self._hits += 1
                    return kept, True
                flight = self._flights.get(key)
                if flight is None:
                    flight = self._flights[key] = _Flight()
                    self._misses += 1
                    break
            if not flight.done.wait(_FOLLOW_S):
                return make(), False
            if flight.result is not None:
                with self._lock:
                    self._hits += 1
                return flight.result, True
        return self._lead(key, flight, make), False

    def renew(self, fingerprint: str) -> None:
        """Forget everything when results depend on something else from now on."""
        with self._lock:
            if fingerprint != self._fingerprint:
                self._fingerprint = fingerprint
                self._entries.clear()
                self._bytes = 0

    def shrink(self, most: int) -> None:
        """Forget the least recently used results until the rest takes at most so many bytes."""
        with self._lock:
            self._evict(most)

    def stats(self) -> CacheStats:
        """Return what happened so far; forgets what has expired, also when nobody asks for it."""
        with self._lock:
            self._forget_expired()
            return CacheStats(
                self._hits, self._misses, self._evictions, len(self._entries), self._bytes
            )

    def _lead(self, key: bytes, flight: _Flight, make: Callable[[], Result]) -> Result:
        before = self._fingerprint
        try:
            flight.result = make()
        finally:
            with self._lock:
                self._flights.pop(key, None)
                # A result of the old models must not come in after they were changed.
                if flight.result is not None and before == self._fingerprint:
                    self._keep(key, flight.result)
            flight.done.set()
        return flight.result

    def _find(self, key: bytes) -> Result | None:
        self._forget_expired()
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.result

    def _keep(self, key: bytes, result: Result) -> None:
        self._forget_expired()
        size = len(result.data) + _ENTRY_BYTES + _FACE_BYTES * len(result.faces)
        if size * _LARGEST_SHARE > self._max_bytes:
            return
        self._evict(self._max_bytes - size)
        self._entries[key] = _Entry(result, size, self._monotonic() + self._ttl_s)
        self._bytes += size

    def _evict(self, most: int) -> None:
        while self._entries and self._bytes > most:
            _, dropped = self._entries.popitem(last=False)
            self._bytes -= dropped.size
            self._evictions += 1

    def _forget_expired(self) -> None:
        now = self._monotonic()
        old = [key for key, entry in self._entries.items() if entry.expires <= now]
        for key in old:
            self._bytes -= self._entries.pop(key).size
