"""Carries out the effects of a decision on the API server; checks the fence before each write."""

import logging
from typing import Any

from faceblur_operator.adapters.kube_api import (
    APPLY_PATCH,
    FIELD_MANAGER,
    MERGE_PATCH,
    STRATEGIC_PATCH,
    TIMEOUT,
    KubeApi,
    NotFoundError,
    Object,
    path_of,
)
from faceblur_operator.adapters.object_cache import ObjectCache, Ref
from faceblur_operator.core.commands import ANNOTATION
from faceblur_operator.core.effects import Apply, ClearCommand, Delete, Effect, PatchTemplate
from faceblur_operator.ports import Fence
from faceblur_operator.ports.cluster import Key, Resource
from faceblur_operator.ports.errors import ConflictError, RefusedError, UnreachableError

LOG = logging.getLogger(__name__)


class KubeWriter:
    """The `ClusterWriter` of a real API server; what it wrote is in the cache at once."""

    def __init__(self, api: KubeApi, cache: ObjectCache, fence: Fence) -> None:
        self._api = api
        self._cache = cache
        self._fence = fence

    async def apply(self, key: Key, effect: Effect) -> None:
        """Carry out one effect.

        Raises:
            NotLeadingError: the fence is closed; nothing was sent.
            ClusterError: the API server did not do it; the cache is not believed any more.
        """
        try:
            match effect:
                case Apply():
                    await self._server_side_apply(key, effect)
                case Delete():
                    await self._delete(key, effect)
                case PatchTemplate():
                    await self._patch(key, effect)
                case ClearCommand():
                    await self._clear_command(key, effect)
        except (ConflictError, UnreachableError):
            self._cache.forget(key)
            raise

    async def store_status(self, resource: Resource, status: dict[str, Any]) -> None:
        """Replace the status, guarded by the resource version that was read."""
        key = resource.key
        path = path_of("FaceBlurRollout", key.namespace, key.name, subresource="status")
        body = {**resource.manifest, "status": status}
        body.setdefault("apiVersion", "faceblur.dev/v1alpha1")
        body.setdefault("kind", "FaceBlurRollout")
        try:
            stored = await self._send("PUT", path, body=body)
        except (ConflictError, UnreachableError):
            self._cache.forget(key)
            raise
        self._cache.put("FaceBlurRollout", stored)

    async def _server_side_apply(self, key: Key, effect: Apply) -> None:
        path = path_of(effect.kind, key.namespace, effect.manifest["metadata"]["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        stored = await self._send(
            "PATCH", path, query=query, body=dict(effect.manifest), content_type=APPLY_PATCH
        )
        self._cache.put(effect.kind, stored)

    async def _delete(self, key: Key, effect: Delete) -> None:
        ref = Ref(effect.kind, key.namespace, effect.name)
        path = path_of(effect.kind, key.namespace, effect.name)
        try:
            answer = await self._send("DELETE", path, body={"preconditions": {"uid": effect.uid}})
        except NotFoundError:
            # It is gone, which is all that was wanted.
            answer = {}
        if answer.get("kind") == effect.kind and "metadata" in answer:
            # Something holds it back; it works until then.
            self._cache.put(effect.kind, answer)
        else:
            self._cache.remove(ref, self._cache.version(ref))

    async def _patch(self, key: Key, effect: PatchTemplate) -> None:
        path = path_of("Deployment", key.namespace, effect.name)
        body = {**effect.patch, "metadata": {"uid": effect.uid}}
        stored = await self._send(
            "PATCH",
            path,
            query={"fieldManager": FIELD_MANAGER},
            body=body,
            content_type=STRATEGIC_PATCH,
        )
        self._cache.put("Deployment", stored)

    async def _clear_command(self, key: Key, effect: ClearCommand) -> None:
        """Remove the annotation unless it says something newer; it is harmless where it stays."""
        found = self._cache.get(Ref("FaceBlurRollout", key.namespace, key.name))
        metadata = (found or {}).get("metadata") or {}
        if (metadata.get("annotations") or {}).get(ANNOTATION) != effect.text:
            return
        # The version makes a newer command a conflict: it is looked at again, not removed.
        guarded = {
            "resourceVersion": metadata["resourceVersion"],
            "annotations": {ANNOTATION: None},
        }
        path = path_of("FaceBlurRollout", key.namespace, key.name)
        try:
            stored = await self._send(
                "PATCH", path, body={"metadata": guarded}, content_type=MERGE_PATCH
            )
        except RefusedError as err:
            told = {"namespace": key.namespace, "name": key.name, "error": str(err)}
            LOG.warning("may not take a command off", extra={"fields": told})
            return
        self._cache.put("FaceBlurRollout", stored)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: Object,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        # A write must not be under way any longer than the Lease protects it.
        timeout = min(self._fence.check(), TIMEOUT)
        try:
            return await self._api.request(
                method, path, query=query, body=body, content_type=content_type, timeout=timeout
            )
        except NotFoundError as err:
            if method == "DELETE":
                raise
            raise ConflictError(str(err)) from err
