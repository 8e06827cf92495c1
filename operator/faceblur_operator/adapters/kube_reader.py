"""Reads a rollout and everything it names, from the cache, fetching what is not there."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any

from faceblur_operator.adapters import kube_objects
from faceblur_operator.adapters.kube_api import KubeApi, NotFoundError, Object, path_of
from faceblur_operator.adapters.kube_mounts import MountReader
from faceblur_operator.adapters.kube_pods import PodBook
from faceblur_operator.adapters.kube_signals import SCALER, PodReader, Rights, ScalerReader
from faceblur_operator.adapters.object_cache import ObjectCache, Ref, version_of
from faceblur_operator.core.admission import claims
from faceblur_operator.core.objects import ROLLOUT_LABEL
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import KubeObject, Rival, Snapshot
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
            for item in answer.get("items") or []:
                self._cache.put("FaceBlurRollout", item)
                keys.add(Key(item["metadata"]["namespace"], item["metadata"]["name"]))
        return frozenset(keys)

    async def resource(self, key: Key) -> Resource | None:
        """Return the rollout, or None when it is gone or being deleted."""
        item = await self._get(Ref("FaceBlurRollout", key.namespace, key.name))
        if item is None or item["metadata"].get("deletionTimestamp"):
            self._cache.set_read(key, frozenset())
            self._book.forget(key)
            return None
        return kube_objects.resource_of(item)

    async def snapshot(self, resource: Resource, plan: Plan) -> Snapshot:
        """Return everything the plan names."""
        space = plan.namespace
        refs = {
            role: Ref(kind, space, name)
            for role, (kind, name) in kube_objects.own_refs(plan).items()
        }
        rivals = [Ref("FaceBlurRollout", space, index=claim) for claim in sorted(claims(plan))]
        siblings = Ref("Ingress", space, index=plan.stable_service)
        scalers = {
            role: Ref(SCALER, space, index=f"Deployment/{refs[role].name}")
            for role in ("stable", "gray")
        }
        # Before the first read: a change while we read must wake this rollout again.
        read = frozenset({*refs.values(), *rivals, siblings, *scalers.values()})
        self._cache.set_read(resource.key, read)
        await asyncio.gather(
            self._list("FaceBlurRollout", space),
            self._list("Ingress", space),
            self._scalers.prepare(space),
        )
        found = dict(zip(refs, await asyncio.gather(*map(self._get, refs.values())), strict=True))
        stable, gray = await asyncio.gather(
            *(self._workload(found[role]) for role in ("stable", "gray"))
        )
        pods, stable_pods, mounts = await asyncio.gather(
            self.pods.of(resource.key, gray),
            self.pods.of_stable(resource, stable),
            self._mounts.of(resource, stable, gray),
        )
        return Snapshot(
            uid=resource.uid,
            generation=resource.generation,
            created=kube_objects.created_of(dict(resource.manifest)),
            stable=stable,
            gray=gray,
            stable_service=_object(found["stable_service"]),
            gray_service=_object(found["gray_service"]),
            ingress=_object(found["ingress"]),
            gray_ingress=_object(found["gray_ingress"]),
            samples=None,
            rivals=self._rivals(resource.key, rivals),
            ingress_siblings=self._siblings(plan, siblings),
            gray_pods=pods,
            stable_pods=stable_pods,
            stable_scaler=self._scalers.of(scalers["stable"]),
            gray_scaler=self._scalers.of(scalers["gray"]),
            mounts=mounts,
            annotations=resource.manifest["metadata"].get("annotations") or {},
            unreadable=self._rights.missing(space),
        )

    def _rivals(self, key: Key, refs: list[Ref]) -> tuple[Rival, ...]:
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

    async def _workload(self, item: Object | None) -> Any:
        if item is None:
            return None
        return kube_objects.workload_of(item, await self._pod_hash(item))

    async def _pod_hash(self, deployment: Object) -> str | None:
        """Return the pod-template-hash of the present template, asked for once per template."""
        uid, template = deployment["metadata"]["uid"], deployment["spec"]["template"]
        known = self._hashes.get(uid)
        if known is not None and known[0] == template:
            return known[1]
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
        items = answer.get("items") or []
        self._cache.put_list(kind, namespace, items, version_of(answer))


def _object(item: Object | None) -> KubeObject | None:
    return kube_objects.object_of(item) if item is not None else None
