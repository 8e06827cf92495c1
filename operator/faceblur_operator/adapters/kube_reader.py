"""Reads a rollout and everything it names, from the cache, fetching what is not there."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any

from faceblur_operator.adapters import kube_objects
from faceblur_operator.adapters.kube_api import KubeApi, NotFoundError, Object, listed, path_of
from faceblur_operator.adapters.kube_mounts import MountReader
from faceblur_operator.adapters.kube_places import Places, places_of
from faceblur_operator.adapters.kube_pods import PodBook
from faceblur_operator.adapters.kube_signals import SCALER, PodReader, Rights, ScalerReader
from faceblur_operator.adapters.object_cache import ObjectCache, Ref, version_of
from faceblur_operator.core.objects import ROLLOUT_LABEL
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import Rival, Snapshot, Workload
from faceblur_operator.ports.cluster import Key, Resource

INDEX: dict[str, Callable[[Object], frozenset[str]]] = {
    "FaceBlurRollout": kube_objects.claims_of,
    "Ingress": kube_objects.services_of,
    SCALER: kube_objects.target_of,
}
# Reads of all rollouts together: after a start everybody fetches everything.
READS_AT_ONCE = 32
# Deployments whose present pod-template-hash is remembered; two for each rollout.
HASHES = 8192


class KubeReader:
    """The `ClusterReader` of a real API server."""

    def __init__(self, api: KubeApi, cache: ObjectCache) -> None:
        self._api = api
        self._cache = cache
        self._room = asyncio.Semaphore(READS_AT_ONCE)
        self._hashes: OrderedDict[str, tuple[Mapping[str, Any], str]] = OrderedDict()
        self._places: dict[Key, Places] = {}
        self._book = PodBook(cache.now)
        self._rights = Rights(cache.now)
        self.pods = PodReader(api, self._book, self._rights, self._room)
        self._mounts = MountReader(api, cache.now, self._rights, self._room)
        self._scalers = ScalerReader(api, cache, self._rights, self._room)

    def observe(self, kind: str, item: Object, *, is_gone: bool) -> frozenset[Key]:
        """Take what a watch tells; return the rollouts for which it is news."""
        if kind == "Pod":
            return self._book.observe(item, is_gone=is_gone)
        return self._cache.observe(kind, item, is_gone=is_gone)

    async def rollouts(self, namespaces: Collection[str]) -> frozenset[Key]:
        """Return all rollouts of these namespaces, of all when none is named."""
        keys: set[Key] = set()
        for space in namespaces or (None,):
            async with self._room:
                answer = await self._api.get(path_of("FaceBlurRollout", space))
            for item in listed("FaceBlurRollout", answer):
                self._cache.put("FaceBlurRollout", item)
                keys.add(Key(item["metadata"]["namespace"], item["metadata"]["name"]))
        return frozenset(keys)

    async def resource(self, key: Key) -> Resource | None:
        """Return the rollout, or None when it is gone or being deleted."""
        item = await self._get(Ref("FaceBlurRollout", key.namespace, key.name))
        if item is None or item["metadata"].get("deletionTimestamp"):
            self._cache.set_read(key, frozenset())
            self._book.forget(key)
            self._places.pop(key, None)
            return None
        return kube_objects.resource_of(item)

    async def snapshot(self, resource: Resource, plan: Plan) -> Snapshot:
        """Return everything the plan names."""
        space, places = plan.namespace, self._places_of(resource, plan)
        # Before the first read: a change while we read must wake this rollout again.
        self._cache.set_read(resource.key, places.read)
        found = await self._objects(space, places)
        stable, gray = await self._workloads(found, places)
        pods = await self.pods.of(resource.key, gray)
        stable_pods = await self.pods.of_stable(resource, stable)
        mounts = await self._mounts.of(resource, stable, gray)
        return Snapshot(
            uid=resource.uid,
            generation=resource.generation,
            created=places.created,
            stable=stable,
            gray=gray,
            stable_service=places.object("stable_service", found["stable_service"]),
            gray_service=places.object("gray_service", found["gray_service"]),
            ingress=places.object("ingress", found["ingress"]),
            gray_ingress=places.object("gray_ingress", found["gray_ingress"]),
            samples=None,
            rivals=self._rivals(resource.key, places.rivals),
            ingress_siblings=self._siblings(plan, places.siblings),
            gray_pods=pods,
            stable_pods=stable_pods,
            stable_scaler=self._scalers.of(places.stable_scaler),
            gray_scaler=self._scalers.of(places.gray_scaler),
            mounts=mounts,
            annotations=resource.manifest["metadata"].get("annotations") or {},
            unreadable=self._rights.missing(space),
        )

    def _places_of(self, resource: Resource, plan: Plan) -> Places:
        """Return where to look, worked out once for each plan."""
        known = self._places.get(resource.key)
        if known is None or known.plan is not plan or known.uid != resource.uid:
            known = places_of(resource, plan)
            self._places[resource.key] = known
        return known

    async def _objects(self, space: str, places: Places) -> dict[str, Object | None]:
        """Return the objects by role; mostly all are known, and nothing has to be waited for."""
        if not (
            self._cache.is_listed("FaceBlurRollout", space)
            and self._cache.is_listed("Ingress", space)
            and self._cache.is_listed(SCALER, space)
        ):
            await asyncio.gather(
                self._list("FaceBlurRollout", space),
                self._list("Ingress", space),
                self._scalers.prepare(space),
            )
        unknown = [ref for ref in places.refs.values() if not self._cache.knows(ref)]
        if unknown:
            await asyncio.gather(*map(self._get, unknown))
        return {role: self._cache.get(ref) for role, ref in places.refs.items()}

    async def _workloads(
        self, found: Mapping[str, Object | None], places: Places
    ) -> tuple[Workload | None, Workload | None]:
        """Return stable's and gray's Deployment; hashes that are unknown are asked for together."""
        items = [found[role] for role in ("stable", "gray")]
        unknown = [item for item in items if item is not None and self._known_hash(item) is None]
        asked = await asyncio.gather(*map(self._pod_hash, unknown)) if unknown else []
        hashes = {
            item["metadata"]["uid"]: answer for item, answer in zip(unknown, asked, strict=True)
        }
        stable, gray = (
            places.workload(role, item, self._known_hash(item) or hashes.get(_uid(item)))
            for role, item in zip(("stable", "gray"), items, strict=True)
        )
        return stable, gray

    def _rivals(self, key: Key, refs: tuple[Ref, ...]) -> tuple[Rival, ...]:
        items = {
            item["metadata"]["name"]: item
            for ref in refs
            for item in self._cache.find(ref)
            if item["metadata"]["name"] != key.name
            and not item["metadata"].get("deletionTimestamp")
        }
        return tuple(kube_objects.rival_of(items[name]) for name in sorted(items))

    def _siblings(self, plan: Plan, ref: Ref) -> tuple[str, ...]:
        names = (
            item["metadata"]["name"]
            for item in self._cache.find(ref)
            if ROLLOUT_LABEL not in (item["metadata"].get("labels") or {})
        )
        return tuple(name for name in names if name != plan.ingress)

    def _known_hash(self, deployment: Object | None) -> str | None:
        """Return the pod-template-hash of the present template, None when it must be asked for."""
        known = self._hashes.get(_uid(deployment))
        if known is None or deployment is None:
            return None
        template = deployment["spec"]["template"]
        if known[0] is not template:
            if known[0] != template:
                return None
            # The same value, but the one that is kept anyway.
            self._hashes[_uid(deployment)] = (template, known[1])
        return known[1]

    async def _pod_hash(self, deployment: Object) -> str | None:
        """Ask for the pod-template-hash of the present template."""
        uid, template = deployment["metadata"]["uid"], deployment["spec"]["template"]
        labels = (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
        selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
        path = path_of("ReplicaSet", deployment["metadata"]["namespace"])
        async with self._room:
            answer = await self._api.get(path, labelSelector=selector)
        found = kube_objects.pod_hash_of(deployment, answer.get("items") or [])
        if found is not None:
            self._hashes[uid] = (template, found)
            self._hashes.move_to_end(uid)
            if len(self._hashes) > HASHES:
                self._hashes.popitem(last=False)
        return found

    async def _get(self, ref: Ref) -> Object | None:
        if self._cache.knows(ref):
            return self._cache.get(ref)
        before = self._cache.version(ref)
        try:
            async with self._room:
                item = await self._api.get(path_of(ref.kind, ref.namespace, ref.name))
        except NotFoundError:
            # Unless a watch told of a newer one while we asked.
            if self._cache.version(ref) == before:
                self._cache.remove(ref, before)
            return self._cache.get(ref)
        self._cache.put(ref.kind, item)
        return self._cache.get(ref)

    async def _list(self, kind: str, namespace: str) -> None:
        if self._cache.is_listed(kind, namespace):
            return
        async with self._room:
            if self._cache.is_listed(kind, namespace):
                return
            answer = await self._api.get(path_of(kind, namespace))
        self._cache.put_list(kind, namespace, listed(kind, answer), version_of(answer))


def _uid(item: Object | None) -> str:
    return "" if item is None else str(item["metadata"]["uid"])
