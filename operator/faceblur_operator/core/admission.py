"""Can this rollout work on the cluster as it is? Each refusal says what to change."""

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.limits import limits_of
from faceblur_operator.core.plan import GaugeObjective, Plan, RatioObjective
from faceblur_operator.core.queries import STABLE, key
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.revision import borrowed, container_of
from faceblur_operator.core.snapshot import KubeObject, NoSamples, Series, Snapshot


def claims(plan: Plan) -> frozenset[str]:
    """Return the objects a rollout needs for itself, as `Kind/name`."""
    return frozenset(
        {
            f"Deployment/{plan.stable_deployment}",
            f"Deployment/{plan.gray_deployment}",
            f"Service/{plan.stable_service}",
            f"Service/{plan.gray_service}",
            f"Ingress/{plan.ingress}",
        }
    )


def admit(plan: Plan, snapshot: Snapshot) -> Refusal | None:
    """Return why the cluster does not allow this rollout, None when it does."""
    return _conflict(plan, snapshot) or _missing(plan, snapshot) or _unfit(plan, snapshot)


def caution(plan: Plan, snapshot: Snapshot) -> Refusal | None:
    """Return what the user should know although nothing is refused for it."""
    if not snapshot.ingress_siblings:
        return _blindness(plan, snapshot) or _smallness(plan, snapshot)
    others = ", ".join(sorted(snapshot.ingress_siblings))
    return Refusal(
        Reason.SHARED_SERVICE,
        f"Ingress {others} uses Service {plan.stable_service} too; some controllers, Traefik among "
        "them, send its users to gray by the same weight. Give it a Service of its own to avoid it",
    )


def _blindness(plan: Plan, snapshot: Snapshot) -> Refusal | None:
    """Return what the operator works without because it has no right to read it."""
    if not snapshot.unreadable:
        return None
    kinds = ", ".join(snapshot.unreadable)
    why = f"the operator may not read {kinds} in {plan.namespace} and goes on without; grant it"
    return Refusal(Reason.NOT_READABLE, why)


def _smallness(plan: Plan, snapshot: Snapshot) -> Refusal | None:
    """Return that gray may not become as big as stable, so that its pods carry more at the end."""
    stable = snapshot.stable
    if stable is None or stable.replicas <= plan.max_replicas:
        return None
    why = (
        f"Deployment {plan.namespace}/{stable.name} has {stable.replicas} pods, and "
        f"spec.gray.replicas.max is {plan.max_replicas}: at 100 % a gray pod carries "
        f"{stable.replicas / plan.max_replicas:.1f} times what a pod of stable does; raise it"
    )
    return Refusal(Reason.GRAY_TOO_SMALL, why)


def measure(plan: Plan, snapshot: Snapshot, before: Refusal | None) -> Refusal | None:
    """Return why a latency limit cannot be counted, as far as the samples tell.

    Args:
        plan: its objectives.
        snapshot: with the edges of stable's histograms among its samples, or without.
        before: what was known; kept while the samples say nothing new.
    """
    samples = snapshot.samples
    if samples is None or isinstance(samples, NoSamples):
        return before
    for one in plan.objectives:
        if not isinstance(one, RatioObjective) or one.limit is None:
            continue
        found = samples.series.get(key(one.name, STABLE, "edges"))
        if not found:
            continue
        edges = sorted({edge for edge in map(_edge, found) if edge is not None})
        if edges and one.limit not in edges:
            finite = ", ".join(f"{edge * 1000:g}ms" for edge in edges if edge != float("inf"))
            why = f"{one.limit * 1000:g}ms is no edge of the histogram; use one of {finite}"
            return Refusal(Reason.LATENCY_NOT_AN_EDGE, f"SLO {one.name}: {why}")
        before = None
    return before


def _edge(series: Series) -> float | None:
    """Return the edge a bucket ends at, None when its label does not say."""
    try:
        return float(dict(series.labels)["le"])
    except (KeyError, ValueError):
        return None


def serves(ingress: KubeObject, service: str) -> bool:
    """Whether an Ingress sends any path to a Service; rules without paths are legal."""
    spec = ingress.manifest.get("spec") or {}
    backends = [spec.get("defaultBackend")]
    for rule in spec.get("rules") or []:
        backends += [path["backend"] for path in (rule.get("http") or {}).get("paths") or []]
    return any(((one or {}).get("service") or {}).get("name") == service for one in backends)


def _conflict(plan: Plan, snapshot: Snapshot) -> Refusal | None:
    mine = (snapshot.created, plan.name)
    for rival in sorted(snapshot.rivals, key=lambda one: (one.created, one.name)):
        shared = sorted(rival.claims & claims(plan))
        if shared and (rival.created, rival.name) < mine:
            return Refusal(
                Reason.CONFLICTED,
                f"{shared[0]} already belongs to the older FaceBlurRollout "
                f"{plan.namespace}/{rival.name}; name another one, or delete that rollout",
            )
    return None


def _missing(plan: Plan, snapshot: Snapshot) -> Refusal | None:
    where = plan.namespace
    if snapshot.stable is None:
        why = f"Deployment {where}/{plan.stable_deployment} does not exist; create it first"
        return Refusal(Reason.STABLE_NOT_FOUND, why)
    if snapshot.stable_service is None:
        why = f"Service {where}/{plan.stable_service} does not exist; create it first"
        return Refusal(Reason.SERVICE_NOT_FOUND, why)
    if snapshot.ingress is None:
        why = f"Ingress {where}/{plan.ingress} does not exist; create it first"
        return Refusal(Reason.INGRESS_NOT_FOUND, why)
    if not serves(snapshot.ingress, plan.stable_service):
        why = f"Ingress {where}/{plan.ingress}: no rule uses Service {plan.stable_service}"
        return Refusal(Reason.INGRESS_WITHOUT_SERVICE, why)
    return None


def _unfit(plan: Plan, snapshot: Snapshot) -> Refusal | None:
    stable = snapshot.stable
    if stable is None:
        return None
    names = ", ".join(str(one["name"]) for one in stable.template["spec"]["containers"])
    container = container_of(stable.template, plan.container)
    if container is None:
        wanted = plan.container or "one of them; set spec.container"
        why = f"Deployment {plan.namespace}/{stable.name} has containers {names}, not {wanted}"
        return Refusal(Reason.CONTAINER_NOT_FOUND, why)
    taken = sorted({name for name, _ in plan.gray_env} & borrowed(stable.template, container))
    if taken:
        why = (
            f"spec.gray.env sets {taken[0]}, which Deployment {plan.namespace}/{stable.name} takes "
            "from elsewhere by valueFrom; remove it from one of them"
        )
        return Refusal(Reason.INVALID_SPEC, why)
    limits = limits_of(stable.template, container)
    for one in plan.objectives:
        if not isinstance(one, GaugeObjective):
            continue
        for word, limit in (("cpuLimit", limits.cpu), ("memoryLimit", limits.memory)):
            if f"{{{{{word}}}}}" in one.query and not limit:
                why = f"SLO {one.name} needs a limit on container {container} of {stable.name}"
                return Refusal(Reason.INVALID_SPEC, why)
    return _foreign_gray(plan, snapshot)


def _foreign_gray(plan: Plan, snapshot: Snapshot) -> Refusal | None:
    """Refuse to touch a gray Ingress that another owner made under the same name."""
    found = snapshot.gray_ingress
    if found is not None and found.owner_uid != snapshot.uid:
        why = (
            f"Ingress {plan.namespace}/{found.name} exists and does not belong to this rollout; "
            "rename or delete it"
        )
        return Refusal(Reason.GRAY_NOT_OURS, why)
    return None
