"""Reads what a rollout can do without: gray's pods, autoscalers, ConfigMaps and Secrets.

Used by the reader. A right that is missing is remembered and told as a caution; the rollout goes
on without what it cannot see.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from faceblur_operator.adapters.kube_api import KubeApi, Object, path_of
from faceblur_operator.adapters.kube_objects import scaler_of
from faceblur_operator.adapters.kube_pods import HASH_LABEL, PodBook, pod_of
from faceblur_operator.adapters.object_cache import ObjectCache, Ref, version_of
from faceblur_operator.api.reasons import Phase
from faceblur_operator.core.objects import ROLLOUT_LABEL
from faceblur_operator.core.snapshot import Pod, Scaler, Workload
from faceblur_operator.ports.cluster import Key, Resource
from faceblur_operator.ports.errors import RefusedError

T = TypeVar("T")
SCALER = "HorizontalPodAutoscaler"
# A right that was missing is tried again after so many seconds.
REFUSED_FOR = 300.0


class Rights:
    """Which kinds the API server refused to let us read, and where."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Take a clock in seconds that never goes back."""
        self._now = now
        self._refused: dict[tuple[str, str], float] = {}

    def missing(self, namespace: str) -> tuple[str, ...]:
        """Return the kinds that cannot be read in a namespace."""
        return tuple(sorted(kind for kind, space in self._refused if space == namespace))

    async def attempt(
        self, kind: str, namespace: str, read: Callable[[], Awaitable[T]]
    ) -> T | None:
        """Read, unless that was refused a short while ago; None when it is refused."""
        refused = self._refused.get((kind, namespace))
        if refused is not None and self._now() - refused < REFUSED_FOR:
            return None
        try:
            found = await read()
        except RefusedError:
            self._refused[kind, namespace] = self._now()
            return None
        self._refused.pop((kind, namespace), None)
        return found


class PodReader:
    """Gray's pods: listed once, then as the watch tells."""

    def __init__(
        self, api: KubeApi, book: PodBook, rights: Rights, room: asyncio.Semaphore
    ) -> None:
        """Take where to read and what is known; `room` bounds the reads under way."""
        self._api = api
        self._book = book
        self._rights = rights
        self._room = room

    async def of(self, key: Key, gray: Workload | None) -> tuple[Pod, ...]:
        """Return the pods of gray's present template; none while it has none."""
        if gray is None or gray.pod_hash is None or gray.replicas == 0:
            self._book.forget(key)
            return ()
        pod_hash = gray.pod_hash
        if not self._book.knows(key, pod_hash):
            # Before the list: what the watch tells meanwhile must not be lost.
            self._book.follow(key)
            await self._rights.attempt("Pod", key.namespace, lambda: self._list(key, pod_hash))
        return self._book.of(key, pod_hash)

    async def of_stable(self, resource: Resource, stable: Workload | None) -> tuple[Pod, ...]:
        """Return the pods of stable's present template, when a promotion is about to end."""
        phase = (resource.manifest.get("status") or {}).get("phase")
        is_at_the_end = phase == Phase.PROMOTING and stable is not None and stable.is_rolled_out
        if stable is None or stable.pod_hash is None or not is_at_the_end:
            return ()
        labels = {**stable.selector, HASH_LABEL: stable.pod_hash}
        selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
        space = resource.key.namespace

        async def read() -> tuple[Pod, ...]:
            async with self._room:
                answer = await self._api.get(path_of("Pod", space), labelSelector=selector)
            return tuple(pod_of(item) for item in answer.get("items") or [])

        return await self._rights.attempt("Pod", space, read) or ()

    async def _list(self, key: Key, pod_hash: str) -> None:
        selector = f"{ROLLOUT_LABEL}={key.name},{HASH_LABEL}={pod_hash}"
        async with self._room:
            answer = await self._api.get(path_of("Pod", key.namespace), labelSelector=selector)
        self._book.put_list(key, pod_hash, answer.get("items") or [], version_of(answer))


class ScalerReader:
    """The autoscalers of a namespace: listed once, then as the watch tells."""

    def __init__(
        self, api: KubeApi, cache: ObjectCache, rights: Rights, room: asyncio.Semaphore
    ) -> None:
        """Take where to read and what is known; `room` bounds the reads under way."""
        self._api = api
        self._cache = cache
        self._rights = rights
        self._room = room

    async def prepare(self, namespace: str) -> None:
        """List them unless they are known."""
        if self._cache.is_listed(SCALER, namespace):
            return
        await self._rights.attempt(SCALER, namespace, lambda: self._list(namespace))

    def of(self, ref: Ref) -> Scaler | None:
        """Return the one that targets a Deployment; the first by name, should there be two."""
        found = self._cache.find(ref)
        return scaler_of(found[0]) if found else None

    async def _list(self, namespace: str) -> None:
        async with self._room:
            if self._cache.is_listed(SCALER, namespace):
                return
            answer: Object = await self._api.get(path_of(SCALER, namespace))
        items = answer.get("items") or []
        self._cache.put_list(SCALER, namespace, items, version_of(answer))
