"""Notes when objects change, as any controller would see it: through a watch."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from kubernetes import client, watch
from tests.support.eventually import Patience, eventually

WITHIN = Patience("three minutes", 180)
_WATCH_S = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What an object said, and when that was known here (seconds of the monotonic clock)."""

    at: float
    said: str


class Witness:
    """Watches a list of objects on a thread of its own and keeps what they said, with times."""

    def __init__(
        self, listing: Callable[..., Any], read: Callable[[Mapping[str, Any]], str | None]
    ) -> None:
        """Begin to watch.

        Args:
            listing: A list call of the Kubernetes client, its arguments bound.
            read: What to keep of an object; None: nothing. One that is gone says "gone".
        """
        self._listing, self._read = listing, read
        self._seen: list[Seen] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)
        self._thread.start()

    def first(self, said: str, since: float, within: Patience = WITHIN) -> float:
        """Wait until something is said after a time, and return when that was."""
        found = eventually(
            lambda: [one for one in self._seen[:] if one.at >= since and one.said == said],
            bool,
            within=within,
            what=f"{said} is said",
            every_s=0.05,
        )
        return found[0].at

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join(_WATCH_S + 5)

    def _run(self) -> None:
        last: dict[str, str] = {}
        while not self._stop.is_set():
            watcher: Any = watch.Watch()  # type: ignore[no-untyped-call]  # it has no types
            # The API server is away for a moment: a new watch begins with the present state.
            with contextlib.suppress(client.ApiException, urllib3.exceptions.HTTPError):
                for event in watcher.stream(self._listing, timeout_seconds=_WATCH_S):
                    self._take(event["type"], event["raw_object"], last)
                    if self._stop.is_set():
                        return

    def _take(self, kind: str, item: Mapping[str, Any], last: dict[str, str]) -> None:
        said = "gone" if kind == "DELETED" else self._read(item)
        name = item["metadata"]["name"]
        # A watch that begins anew repeats what is; only changes are kept.
        if said is not None and last.get(name) != said:
            self._seen.append(Seen(time.monotonic(), said))
            last[name] = said
