"""Users of the service in a story: what Prometheus would read, shared out by the present weight."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from faceblur_operator.core.snapshot import Series, Vector

# The limit of the latency objectives of all examples is an edge of the histogram.
EDGE = "0.3"


@dataclass
class _Faces:
    per_second: float = 0.0
    lost: float = 0.0
    total: float = 0.0
    bad: float = 0.0


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
        self._faces: dict[str, _Faces] = {}

    def flow(self, per_second: float) -> None:
        """Let this many requests come from now on, to both versions together."""
        self._count()
        self._rate = per_second

    def fail(self, **share: float) -> None:
        """Let this share of the answers of `gray` or `stable` fail, slowly, from now on."""
        self._count()
        self._share |= share

    def see(self, objective: str, *, per_second: float, lost: float) -> None:
        """Let gray be shown so many faces for this objective, whatever its weight is."""
        self._count()
        faces = self._faces.setdefault(objective, _Faces())
        faces.per_second, faces.lost = per_second, lost

    def answer(self, queries: Mapping[str, str]) -> Mapping[str, Vector]:
        """Answer as Prometheus."""
        self._count()
        return {key: Vector.of([self._series(key, text)]) for key, text in queries.items()}

    def _series(self, key: str, text: str) -> Series:
        objective, side, what = key.split(":")
        # A controller counts both versions; pods count their own.
        at_ingress = (("instance", "10.0.0.9:8082"), ("job", "traefik"))
        pod = at_ingress if "traefik_" in text else (("pod", f"{side}-1"),)
        match what:
            case "value":
                return Series((), self.gauges.get(objective, 0.5))
            case "edges":
                return Series((("le", EDGE),), 1)
            case "total" | "bad" if side == "gray" and objective in self._faces:
                faces = self._faces[objective]
                return Series(pod, faces.total if what == "total" else faces.bad)
            case "total":
                return Series(pod, self._total[side])
            case _:
                # A bucket counts the fast answers, not the slow ones.
                is_bucket = "_bucket{" in text
                bad = self._bad[side]
                return Series(pod, self._total[side] - bad if is_bucket else bad)

    def _count(self) -> None:
        """Count what has come since the last look; nobody's request is counted twice."""
        passed = self._now() - self._at
        requests = self._rate * passed
        self._at = self._now()
        for faces in self._faces.values():
            faces.total += faces.per_second * passed
            faces.bad += faces.per_second * passed * faces.lost
        to_gray = requests * self._weight() / 100
        for side, more in (("gray", to_gray), ("stable", requests - to_gray)):
            self._total[side] += more
            self._bad[side] += more * self._share[side]
