"""What a rule of a rollout's life looks at besides the state, and when it is asked."""

from dataclasses import dataclass
from datetime import datetime

from faceblur_operator.core.baseline import NOTHING_COUNTED, Baseline
from faceblur_operator.core.errands import Moment as Moment
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.snapshot import Snapshot
from faceblur_operator.core.state import Previous


@dataclass(frozen=True, slots=True)
class View:
    """What a rule looks at besides the state.

    Attributes:
        revision: hash of the template that the specification asks for.
        is_released: stable's template is that template already.
        gray_is_current: gray's pods run the template to release.
        previous: what stable runs, to be put back should a promotion fail.
        problem: why the cluster does not allow the rollout at present.
        config: digest of the ConfigMaps and Secrets that the template uses; empty without any.
        baseline: what was counted before gray got its first request.
    """

    plan: Plan
    snapshot: Snapshot
    now: datetime
    revision: str
    is_released: bool
    gray_is_current: bool
    stable_image: str
    previous: Previous | None
    problem: Refusal | None
    config: str = ""
    baseline: Baseline = NOTHING_COUNTED
