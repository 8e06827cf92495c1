"""What is asked of, and told to, others outside the cluster: gates and notifications, as values.

An errand runs beside the looks, so that no rollback waits for it. The core says at each look which
errands there are; the same id is the same errand, done once, and its report is handed in at each
look until the core does not want it any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Moment(StrEnum):
    """When a gate is asked."""

    START = "start"
    STEP = "step"
    PROMOTION = "promotion"


class Answer(StrEnum):
    """What came of asking a gate."""

    AGREED = "Agreed"
    REFUSED = "Refused"
    NO_ANSWER = "NoAnswer"


class Form(StrEnum):
    """How a message is written."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    DING_TALK = "dingTalk"
    FEISHU = "feishu"
    PURGE = "purge"


class Occasion(StrEnum):
    """What is told."""

    STARTED = "Started"
    STEP = "Step"
    PAUSED = "Paused"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    ABORTED = "Aborted"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key of a Secret in the namespace of the rollout."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Gate:
    """Whom to ask, and when."""

    name: str
    url: str
    at: Moment
    timeout: timedelta
    retries: int


@dataclass(frozen=True, slots=True)
class Channel:
    """Whom to tell, in which form, and on which occasions.

    Attributes:
        url: the address, None when it is in a Secret.
        url_from: where the address is kept.
        key_from: where the key is kept that signs the message (or opens the door).
    """

    name: str
    form: Form
    url: str | None
    url_from: SecretKey | None
    key_from: SecretKey | None
    on: frozenset[Occasion]


@dataclass(frozen=True, slots=True)
class GateState:
    """The last answer of one gate about one moment of this release.

    Attributes:
        step: index of the step that was asked about.
        asked: how often it was asked about this.
    """

    name: str
    at: Moment
    step: int
    answer: Answer
    message: str
    time: datetime
    asked: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened and has to be told."""

    serial: int
    occasion: Occasion
    reason: str
    message: str
    revision: str
    image: str
    weight: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one channel is.

    Attributes:
        done: every notice up to this serial is dealt with.
        sending: serial of the notice that is being told; 0: none. Stored before it is sent.
        attempts: how often telling the next one has failed.
        next_attempt: not before this.
        message: what came of the last one.
    """

    name: str
    done: int
    sending: int = 0
    attempts: int = 0
    next_attempt: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Outbox:
    """What has to be told, and how far each channel is.

    Attributes:
        serial: of the latest notice ever.
        notices: those that some channel still needs, oldest first.
    """

    serial: int = 0
    notices: tuple[Notice, ...] = ()
    cursors: tuple[Cursor, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Asks one gate once."""

    id: str
    namespace: str
    gate: Gate
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Letter:
    """Tells one channel about one notice.

    Attributes:
        id: of this attempt.
        key: the same at every attempt, so that the receiver knows a repetition.
        is_fresh: decided just now. Else a process that is gone may have sent it already.
    """

    id: str
    key: str
    namespace: str
    rollout: str
    channel: Channel
    notice: Notice
    is_fresh: bool


class Fate(StrEnum):
    """What came of a letter."""

    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a gate said to the question with this id."""

    id: str
    answer: Answer
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of the letter with this id; unknown: it may have arrived."""

    id: str
    fate: Fate
    message: str
    at: datetime


Errand = Question | Letter
Report = Reply | Receipt
NOTHING_TO_TELL = Outbox()
