"""What gray's pods say of themselves: reasons to roll back that need no metric.

Pods that do not run serve nobody, whoever is to blame, so taking their traffic away is right at
once. The exceptions are causes that come from the node or the registry and pass: they get time.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.ladder import replicas_for
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import Pod, PodContainer, Snapshot
from faceblur_operator.core.state import State

Trouble = tuple[Reason, str]
# The kubelet gives up on an image, or says that it failed and tries again later.
IMAGE_FAILED = frozenset(
    {
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
# The template names something that is not there, or that the node must not run.
NOT_CONFIGURED = frozenset({"CreateContainerConfigError"})
# The runtime failed to start it: the image's fault, or that of one node.
NOT_STARTED = frozenset({"CreateContainerError", "PostStartHookError", "RunContainerError"})
# Said by registries and runtimes that may do better at the next try.
PASSING = (
    "bad gateway",
    "connection refused",
    "connection reset",
    "deadline exceeded",
    "eof",
    "failed to sync",
    "gateway timeout",
    "internal server error",
    "server misbehaving",
    "service unavailable",
    "temporary failure",
    "timed out",
    "timeout",
    "too many requests",
    "toomanyrequests",
)
# The kubelet tries again after about 10 s: what passes has passed by then.
PATIENCE = timedelta(seconds=30)
# A pod that is ended by a limit of its own, not by a node that is short of something.
OWN_LIMIT = ("exceeds the total limit", "exceeded its local", "usage of emptydir")
# One node that runs short ends a pod or two; the third eviction follows gray to other nodes.
EVICTIONS = 3
CRASHES = 2
LONGEST_MESSAGE = 200


def trouble(plan: Plan, state: State, snapshot: Snapshot, now: datetime) -> Trouble | None:
    """Return why gray's pods must get no traffic, None when they are well or may become so.

    Call it only while the gray Deployment has the template to release: the pods are those of its
    present template.
    """
    pods = sorted((one for one in snapshot.gray_pods if not one.is_ending), key=lambda o: o.name)
    begun = _begun(state)
    running = [one for one in pods if one.phase not in ("Failed", "Succeeded")]
    is_any_ready = any(one.is_ready for one in running)
    for pod in running:
        for one in pod.containers:
            found = (
                _ended(pod, one, begun)
                or _not_pulled(pod, one, now)
                or _not_started(pod, one, now, is_any_ready=is_any_ready)
            )
            if found is not None:
                return found
    return _evicted(pods, snapshot, begun) or _unready(plan, state, snapshot, running)


def due(snapshot: Snapshot) -> list[datetime]:
    """Return when patience with causes that may pass is over."""
    return [
        pod.created + PATIENCE
        for pod in snapshot.gray_pods
        if any(one.waiting and _is_passing(one) for one in pod.containers)
    ]


def why_not_ready(pods: Iterable[Pod]) -> str:
    """Return what keeps the first unready pod from being ready, empty when nothing does."""
    unready = sorted(
        (one for one in pods if not one.is_ready and not one.is_ending), key=lambda one: one.name
    )
    said = [_why(pod) for pod in unready]
    return next((text for text in said if text), "")


def _why(pod: Pod) -> str:
    if pod.reason:
        return f"pod {pod.name}: {pod.reason}{_told(pod.message)}"
    for one in pod.containers:
        if one.waiting:
            return f"pod {pod.name}, container {one.name}: {one.waiting}{_told(one.message)}"
        if one.ended and one.started is None and one.exit_code:
            return f"pod {pod.name}, container {one.name}: {_end(one)}"
    for one in pod.containers:
        if one.started is not None and not one.is_ready:
            return f"pod {pod.name}, container {one.name} runs but is not ready"
    return f"pod {pod.name} is {pod.phase}" if pod.phase != "Running" else ""


def _ended(pod: Pod, one: PodContainer, begun: datetime | None) -> Trouble | None:
    """Look at how a container ended; ends before this rollout are not its fault."""
    is_ours = one.ended_at is None or begun is None or one.ended_at >= begun
    if one.ended == "OOMKilled" and is_ours:
        why = "was killed because it used more memory than its limit"
        return Reason.GRAY_OUT_OF_MEMORY, f"{_name(pod, one)} {why}: {_end(one)}"
    is_new = begun is None or pod.created >= begun
    has_crashed = one.restarts >= CRASHES and bool(one.exit_code) and is_ours and is_new
    if one.waiting == "CrashLoopBackOff" or has_crashed:
        return Reason.GRAY_CRASHING, f"{_name(pod, one)} crashes again and again: {_end(one)}"
    return None


def _not_pulled(pod: Pod, one: PodContainer, now: datetime) -> Trouble | None:
    if one.waiting not in IMAGE_FAILED or (_is_passing(one) and now - pod.created < PATIENCE):
        return None
    why = f"{_name(pod, one)}: image {one.image}: {one.waiting}{_told(one.message)}"
    return Reason.GRAY_IMAGE_NOT_PULLABLE, why


def _not_started(
    pod: Pod, one: PodContainer, now: datetime, *, is_any_ready: bool
) -> Trouble | None:
    if _is_passing(one) and now - pod.created < PATIENCE:
        return None
    # Where another pod of this template runs, a pod that cannot start is its node's trouble.
    if one.waiting in NOT_CONFIGURED or (one.waiting in NOT_STARTED and not is_any_ready):
        why = f"{_name(pod, one)}: {one.waiting}{_told(one.message)}"
        return Reason.GRAY_NOT_STARTABLE, why
    return None


def _evicted(pods: list[Pod], snapshot: Snapshot, begun: datetime | None) -> Trouble | None:
    """Look at evictions: those by gray's own limits, or one after the other while stable is well.

    A drain or a preemption deletes the pod and is never seen here. A node that is short of memory
    or disk takes whom it likes, so one or two say nothing, and none does while stable suffers too.
    """
    evicted = [
        one for one in pods if one.reason == "Evicted" and (begun is None or one.created >= begun)
    ]
    for pod in evicted:
        if any(words in pod.message.lower() for words in OWN_LIMIT):
            why = f"pod {pod.name} was evicted for a limit of its own{_told(pod.message)}"
            return Reason.GRAY_EVICTED, why
    stable = snapshot.stable
    is_stable_well = stable is not None and stable.ready >= stable.replicas
    if len(evicted) >= EVICTIONS and is_stable_well:
        last = max(evicted, key=lambda one: one.created)
        why = f"{len(evicted)} pods were evicted while stable was well, last {last.name}"
        return Reason.GRAY_EVICTED, f"{why}{_told(last.message)}"
    return None


def _unready(plan: Plan, state: State, snapshot: Snapshot, running: list[Pod]) -> Trouble | None:
    """Look for pods that were ready and are not: more than half of what the weight needs.

    A fresh pod that is not ready yet has lost nothing. Fewer than half leave enough to serve, and
    one of them may be the node's trouble: the next raise waits for them.
    """
    if state.weight == 0:
        return None
    lost = [one for one in running if _has_lost(one)]
    stable = snapshot.stable
    needed = replicas_for(plan, state.weight, stable.replicas if stable else 1)
    ready = sum(one.is_ready for one in running)
    if lost and 2 * len(lost) > needed and ready < needed:
        names = ", ".join(one.name for one in lost[:3])
        why = f"{len(lost)} of {needed} pods needed are not ready any more: {names}"
        return Reason.GRAY_LOST_READINESS, why
    return None


def _has_lost(pod: Pod) -> bool:
    """Whether a pod became unready while its containers ran on: they had been ready then."""
    started = [one.started for one in pod.containers if one.started is not None]
    return (
        pod.phase == "Running"
        and not pod.is_ready
        and pod.unready_since is not None
        and bool(started)
        and pod.unready_since > max(started)
    )


def _begun(state: State) -> datetime | None:
    """Return when the rollout began; the kubelet's times have no fractions of a second."""
    return state.started_at.replace(microsecond=0) if state.started_at is not None else None


def _is_passing(one: PodContainer) -> bool:
    message = one.message.lower()
    return any(words in message for words in PASSING)


def _name(pod: Pod, one: PodContainer) -> str:
    return f"pod {pod.name}, container {one.name}"


def _end(one: PodContainer) -> str:
    code = f"exit code {one.exit_code}" if one.exit_code is not None else "exit code unknown"
    times = "1 restart" if one.restarts == 1 else f"{one.restarts} restarts"
    return f"{one.ended or one.waiting}, {code}, {times}"


def _told(message: str) -> str:
    """Return what somebody else said, on one line and not too long."""
    text = " ".join(message.split())[:LONGEST_MESSAGE]
    return f": {text}" if text else ""
