"""How many pictures a client may send: a bucket of tokens each, refilled steadily."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from faceblur_service.errors import RateLimited

_MOST_CLIENTS = 10_000


class RateLimit:
    """Counts by client; thread-safe. Remembers the 10,000 last seen clients only."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Let each client send `per_minute`, all at once if he likes; 0 lets everything in."""
        self._most, self._monotonic = float(per_minute), monotonic
        self._lock = threading.Lock()
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> None:
        """Count one request.

        Raises:
            RateLimited: The client has used up what he may.
        """
        if not self._most:
            return
        with self._lock:
            wait_s = self._wait(client)
        if wait_s > 0:
            retry = max(1, math.ceil(wait_s))
            raise RateLimited(f"Too many pictures. Try again in {retry} seconds.", retry)

    def _wait(self, client: str) -> float:
        now, per_s = self._monotonic(), self._most / 60
        left, at = self._clients.pop(client, (self._most, now))
        left = min(self._most, left + (now - at) * per_s)
        wait_s = (1 - left) / per_s
        self._clients[client] = (left if wait_s > 0 else left - 1, now)
        if len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        return wait_s
