"""Gray's pods as last seen: small values by rollout, fed by a watch and by a list now and then.

The watch tells only of pods that carry the label of a rollout, so a big cluster costs nothing. Of
each pod a few dozen words are kept, and only for rollouts somebody looks at.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from faceblur_operator.adapters.object_cache import Object, version_of
from faceblur_operator.core.objects import ROLLOUT_LABEL
from faceblur_operator.core.snapshot import Pod, PodContainer
from faceblur_operator.ports.cluster import Key

HASH_LABEL = "pod-template-hash"
# A watch can lose a deletion: after so many seconds the pods are listed again.
MAX_AGE = 300.0


class PodBook:
    """The pods of each rollout that is looked at."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Take a clock in seconds that never goes back."""
        self._now = now
        self._pods: dict[Key, dict[str, tuple[int, Pod]]] = {}
        self._listed: dict[Key, tuple[str, float]] = {}
        # Version of the last deletion: a list from before it may name a pod that is gone.
        self._gone: dict[Key, int] = {}

    def knows(self, key: Key, pod_hash: str) -> bool:
        """Whether all pods of a template are known and the list is fresh enough."""
        listed = self._listed.get(key)
        return listed is not None and listed[0] == pod_hash and self._now() - listed[1] < MAX_AGE

    def of(self, key: Key, pod_hash: str) -> tuple[Pod, ...]:
        """Return the pods of one template, by name."""
        found = self._pods.get(key, {})
        return tuple(pod for _, (_, pod) in sorted(found.items()) if pod.pod_hash == pod_hash)

    def follow(self, key: Key) -> None:
        """Keep what the watch tells of a rollout's pods from now on."""
        self._pods.setdefault(key, {})

    def put_list(self, key: Key, pod_hash: str, items: Iterable[Object], version: int) -> None:
        """Take the complete list of the pods of one template; others are gone."""
        if version < self._gone.get(key, 0):
            return
        listed = {item["metadata"]["name"]: item for item in items}
        known = self._pods.setdefault(key, {})
        for name, (seen, pod) in list(known.items()):
            if name not in listed and (seen <= version or pod.pod_hash != pod_hash):
                del known[name]
        for item in listed.values():
            self._take(key, item)
        self._listed[key] = (pod_hash, self._now())

    def observe(self, item: Object, *, is_gone: bool) -> frozenset[Key]:
        """Take what the watch tells; return the rollouts for which it is news."""
        metadata = item["metadata"]
        key = Key(metadata["namespace"], (metadata.get("labels") or {}).get(ROLLOUT_LABEL, ""))
        known = self._pods.get(key)
        if known is None:
            return frozenset()
        if is_gone:
            self._gone[key] = max(self._gone.get(key, 0), version_of(item))
            is_news = known.pop(metadata["name"], None) is not None
        else:
            is_news = self._take(key, item)
        return frozenset({key}) if is_news else frozenset()

    def forget(self, key: Key) -> None:
        """Drop the pods of a rollout."""
        for kept in (self._pods, self._listed, self._gone):
            kept.pop(key, None)

    def _take(self, key: Key, item: Object) -> bool:
        known, name, version = self._pods[key], item["metadata"]["name"], version_of(item)
        before = known.get(name)
        if before is not None and version <= before[0]:
            return False
        pod = pod_of(item)
        known[name] = (version, pod)
        return before is None or before[1] != pod


def pod_of(item: Object) -> Pod:
    """Return a pod as values."""
    metadata, status = item["metadata"], item.get("status") or {}
    conditions = {one["type"]: one for one in status.get("conditions") or []}
    ready = conditions.get("Ready") or {}
    is_ready = ready.get("status") == "True"
    reason, message = status.get("reason", ""), status.get("message", "")
    scheduled = conditions.get("PodScheduled") or {}
    if not reason and scheduled.get("status") == "False":
        reason, message = scheduled.get("reason", ""), scheduled.get("message", "")
    containers = [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        pod_hash=(metadata.get("labels") or {}).get(HASH_LABEL, ""),
        phase=status.get("phase", "Pending"),
        reason=reason,
        message=message,
        is_ready=is_ready,
        is_ending="deletionTimestamp" in metadata,
        containers=tuple(_container_of(one) for one in containers),
        unready_since=None if is_ready else _time(ready, "lastTransitionTime"),
    )


def _container_of(status: Mapping[str, Any]) -> PodContainer:
    state = status.get("state") or {}
    waiting, running = state.get("waiting") or {}, state.get("running") or {}
    ended = state.get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
    return PodContainer(
        name=status["name"],
        image=status.get("image", ""),
        image_id=status.get("imageID", ""),
        is_ready=bool(status.get("ready")),
        restarts=status.get("restartCount", 0),
        waiting=waiting.get("reason", ""),
        ended=ended.get("reason", ""),
        exit_code=ended.get("exitCode"),
        message=waiting.get("message") or ended.get("message") or "",
        started=_time(running, "startedAt"),
        ended_at=_time(ended, "finishedAt"),
    )


def _time(value: Mapping[str, Any], name: str) -> datetime | None:
    text = value.get(name)
    return datetime.fromisoformat(text) if text else None
