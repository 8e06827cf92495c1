"""What the operator reports: the status of a FaceBlurRollout.

The API server checks its types only, and every field is optional: a status must never be refused
because an older CRD knows fewer words. `core/report.py` writes it.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from faceblur_operator.api.fields import list_map
from faceblur_operator.api.model import Model


class SloStatus(Model):
    """What the evidence says about one objective."""

    name: str = Field(description="Name of the objective in spec.analysis.slos.")
    verdict: str | None = Field(
        default=None,
        description="Pass, Breach, Insufficient (too few requests yet), NoData (nothing to judge) "
        "or Error (could not be measured).",
    )
    message: str | None = Field(default=None, description="The verdict in a sentence.")
    value: str | None = Field(
        default=None, description="What was measured: a share from 0 to 1, or the number."
    )
    bound: str | None = Field(
        default=None, description="What it is compared with, in the same unit."
    )
    gray_requests: int | None = Field(
        default=None,
        description="Requests to gray counted since its evidence began: with the first traffic, "
        "with other objectives, or after a shared outage.",
    )
    gray_bad: int | None = Field(default=None, description="The bad ones among them.")
    stable_requests: int | None = Field(
        default=None, description="Requests to stable counted at the same time."
    )
    stable_bad: int | None = Field(default=None, description="The bad ones among them.")
    restarts: int | None = Field(
        default=None, description="How often the evidence for a promotion began anew."
    )
    versus: Annotated[list[float], Field(max_length=64)] = Field(
        default=[], description="Evidence that gray is worse than stable, as logarithms."
    )
    breaches: int | None = Field(
        default=None, description="Values above max in a row, for cpu, memory and value."
    )


class EvidenceStatus(Model):
    """What an objective showed when something was decided."""

    name: str = Field(description="Name of the objective in spec.analysis.slos.")
    verdict: str | None = Field(default=None, description="As in status.slos.")
    value: str | None = Field(
        default=None, description="What was measured: a share from 0 to 1, or the number."
    )
    bound: str | None = Field(
        default=None, description="What it is compared with, in the same unit."
    )
    gray_requests: int | None = Field(default=None, description="Requests to gray counted so far.")
    gray_bad: int | None = Field(default=None, description="The bad ones among them.")
    stable_requests: int | None = Field(
        default=None, description="Requests to stable counted at the same time."
    )
    stable_bad: int | None = Field(default=None, description="The bad ones among them.")
    log_e: str | None = Field(
        default=None,
        description="Evidence, as a natural logarithm: against gray for a Breach, else for going "
        "on.",
    )
    threshold: str | None = Field(default=None, description="What logE has to reach.")
    query: str | None = Field(
        default=None,
        description="What Prometheus was asked about gray: bad / total, or the value. The queries "
        "of one decision are cut to 960 characters together, each to 240.",
    )


class DecisionStatus(Model):
    """A step, a rollback, a hold or a command, and why."""

    time: datetime = Field(description="When it was decided; of a hold: when it first began.")
    action: str = Field(
        description="What was decided: stepping, hold, promoting, promoted, stalled, rolling back "
        "or a command."
    )
    from_weight: int | None = Field(default=None, description="Gray weight before, in percent.")
    to_weight: int | None = Field(default=None, description="Gray weight after, in percent.")
    reason: str | None = Field(default=None, description="Why, in one word.")
    message: str | None = Field(default=None, description="Why, in a sentence with the counts.")
    by: str | None = Field(
        default=None, description="Who asked for it, for commands; as the command says."
    )
    count: int | None = Field(
        default=None, description="How often this hold began at this weight; missing: once."
    )
    last_time: datetime | None = Field(
        default=None, description="When this hold began last; missing: at time."
    )
    evidence: Annotated[list[EvidenceStatus], Field(max_length=16)] = Field(
        default=[],
        description="What the objectives showed that decided: all to go on, else the worst. "
        "Missing where no objective decided, and in older entries of a long record.",
        json_schema_extra=list_map("name"),
    )


class EnvStatus(Model):
    """An environment variable of an earlier release."""

    name: str = Field(description="Name of the variable.")
    value: str = Field(default="", description="Its value.")


class HistoryEntry(Model):
    """How an earlier release ended."""

    revision: str = Field(description="Revision that was released.")
    image: str | None = Field(default=None, description="Its image.")
    env: Annotated[list[EnvStatus], Field(max_length=64)] | None = Field(
        default=None,
        description="Variables it was released with, for undo; missing when they are too long.",
        json_schema_extra=list_map("name"),
    )
    outcome: str | None = Field(
        default=None, description="Promoted, RolledBack, Undone or Superseded."
    )
    time: datetime | None = Field(default=None, description="When it ended.")
    message: str | None = Field(default=None, description="Why it ended so.")


class GateStatus(Model):
    """What a gate answered last."""

    name: str = Field(description="Name of the gate in spec.gates.")
    at: str | None = Field(default=None, description="start, step or promotion.")
    step: int | None = Field(
        default=None, description="Index of the step that the answer is about, from 0."
    )
    answer: str | None = Field(default=None, description="Agreed, Refused or NoAnswer.")
    message: str | None = Field(default=None, description="What it said, or why it said nothing.")
    time: datetime | None = Field(default=None, description="When it answered.")
    asked: int | None = Field(default=None, description="How often it was asked.")


class NotificationStatus(Model):
    """How far a notification is."""

    name: str = Field(description="Name of the notification in spec.notifications.")
    done: int | None = Field(
        default=None, description="Number of the last occasion that is dealt with."
    )
    sending: int | None = Field(
        default=None, description="Number of the occasion that is being told now."
    )
    attempts: int | None = Field(default=None, description="How often telling it has failed.")
    next_attempt: datetime | None = Field(default=None, description="When it is tried again.")
    message: str | None = Field(default=None, description="What came of the last one.")


class Condition(Model):
    """One aspect of the rollout that is true or not."""

    type: str = Field(
        description="Accepted, Progressing, Paused, Promoted, RolledBack, Suspended or Drifted."
    )
    status: str = Field(description="True, False or Unknown.")
    reason: str = Field(description="Why, in one word.")
    message: str = Field(default="", description="Why, in a sentence that says what to change.")
    last_transition_time: datetime = Field(description="When the status last changed.")
    observed_generation: int | None = Field(
        default=None, description="metadata.generation that this is about."
    )


class FaceBlurRolloutStatus(Model):
    """What the operator has done and sees; written by the operator only."""

    phase: str | None = Field(
        default=None,
        description="Pending, Progressing, Paused, Promoting, Succeeded, RollingBack, RolledBack, "
        "Invalid or Suspended.",
    )
    observed_generation: int | None = Field(
        default=None, description="metadata.generation that the status is about."
    )
    revision: str | None = Field(
        default=None, description="Hash of what is released: image, variables and pod template."
    )
    step: str | None = Field(default=None, description="Step of how many, such as 2/4.")
    current_step_index: int | None = Field(
        default=None, description="Index of the step in spec.steps, from 0."
    )
    gray_weight: int | None = Field(
        default=None, description="Percent of the traffic that goes to gray."
    )
    stable_image: str | None = Field(default=None, description="Image that stable runs.")
    gray_image: str | None = Field(default=None, description="Image that gray runs.")
    gray_digest: str | None = Field(
        default=None, description="Digest that gray's image was resolved to."
    )
    message: str | None = Field(
        default=None, description="What is going on and why, in a sentence."
    )
    verdict: str | None = Field(
        default=None, description="The worst verdict among slos; words as there."
    )
    started_at: datetime | None = Field(default=None, description="When this release began.")
    step_started_at: datetime | None = Field(
        default=None, description="When the present weight was reached."
    )
    finished_at: datetime | None = Field(
        default=None, description="When this release was promoted or rolled back."
    )
    slos: Annotated[list[SloStatus], Field(max_length=16)] = Field(
        default=[],
        description="What the evidence says about each objective. While all pass, the numbers are "
        "renewed after 10, 20, 40 minutes and so on; before, within a minute.",
        json_schema_extra=list_map("name"),
    )
    decisions: Annotated[list[DecisionStatus], Field(max_length=64)] = Field(
        default=[],
        description="The latest steps, rollbacks, holds and commands, oldest first; a hold once, "
        "however long it lasts and however often it comes back.",
    )
    history: Annotated[list[HistoryEntry], Field(max_length=64)] = Field(
        default=[], description="How the latest releases ended, oldest first."
    )
    gates: Annotated[list[GateStatus], Field(max_length=64)] = Field(
        default=[], description="What the gates answered in this release."
    )
    notifications: Annotated[list[NotificationStatus], Field(max_length=16)] = Field(
        default=[], description="How far each notification is."
    )
    conditions: Annotated[list[Condition], Field(max_length=16)] = Field(
        default=[],
        description="Conditions, for kubectl wait --for=condition=Promoted.",
        json_schema_extra=list_map("type"),
    )
    memory: Annotated[str, Field(max_length=16384)] | None = Field(
        default=None,
        description="What the operator must remember across restarts, as JSON; not for people.",
    )
