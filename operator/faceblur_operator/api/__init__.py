"""The custom resource as types: what users write and what the operator reports. Pure."""

from faceblur_operator.api.outside import (
    Address,
    Gate,
    Notification,
    Preflight,
    SecretRef,
    SignedAddress,
    Webhook,
)
from faceblur_operator.api.parse import SpecError, parse_spec
from faceblur_operator.api.slo import (
    Analysis,
    Evidence,
    OnNoData,
    Prometheus,
    Ratio,
    Slo,
    VersusStable,
)
from faceblur_operator.api.spec import (
    EnvVar,
    FaceBlurRolloutSpec,
    GrayTarget,
    OptIn,
    Replicas,
    StableTarget,
    Step,
    Traffic,
)
from faceblur_operator.api.status import (
    Condition,
    DecisionStatus,
    FaceBlurRolloutStatus,
    GateStatus,
    HistoryEntry,
    NotificationStatus,
    SloStatus,
)

__all__ = [
    "Address",
    "Analysis",
    "Condition",
    "DecisionStatus",
    "EnvVar",
    "Evidence",
    "FaceBlurRolloutSpec",
    "FaceBlurRolloutStatus",
    "Gate",
    "GateStatus",
    "GrayTarget",
    "HistoryEntry",
    "Notification",
    "NotificationStatus",
    "OnNoData",
    "OptIn",
    "Preflight",
    "Prometheus",
    "Ratio",
    "Replicas",
    "SecretRef",
    "SignedAddress",
    "Slo",
    "SloStatus",
    "SpecError",
    "StableTarget",
    "Step",
    "Traffic",
    "VersusStable",
    "Webhook",
    "parse_spec",
]
