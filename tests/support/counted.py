"""Counters of a service under steady load, as Prometheus would read them from it."""

from collections.abc import Callable

REQUESTS_PER_S = 200


class Counted:
    """Counts 200 requests a second on each side; a share of gray's fails from when it is set."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._begun = now()
        self._share = 0.0
        # Requests and bad ones when the share was set.
        self._before = (0.0, 0.0)

    def __call__(self, side: str, what: str) -> float:
        """Return the counter `bad` or `total` of `gray` or `stable`."""
        total = REQUESTS_PER_S * (self._now() - self._begun)
        if what == "total":
            return total
        before, bad = self._before
        return bad + (total - before) * self._share if side == "gray" else 0.0

    @property
    def bad_share(self) -> float:
        """Share of gray's answers that are bad from now on."""
        return self._share

    @bad_share.setter
    def bad_share(self, share: float) -> None:
        self._before = (self("gray", "total"), self("gray", "bad"))
        self._share = share
