"""Which objects shall exist for a state, and which writes bring them about, in their order."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from faceblur_operator.core import objects
from faceblur_operator.core.effects import Apply, Delete, Effect, PatchTemplate
from faceblur_operator.core.ladder import size_at, sized_for
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.revision import with_release
from faceblur_operator.core.snapshot import Json, Snapshot, Workload
from faceblur_operator.core.state import Stage, State

# Stages in which stable must run what it ran before a promotion that did not end well, or before
# the one that is undone: the new beginning of a release too, when it broke off a promotion.
REVERTED = frozenset({Stage.STEPPING, Stage.ROLLING_BACK, Stage.ROLLED_BACK, Stage.STALLED})


@dataclass(frozen=True, slots=True)
class Target:
    """The template to release, the container that makes the difference, and its revision.

    Attributes:
        config: digest of the ConfigMaps and Secrets it uses; empty without any.
    """

    template: Json
    container: str
    revision: str
    config: str = ""


class Clocks(NamedTuple):
    """What time has brought about.

    Attributes:
        is_overdue: the delay before gray is scaled down is over.
        is_draining: gray still finishes what it had before the release began again.
    """

    is_overdue: bool = False
    is_draining: bool = False


def clocks_of(plan: Plan, state: State, now: datetime) -> Clocks:
    """Return what time has brought about until now."""
    ended, closing = state.finished_at, state.closing_since
    return Clocks(
        is_overdue=ended is None or now - ended >= delay_of(plan, state),
        is_draining=closing is not None and now - closing < plan.drain,
    )


def delay_of(plan: Plan, state: State) -> timedelta:
    """Return how long gray keeps its pods; after a promotion it has not drained yet."""
    delay = plan.scale_down_delay
    return max(delay, plan.drain) if state.stage is Stage.PROMOTED else delay


def effects_for(
    plan: Plan, state: State, snapshot: Snapshot, target: Target | None, clocks: Clocks
) -> tuple[Effect, ...]:
    """Return the writes still missing: traffic first, then workloads.

    Args:
        plan: what is wanted.
        state: where the rollout is.
        snapshot: what there is.
        target: None while the stable Deployment cannot be read.
        clocks: what may be done by now.
    """
    effects: list[Effect] = [*_traffic(plan, state, snapshot)]
    if target is None or snapshot.stable is None:
        return tuple(effects)
    stable = snapshot.stable
    effects += _stable(plan, state, stable, target)
    effects += _gray(plan, state, snapshot, stable, target, clocks=clocks)
    return tuple(effects)


def gray_is_current(plan: Plan, snapshot: Snapshot, target: Target) -> bool:
    """Whether the gray Deployment already has the template to release."""
    gray = snapshot.gray
    if gray is None or snapshot.stable is None:
        return False
    wanted = _gray_manifest(plan, snapshot, snapshot.stable, target, replicas=gray.replicas)
    return _has_template(plan, wanted, gray, target)


def is_reverted(plan: Plan, state: State, stable: Workload, target: Target) -> bool:
    """Whether stable runs again what it ran before the promotion."""
    return state.stage in REVERTED and not _stable(plan, state, stable, target)


def _traffic(plan: Plan, state: State, snapshot: Snapshot) -> list[Effect]:
    found, ingress = snapshot.gray_ingress, snapshot.ingress
    is_ours = found is not None and found.owner_uid == snapshot.uid
    is_open = state.stage is Stage.STEPPING and state.weighted_since is not None
    has_traffic = state.weight > 0 or is_open
    is_closing = state.stage is Stage.ROLLING_BACK and found is not None
    if not has_traffic and not is_closing:
        return [Delete("Ingress", found.name, found.uid)] if found and is_ours else []
    if ingress is None:
        # Without the stable Ingress there is nothing to copy: taking gray away needs no copy.
        return [Delete("Ingress", found.name, found.uid)] if found and is_closing else []
    wanted = objects.gray_ingress(
        plan, snapshot, ingress, weight=state.weight, is_open=not is_closing
    )
    if not (wanted["spec"].get("rules") or wanted["spec"].get("defaultBackend")):
        return [Delete("Ingress", found.name, found.uid)] if found and is_closing else []
    if found is not None and objects.matches(wanted, found.manifest):
        return []
    return [Apply(wanted)]


def _stable(plan: Plan, state: State, stable: Workload, target: Target) -> list[Effect]:
    if state.stage is Stage.PROMOTING and target.revision == state.revision:
        wanted = target.template
        if objects.matches(wanted["spec"], stable.template["spec"]):
            return []
        env: list[dict[str, Any]] = [{"name": n, "value": v} for n, v in plan.gray_env]
        return [_patch(stable, target, plan.image, env, wanted)]
    if state.stage in REVERTED and state.previous is not None:
        kept = [(name, value) for name, value in state.previous.env if value is not None]
        before = with_release(stable.template, target.container, state.previous.image, kept)
        gone = {name for name, value in state.previous.env if value is None}
        if before == stable.template and not gone & _env_names(stable, target.container):
            return []
        env = [
            {"name": name, "value": value}
            if value is not None
            else {"name": name, "$patch": "delete"}
            for name, value in state.previous.env
        ]
        return [_patch(stable, target, state.previous.image, env, before)]
    return []


def _gray(
    plan: Plan,
    state: State,
    snapshot: Snapshot,
    stable: Workload,
    target: Target,
    *,
    clocks: Clocks,
) -> list[Effect]:
    gray = snapshot.gray
    if state.stage in {Stage.STEPPING, Stage.PROMOTING, Stage.STALLED}:
        if clocks.is_draining or target.revision != state.revision:
            return []
        return _running_gray(plan, state, snapshot, stable, target)
    is_over = state.stage in {Stage.ROLLED_BACK, Stage.PROMOTED} and clocks.is_overdue
    if is_over and gray is not None and gray.replicas > 0:
        return [Apply(_gray_manifest(plan, snapshot, stable, target, replicas=0))]
    return []


def _running_gray(
    plan: Plan, state: State, snapshot: Snapshot, stable: Workload, target: Target
) -> list[Effect]:
    gray, effects = snapshot.gray, list[Effect]()
    service, found = objects.gray_service(plan, snapshot, stable), snapshot.gray_service
    if found is None or (
        found.owner_uid == snapshot.uid and not objects.matches(service, found.manifest)
    ):
        effects.append(Apply(service))
    replicas = _replicas(plan, state, snapshot)
    wanted = _gray_manifest(plan, snapshot, stable, target, replicas=replicas)
    if gray is None or not (
        gray.replicas == replicas and _has_template(plan, wanted, gray, target)
    ):
        effects.append(Apply(wanted))
    return effects


def _replicas(plan: Plan, state: State, snapshot: Snapshot) -> int:
    """Return how many pods gray shall have.

    A HorizontalPodAutoscaler of gray decides; it does not wake at 0 and does not know what comes,
    so gray is given the size that the next weight needs, within its bounds, and is then left to it.
    """
    gray, scaler = snapshot.gray, snapshot.gray_scaler
    needed = size_at(plan, sized_for(plan, state), state.capacity)
    if scaler is None:
        return needed
    needed = min(max(needed, scaler.minimum), scaler.maximum)
    if gray is None or gray.replicas == 0:
        return needed
    is_rising = state.rising or state.weighted_since is None
    return max(gray.replicas, needed) if is_rising else gray.replicas


def _gray_manifest(
    plan: Plan, snapshot: Snapshot, stable: Workload, target: Target, *, replicas: int
) -> Json:
    gray = snapshot.gray
    if gray is not None and gray.owner_uid != snapshot.uid:
        return objects.adopted_deployment(
            plan, target.container, gray, replicas=replicas, config=target.config
        )
    return objects.gray_deployment(
        plan, snapshot, stable, target.template, replicas=replicas, config=target.config
    )


def _has_template(plan: Plan, wanted: Json, gray: Workload, target: Target) -> bool:
    """Whether gray's template says what is wanted; of an adopted one only our part is compared."""
    template = wanted["spec"]["template"]
    if "selector" in wanted["spec"]:
        return objects.matches(template, gray.template)
    released = with_release(gray.template, target.container, plan.image, plan.gray_env)
    is_labelled = objects.matches(template["metadata"], gray.template.get("metadata"))
    return is_labelled and bool(released == gray.template)


def _patch(
    stable: Workload, target: Target, image: str, env: list[dict[str, Any]], wanted: Json
) -> PatchTemplate:
    """Return the patch that makes stable's template the wanted one, variables in its order too.

    A strategic merge puts new elements first; with another order than the one that was analysed
    stable would be another revision.
    """
    change: dict[str, Any] = {"name": target.container, "image": image}
    if env:
        order = _env_order(wanted, target.container)
        last = len(order)
        ranks = {name: rank for rank, name in enumerate(order)}
        change["env"] = sorted(env, key=lambda one: ranks.get(one["name"], last))
        change["$setElementOrder/env"] = [{"name": name} for name in order]
    patch = {"spec": {"template": {"spec": {"containers": [change]}}}}
    return PatchTemplate(stable.name, stable.uid, patch)


def _env_order(template: Json, container: str) -> list[str]:
    return [
        str(variable["name"])
        for one in template["spec"]["containers"]
        if one["name"] == container
        for variable in one.get("env") or []
    ]


def _env_names(stable: Workload, container: str) -> set[str]:
    return set(_env_order(stable.template, container))
