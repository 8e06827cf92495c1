"""What of one look still holds at the next: all that follows from the plan and the cluster alone.

A rollout is looked at every second while its cluster hardly ever changes. What is kept here is
compared by value with what is seen now, so every result is the same without it; the adapters hand
out the same objects while nothing changes, which makes comparing cheap. It lives in the memory of
its rollout and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from operator import attrgetter

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core.desired import Clocks, Target, effects_for
from faceblur_operator.core.effects import Effect
from faceblur_operator.core.footing import footing
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.snapshot import Json, Snapshot
from faceblur_operator.core.state import SloState, State
from faceblur_operator.core.view import View

# Everything but the samples: a field that is added counts as part of the cluster by itself.
_cluster = attrgetter(*(one.name for one in fields(Snapshot) if one.name != "samples"))

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What follows from one plan and one cluster.

    Attributes:
        cluster: what it follows from, besides the plan; see `cluster_of`.
        target: what shall be released; None while stable cannot be read.
        refusal: why the cluster does not allow it.
        caution: what the user should know all the same.
        view: what the rules look at; time, samples and what depends on them are not of now.
    """

    plan: Plan
    cluster: Key
    target: Target | None
    refusal: Refusal | None
    caution: Refusal | None
    view: View


@dataclass(frozen=True, slots=True)
class Quiet:
    """A look after which nothing was to be done or said, and for how long that holds.

    Attributes:
        status: the stored status it was held against.
        key: what of the state and its verdicts the outcome depends on.
        at, until: no time in between changes the outcome.
        against: what the stored status holds against gray, by objective.
    """

    status: Json
    key: Key
    at: datetime
    until: datetime | None
    against: Mapping[str, SloState]


@dataclass(frozen=True, slots=True)
class Kept:
    """What one rollout keeps from look to look.

    Attributes:
        basis: what of the state the effects were worked out for.
        effects: the writes that were missing then.
        quiet: the last look, when it was a quiet one.
    """

    prepared: Prepared
    basis: Key = ()
    effects: tuple[Effect, ...] = ()
    quiet: Quiet | None = None


def cluster_of(snapshot: Snapshot, config: str) -> Key:
    """Return the snapshot without its samples, and the configuration that is released."""
    return (config, _cluster(snapshot))


def still(plan: Plan, snapshot: Snapshot, config: str, kept: Kept | None) -> Prepared | None:
    """Return what was prepared, if it is about this plan and this cluster."""
    if kept is None:
        return None
    before = kept.prepared
    is_same = (before.plan is plan or before.plan == plan) and before.cluster == cluster_of(
        snapshot, config
    )
    return before if is_same else None


def effects_of(
    prepared: Prepared, state: State, snapshot: Snapshot, clocks: Clocks, kept: Kept | None
) -> Kept:
    """Return the writes that are missing for a state, worked out anew only where that matters."""
    basis = (footing(state), clocks)
    if kept is not None and kept.prepared is prepared and kept.basis == basis:
        return kept
    effects = effects_for(prepared.plan, state, snapshot, prepared.target, clocks)
    return Kept(prepared, basis, effects)


def key_of(state: State, verdict: Verdict, unmeasurable: Refusal | None) -> Key:
    """Return what an outcome depends on, besides the basis of its effects, and time."""
    verdicts = tuple([slo.verdict for slo in state.slos])
    return (state.no_data_since, verdict, verdicts, unmeasurable)


def is_quiet(quiet: Quiet, status: Json, key: Key, now: datetime) -> bool:
    """Whether the last look was quiet, and nothing it depended on is different."""
    return is_lasting(quiet, status, now) and quiet.key == key


def is_lasting(quiet: Quiet, status: Json, now: datetime) -> bool:
    """Whether a quiet look was at this status, and time alone has changed nothing since."""
    return quiet.status is status and quiet.at <= now and (quiet.until is None or now < quiet.until)


def left(quiet: Quiet, now: datetime) -> timedelta | None:
    """Return how long a quiet look stays one."""
    return None if quiet.until is None else quiet.until - now
