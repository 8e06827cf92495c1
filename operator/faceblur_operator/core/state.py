"""What a rollout remembers between two decisions; it survives in the status, see `memo.py`."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from faceblur_operator.api.reasons import Reason, Verdict
from faceblur_operator.core.errands import NOTHING_TO_TELL, GateState, Outbox
from faceblur_operator.core.evidence import ZERO, Counts, versus_start


class Stage(Enum):
    """Where in its life a rollout is; always derived from its conditions when loaded."""

    IDLE = "idle"
    STEPPING = "stepping"
    PROMOTING = "promoting"
    STALLED = "stalled"
    ROLLING_BACK = "rolling back"
    ROLLED_BACK = "rolled back"
    PROMOTED = "promoted"


class Grant(Enum):
    """How far a person's promote reaches; what is granted waits for neither time nor evidence."""

    NONE = ""
    STEP = "step"
    FULL = "full"


ACTIVE = frozenset({Stage.STEPPING, Stage.PROMOTING, Stage.STALLED})


# What Prometheus scrapes: the labels `job` and `instance`.
Target = tuple[str, str]


class Uncompared(NamedTuple):
    """Events of one side whose counterpart has not been read yet.

    Pods are scraped one after the other: between two scrapes of one side the other's counters may
    have been read.

    Attributes:
        since: when the first of them was read; None while there are none.
        against: what has been read of the other side since, while that is too little.
        by_target: the same events by where they were counted, where one process counts both sides.
    """

    events: Counts = ZERO
    since: datetime | None = None
    against: Counts = ZERO
    by_target: tuple[tuple[Target, Counts], ...] = ()


ALL_COMPARED = Uncompared()
NOTHING_COMPARED = versus_start()


class Mark(NamedTuple):
    """The evidence about one objective as it was at a moment; see `recent.py`.

    Attributes:
        number: which such moment it is.
        at_s: the moment, in seconds of counting.
    """

    number: int
    at_s: float
    gray: Counts
    stable: Counts
    versus: tuple[float, ...]
    versus_after: tuple[float, ...]
    keen: Counts = ZERO


class SloState(NamedTuple):
    """The evidence about one objective and the last verdict on it.

    Attributes:
        gray, stable: events counted since the last restart of the tests.
        versus: accumulators of the comparison with what was read of stable at earlier looks.
        versus_after: the same with what was read of stable at later ones.
        before: events of stable that wait for gray's next; lost with the process, without harm.
        after: events of gray that wait for stable's next; the same.
        restarts: how often a shared outage restarted the tests; each one costs a factor of two.
        breaches: consecutive ticks over the maximum (gauges).
        value, bound: last measured value and the bound it is held against.
        marks: where the evidence stood lately, oldest first; lost with the process, without harm.
        keen: those of gray's events that are of people who opted in.
    """

    name: str
    verdict: Verdict = Verdict.INSUFFICIENT
    message: str = ""
    gray: Counts = ZERO
    stable: Counts = ZERO
    versus: tuple[float, ...] = NOTHING_COMPARED
    restarts: int = 0
    breaches: int = 0
    value: float | None = None
    bound: float | None = None
    versus_after: tuple[float, ...] = NOTHING_COMPARED
    before: Uncompared = ALL_COMPARED
    after: Uncompared = ALL_COMPARED
    marks: tuple[Mark, ...] = ()
    keen: Counts = ZERO


class Reading(NamedTuple):
    """The answer of Prometheus up to which events are counted; see `bridge.py`.

    Attributes:
        at: the moment it is about, by Prometheus' own clock.
        print: fingerprint of the counters then; only in a state that was stored.
        is_whole: no series of gray was missing then that had been counted before.
    """

    at: datetime
    print: str = ""
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Previous:
    """What stable ran before the promotion: its image, and the values of the variables we set."""

    image: str
    env: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class State:
    """The position of a rollout.

    Attributes:
        revision: hash of the template being released; empty before the first.
        step: index into the steps.
        weight: the weight that is set, in percent.
        since: when the present stage or step began to wait for something.
        weighted_since: when the present weight was set; None while it is not.
        traffic_since: when the first request could reach gray.
        sampled_at: when Prometheus last gave an answer that could be read.
        no_data_since: when evidence began to be missing.
        reason, message: why it is where it is.
        previous: what stable is put back to; after a promotion, what an undo puts back.
        command: digest of the command that was consumed last and may still be on the resource.
        granted: what a person's promote has granted.
        paused_by: who paused it; empty while it is not paused.
        rising: gray is being made ready for the next step's weight.
        judged: digest of the objectives that the evidence is about.
        undone: digest of what an undo took back; it is not released again by itself.
        capacity: pods that stable had with all the traffic; 0 before the release began.
        closing_since: when gray lost its traffic to a new beginning; it drains first.
        digest: what gray's image was resolved to, once that is known.
        gates: what the gates answered in this release.
        outbox: what has to be told, and to whom it has been.
        config: digest of the ConfigMaps and Secrets that this release began with.
        read: up to where events are counted.
        serial: counts the stored statuses, so that a stale memory is noticed.
    """

    stage: Stage = Stage.IDLE
    revision: str = ""
    image: str = ""
    stable_image: str = ""
    step: int = 0
    weight: int = 0
    since: datetime | None = None
    started_at: datetime | None = None
    weighted_since: datetime | None = None
    traffic_since: datetime | None = None
    finished_at: datetime | None = None
    sampled_at: datetime | None = None
    no_data_since: datetime | None = None
    reason: Reason = Reason.STARTED
    message: str = ""
    slos: tuple[SloState, ...] = ()
    previous: Previous | None = None
    command: str = ""
    granted: Grant = Grant.NONE
    paused_by: str = ""
    rising: bool = False
    judged: str = ""
    undone: str = ""
    capacity: int = 0
    closing_since: datetime | None = None
    digest: str = ""
    gates: tuple[GateState, ...] = ()
    outbox: Outbox = NOTHING_TO_TELL
    config: str = ""
    read: Reading | None = None
    serial: int = 0
