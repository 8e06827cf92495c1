"""Words the operator uses in status, events, metrics and logs; one constant per idea.

Used by every layer. Nothing here decides anything.
"""

from enum import StrEnum


class Phase(StrEnum):
    """What a rollout is doing, derived from its conditions."""

    PENDING = "Pending"
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    PROMOTING = "Promoting"
    SUCCEEDED = "Succeeded"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    INVALID = "Invalid"
    SUSPENDED = "Suspended"


class ConditionType(StrEnum):
    """The conditions of a rollout; `kubectl wait --for=condition=Promoted` reads them."""

    ACCEPTED = "Accepted"
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    SUSPENDED = "Suspended"
    DRIFTED = "Drifted"


class Verdict(StrEnum):
    """What the evidence says about one SLO; the last three never raise or lower a weight."""

    PASS = "Pass"  # noqa: S105 - a verdict, not a password
    BREACH = "Breach"
    INSUFFICIENT = "Insufficient"
    NO_DATA = "NoData"
    ERROR = "Error"


class Reason(StrEnum):
    """Why: the reason of a condition, of a decision and of an event."""

    # Accepted
    VALID = "Valid"
    NOT_SUPPORTED = "NotSupported"
    CONFLICTED = "Conflicted"
    INVALID_SPEC = "InvalidSpec"
    STABLE_NOT_FOUND = "StableNotFound"
    SERVICE_NOT_FOUND = "ServiceNotFound"
    INGRESS_NOT_FOUND = "IngressNotFound"
    INGRESS_WITHOUT_SERVICE = "IngressWithoutService"
    CONTAINER_NOT_FOUND = "ContainerNotFound"
    LATENCY_NOT_AN_EDGE = "LatencyNotAnEdge"
    PROMETHEUS_NOT_ALLOWED = "PrometheusNotAllowed"
    WEBHOOK_NOT_ALLOWED = "WebhookNotAllowed"
    GRAY_NOT_OURS = "GrayNotOurs"
    NOT_READABLE = "NotReadable"
    # Progressing
    STARTED = "Started"
    RESTARTED = "Restarted"
    WAITING_FOR_GRAY = "WaitingForGray"
    STEPPING = "Stepping"
    WEIGHT_RAISED = "WeightRaised"
    HOLDING = "Holding"
    HOLD_NOT_OVER = "HoldNotOver"
    TOO_LITTLE_EVIDENCE = "TooLittleEvidence"
    NO_DATA = "NoData"
    NOT_MEASURED = "NotMeasured"
    SHARED_OUTAGE = "SharedOutage"
    OPTED_IN_BREACH = "OptedInBreach"
    WAITING_FOR_APPROVAL = "WaitingForApproval"
    PAUSED_BY_COMMAND = "PausedByCommand"
    RETRIED = "Retried"
    COMMANDED = "Commanded"
    COMMAND_REFUSED = "CommandRefused"
    PREFLIGHT_NOT_MET = "PreflightNotMet"
    WAITING_FOR_GATE = "WaitingForGate"
    GATE_REFUSED = "GateRefused"
    NOTIFICATION_FAILED = "NotificationFailed"
    PROMOTING = "Promoting"
    ALREADY_STABLE = "AlreadyStable"
    STABLE_WITHOUT_PODS = "StableWithoutPods"
    STABLE_NOT_READY = "StableNotReady"
    # Promoted
    PROMOTED = "Promoted"
    NOT_YET_PROMOTED = "NotYetPromoted"
    # RolledBack
    SLO_BREACHED = "SloBreached"
    NO_DATA_TOO_LONG = "NoDataTooLong"
    GRAY_NOT_READY = "GrayNotReady"
    GRAY_LOST_READINESS = "GrayLostReadiness"
    GRAY_CRASHING = "GrayCrashing"
    GRAY_OUT_OF_MEMORY = "GrayOutOfMemory"
    GRAY_IMAGE_NOT_PULLABLE = "GrayImageNotPullable"
    GRAY_NOT_STARTABLE = "GrayNotStartable"
    GRAY_EVICTED = "GrayEvicted"
    IMAGE_MOVED = "ImageMoved"
    ABORTED = "Aborted"
    UNDONE = "Undone"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    # Suspended, Drifted
    SUSPENDED_BY_SPEC = "SuspendedBySpec"
    ACTIVE = "Active"
    REPAIRED = "Repaired"
    IN_SYNC = "InSync"
    # The API server says no
    WRITE_REFUSED = "WriteRefused"
    SHARED_SERVICE = "SharedService"
    GRAY_TOO_SMALL = "GrayTooSmall"
