"""The plan: a checked specification as plain values the decisions work on.

`compile_plan` (see `compiler.py`) makes it once per observation; nothing below it reads pydantic.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from faceblur_operator.core.errands import Channel, Gate
from faceblur_operator.core.refusal import Refusal


class OnSharedBreach(Enum):
    """What to do while stable breaches the same objective as gray."""

    HOLD = "hold"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the ladder: `weight` percent of the traffic for at least `hold`.

    Attributes:
        approval: a person has to say go on before the next step, or the promotion.
        size: percent of stable's pods that gray has here at least; the weight when it is more.
    """

    weight: int
    hold: timedelta
    approval: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class OptIn:
    """How a user asks for gray whatever the weight: a header's value or a cookie `always`."""

    header: str | None
    value: str | None
    cookie: str | None


@dataclass(frozen=True, slots=True)
class RatioObjective:
    """Share of bad events among all; counts come from raw counters.

    Queries are templates; `queries.py` fills in the names for gray and for stable.

    Attributes:
        name: unique within the rollout.
        bad: PromQL for raw counters of bad events.
        total: PromQL for raw counters of all events.
        allowed: highest allowed share of bad events (0..1), None when only compared with stable.
        unacceptable: share of bad events at which a version must not be promoted (0..1).
        max_ratio: gray may be at most this many times worse than stable; None: not compared.
        bad_is_good: `bad` counts good events (a histogram bucket), so bad = total - it.
        edges: PromQL for the buckets of that histogram, None without one.
        limit: the edge that is meant, in the histogram's unit.
        is_of_gray: gray alone counts it, so stable is not asked and nothing waits for it.
        same_scrape: one process counts both sides; see `same_scrape.py`.
    """

    name: str
    bad: str
    total: str
    allowed: float | None
    unacceptable: float | None
    max_ratio: float | None
    bad_is_good: bool = False
    edges: str | None = None
    limit: float | None = None
    is_of_gray: bool = False
    same_scrape: bool = False


@dataclass(frozen=True, slots=True)
class GaugeObjective:
    """A single value that must not exceed `maximum` `failure_limit` times in a row."""

    name: str
    query: str
    maximum: float
    failure_limit: int


Objective = RatioObjective | GaugeObjective


@dataclass(frozen=True, slots=True)
class Preflight:
    """What must be true before gray gets its first request.

    Attributes:
        stable_healthy: stable meets the objectives itself.
        probe: share of labelled faces that gray must find (0..1), None without a probe.
    """

    stable_healthy: bool
    probe: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a decision needs to know about what the user asked for.

    Attributes:
        refusal: why the specification is not followed; what runs already is only watched then,
            and nothing is asked of Prometheus.
        tests: how many tests the objectives ask for.
    """

    namespace: str
    name: str
    image: str
    container: str | None
    stable_deployment: str
    stable_service: str
    gray_deployment: str
    gray_service: str
    gray_env: tuple[tuple[str, str], ...]
    min_replicas: int
    max_replicas: int
    ingress: str
    opt_in: OptIn | None
    steps: tuple[Step, ...]
    objectives: tuple[Objective, ...]
    prometheus_url: str
    interval: timedelta
    warmup: timedelta
    false_rollback: float
    bad_promotion: float
    no_data_rollback_after: timedelta | None
    on_shared_breach: OnSharedBreach
    progress_deadline: timedelta
    scale_down_delay: timedelta
    drain: timedelta
    suspended: bool
    preflight: Preflight | None = None
    gates: tuple[Gate, ...] = ()
    channels: tuple[Channel, ...] = ()
    refusal: Refusal | None = None
    tests: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Count the tests: they are needed at each look."""
        ratios = [one for one in self.objectives if isinstance(one, RatioObjective)]
        bounds = [bound for one in ratios for bound in (one.allowed, one.max_ratio)]
        object.__setattr__(self, "tests", len(bounds) - bounds.count(None))
