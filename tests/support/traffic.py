"""Users of the service in a story: what Prometheus would read, shared out by the present weight."""

from collections.abc import Callable, Mapping

from faceblur_operator.core.snapshot import Series

# The limit of the latency objectives of all examples is an edge of the histogram.
EDGE = "0.3"


class Traffic:
    """Requests that are counted as they come, in virtual time.

    Attributes:
        gauges: what an objective of a single value reads; 0.5 where nothing is said.
    """

    def __init__(self, now: Callable[[], float], weight: Callable[[], int]) -> None:
        self._now, self._weight = now, weight
        self._at = now()
        self._rate = 200.0
        self._share = {"gray": 0.002, "stable": 0.002}
        self._total = {"gray": 0.0, "stable": 0.0}
        self._bad = {"gray": 0.0, "stable": 0.0}
        self.gauges: dict[str, float] = {}

    def flow(self, per_second: float) -> None:
        """Let this many requests come from now on, to both versions together."""
        self._count()
        self._rate = per_second

    def fail(self, **share: float) -> None:
        """Let this share of the answers of `gray` or `stable` fail, slowly, from now on."""
        self._count()
        self._share |= share

    def answer(self, queries: Mapping[str, str]) -> Mapping[str, tuple[Series, ...]]:
        """Answer as Prometheus."""
        self._count()
        return {key: (self._series(key, text),) for key, text in queries.items()}

    def _series(self, key: str, text: str) -> Series:
        objective, side, what = key.split(":")
        pod = (("pod", f"{side}-1"),)
        match what:
            case "value":
                return Series((), self.gauges.get(objective, 0.5))
            case "edges":
                return Series((("le", EDGE),), 1)
            case "total":
                return Series(pod, self._total[side])
            case _:
                # A bucket counts the fast answers, not the slow ones.
                is_bucket = "_bucket{" in text
                bad = self._bad[side]
                return Series(pod, self._total[side] - bad if is_bucket else bad)

    def _count(self) -> None:
        """Count what has come since the last look; nobody's request is counted twice."""
        requests = self._rate * (self._now() - self._at)
        self._at = self._now()
        to_gray = requests * self._weight() / 100
        for side, more in (("gray", to_gray), ("stable", requests - to_gray)):
            self._total[side] += more
            self._bad[side] += more * self._share[side]
