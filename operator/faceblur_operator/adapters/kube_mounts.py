"""Reads the ConfigMaps and Secrets that a running release uses, and keeps a digest of each.

Only those the templates name, one by one: no list, no watch. What is in them is forgotten at
once and never logged; the digest of a Secret is salted, so that nobody can guess its content.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from faceblur_operator.adapters.kube_api import KubeApi, NotFoundError, Object, path_of
from faceblur_operator.adapters.kube_signals import Rights
from faceblur_operator.api.reasons import Phase
from faceblur_operator.core.configs import SECRET, used_by
from faceblur_operator.core.snapshot import Mount, Workload
from faceblur_operator.ports.cluster import Resource
from faceblur_operator.ports.errors import UnreachableError

# A change is seen after this many seconds at most, while the rollout is looked at.
MAX_AGE = 30.0
# Digests that are remembered, over all rollouts.
REMEMBERED = 16384
OVER = frozenset({Phase.SUCCEEDED.value, Phase.ROLLED_BACK.value})


@dataclass(frozen=True, slots=True)
class _Seen:
    digest: str | None
    at: float


class MountReader:
    """Digests of ConfigMaps and Secrets, as fresh as a release needs them."""

    def __init__(
        self, api: KubeApi, now: Callable[[], float], rights: Rights, room: asyncio.Semaphore
    ) -> None:
        """Take where to read and a clock in seconds; `room` bounds the reads under way."""
        self._api = api
        self._now = now
        self._rights = rights
        self._room = room
        self._seen: dict[tuple[str, str, str], _Seen] = {}

    async def of(
        self, resource: Resource, stable: Workload | None, gray: Workload | None
    ) -> tuple[Mount, ...]:
        """Return what the templates use; nothing when a part of it cannot be read.

        All or nothing: a part would look like a change.
        """
        if stable is None or not is_under_way(resource):
            return ()
        wanted = used_by(stable.template)
        if gray is not None and gray.owner_uid != resource.uid:
            # An adopted one may use others than stable does.
            wanted |= used_by(gray.template)
        space = resource.key.namespace
        found = await asyncio.gather(*(self._mount(space, *one) for one in sorted(wanted)))
        mounts = tuple(one for one in found if one is not None)
        return mounts if len(mounts) == len(found) else ()

    async def _mount(self, space: str, kind: str, name: str) -> Mount | None:
        place = (space, kind, name)
        known = self._seen.get(place)
        if known is None or self._now() - known.at >= MAX_AGE:
            try:
                read = await self._rights.attempt(kind, space, lambda: self._read(place))
            except UnreachableError:
                # What it was before is the best guess; without one there is none.
                read = known
            known = read
        return Mount(kind, name, known.digest) if known is not None else None

    async def _read(self, place: tuple[str, str, str]) -> _Seen:
        space, kind, name = place
        try:
            async with self._room:
                item: Object | None = await self._api.get(path_of(kind, space, name))
        except NotFoundError:
            item = None
        seen = _Seen(digest_of(kind, item) if item is not None else None, self._now())
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[place] = seen
        return seen


def is_under_way(resource: Resource) -> bool:
    """Whether a release runs or is about to begin: only then anything is read."""
    status: Mapping[str, Any] = resource.manifest.get("status") or {}
    annotations: Mapping[str, Any] = resource.manifest["metadata"].get("annotations") or {}
    return (
        status.get("phase") not in OVER
        or status.get("observedGeneration") != resource.generation
        or "faceblur.dev/command" in annotations
    )


def digest_of(kind: str, item: Object) -> str:
    """Return a digest of what an object holds; that of a Secret tells nothing without its uid."""
    held = [item.get(part) or {} for part in ("data", "binaryData")]
    salt = item["metadata"]["uid"] if kind == SECRET else ""
    return sha256(json.dumps([salt, held], sort_keys=True).encode()).hexdigest()[:16]
