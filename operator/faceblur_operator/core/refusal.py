"""A refusal, as a value."""

from dataclasses import dataclass

from faceblur_operator.api.reasons import Reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not accepted, and what would change that."""

    reason: Reason
    message: str
