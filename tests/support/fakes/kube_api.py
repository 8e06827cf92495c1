"""An API server in memory, below the adapters: the reader and the writer run on it unchanged.

It keeps resource versions, generations and uids, refuses what a real one refuses, merges
server-side applies by owner, and tells of every change like a watch.
"""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.support.fakes.merging import apply_merge, json_merge, strategic_merge
from tests.support.virtual_time import START

from faceblur_operator.adapters.kube_api import (
    APPLY_PATCH,
    KINDS,
    STRATEGIC_PATCH,
    TIMEOUT,
    KubeApi,
    NotFoundError,
    Object,
)
from faceblur_operator.ports.errors import ClusterError, ConflictError, RefusedError

Place = tuple[str, str, str]
Watcher = Callable[[str, Object, bool], None]
# Instead of a namespace: a list of all of them.
EVERYWHERE = ""
CREATED = "2026-01-01T00:00:00Z"


@dataclass
class FakeKubeApi(KubeApi):
    """Answers requests from a dictionary.

    Attributes:
        watchers: called after each change with kind, object and whether it is gone.
        latency: how long each request takes.
        calls: what was asked, `GET /apis/…`.
        forbidden: kinds that may not be read.
        broken: errors to raise for the next requests that write, in order; None lets one through.
        refuses: what a webhook says to a write, as an error; None lets it through.
        ahead: how far the clock is ahead of that of another API server.
    """

    watchers: list[Watcher] = field(default_factory=list)
    latency: timedelta = timedelta(0)
    calls: list[str] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)
    broken: list[ClusterError | None] = field(default_factory=list)
    refuses: Callable[[str, Any], ClusterError | None] = lambda _path, _body: None
    ahead: timedelta = timedelta(0)
    objects: dict[Place, Object] = field(default_factory=dict)
    _owned: dict[tuple[Place, str], Object] = field(default_factory=dict)
    _version: int = 100

    async def close(self) -> None:
        return

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout: timedelta = TIMEOUT,
    ) -> Object:
        self.calls.append(f"{method} {path}")
        await asyncio.sleep(min(self.latency, timeout).total_seconds())
        kind, space, name, part = _parsed(path)
        if method != "GET" and self.broken:
            error = self.broken.pop(0)
            if error is not None:
                raise error
        if method != "GET" and (refused := self.refuses(path, body)) is not None:
            raise refused
        if method == "GET" and kind in self.forbidden:
            raise RefusedError(f"{path}: {kind} is forbidden")
        body = copy.deepcopy(body)
        place = (kind, space, name)
        match method:
            case "GET":
                return self._read(place, query or {})
            case "POST":
                return self._create(kind, space, body)
            case "PUT":
                return self._replace(place, body, part, query or {})
            case "PATCH":
                return self._patch(place, body, content_type, query or {})
            case "DELETE":
                return self._delete(place, body or {})
            case _:
                raise AssertionError(f"{method} is not faked")

    def writes(self) -> list[str]:
        """Return the requests that were no reads."""
        return [call for call in self.calls if not call.startswith("GET ")]

    def add(self, item: Object) -> Object:
        """Create an object as somebody else would."""
        metadata = item["metadata"]
        return self._create(item["kind"], metadata["namespace"], copy.deepcopy(item))

    def change(self, kind: str, name: str, change: Object, *, space: str = "demo") -> Object:
        """Merge a change into an object as somebody else would."""
        place = (kind, space, name)
        return self._store(place, json_merge(self.objects[place], change))

    def remove(self, kind: str, name: str, *, space: str = "demo") -> None:
        """Delete an object as somebody else would."""
        self._delete((kind, space, name), {})

    def settle(self, name: str, *, ready: int | None = None, space: str = "demo") -> None:
        """Do for a Deployment what its controller and the kubelets do."""
        item = self.objects["Deployment", space, name]
        wanted = item["spec"].get("replicas", 1)
        count = wanted if ready is None else ready
        self._make_replica_set(item)
        status = {
            "observedGeneration": item["metadata"]["generation"],
            "replicas": wanted,
            "updatedReplicas": wanted,
            "readyReplicas": count,
            "availableReplicas": count,
        }
        if item.get("status") != status:
            self._store(("Deployment", space, name), {**copy.deepcopy(item), "status": status})

    def _make_replica_set(self, item: Object) -> None:
        template = copy.deepcopy(item["spec"]["template"])
        pod_hash = f"{abs(hash(str(template))) % 10**8:08d}"
        metadata = item["metadata"]
        name = f"{metadata['name']}-{pod_hash}"
        place = ("ReplicaSet", metadata["namespace"], name)
        if place in self.objects:
            return
        template.setdefault("metadata", {}).setdefault("labels", {})["pod-template-hash"] = pod_hash
        owner = {"uid": metadata["uid"], "controller": True, "name": metadata["name"]}
        self._create(
            "ReplicaSet",
            metadata["namespace"],
            {
                "metadata": {
                    "name": name,
                    "namespace": metadata["namespace"],
                    "labels": template["metadata"]["labels"],
                    "ownerReferences": [owner],
                },
                "spec": {"template": template},
            },
        )

    def _read(self, place: Place, query: dict[str, str]) -> Object:
        kind, space, name = place
        if name:
            return copy.deepcopy(self._found(place))
        wanted = dict(part.split("=") for part in query.get("labelSelector", "").split(",") if part)
        items = [
            _as_listed(item)
            for (its_kind, its_space, _), item in self.objects.items()
            if its_kind == kind
            and space in (its_space, EVERYWHERE)
            and wanted.items() <= (item["metadata"].get("labels") or {}).items()
        ]
        return {"items": items, "metadata": {"resourceVersion": str(self._version)}}

    def _create(self, kind: str, space: str, body: Object) -> Object:
        place = (kind, space, body["metadata"]["name"])
        if place in self.objects:
            raise ConflictError(f"{place} exists already")
        body["kind"] = kind
        fixed = {"uid": f"uid-{self._version}", "creationTimestamp": CREATED, "namespace": space}
        body["metadata"] = {**body["metadata"], **fixed, "generation": 0}
        return self._store(place, self._stamped(body))

    def _replace(self, place: Place, body: Object, part: str, query: dict[str, str]) -> Object:
        found = self._found(place)
        given = body["metadata"].get("resourceVersion")
        if given is not None and given != found["metadata"]["resourceVersion"]:
            raise ConflictError(f"{place} has been modified")
        if part == "status":
            return self._store(place, {**copy.deepcopy(found), "status": body["status"]})
        body["metadata"] = found["metadata"] | body["metadata"]
        if query.get("dryRun") == "All":
            return self._stamped(body)
        return self._store(place, self._stamped(body))

    def _stamped(self, item: Object) -> Object:
        """Stamp a Lease, of which alone somebody looks at the stamp, in whole seconds."""
        if item["kind"] == "Lease":
            now = START + timedelta(seconds=asyncio.get_running_loop().time()) + self.ahead
            time = now.strftime("%Y-%m-%dT%H:%M:%SZ")
            item["metadata"]["managedFields"] = [{"manager": "operator", "time": time}]
        return item

    def _patch(
        self, place: Place, body: Object, content_type: str, query: dict[str, str]
    ) -> Object:
        if content_type == APPLY_PATCH:
            return self._apply(place, body, query["fieldManager"])
        found = copy.deepcopy(self._found(place))
        uid = (body.get("metadata") or {}).get("uid")
        if uid not in (None, found["metadata"]["uid"]):
            raise ConflictError(f"{place} has another uid")
        version = (body.get("metadata") or {}).get("resourceVersion")
        if version not in (None, found["metadata"]["resourceVersion"]):
            raise ConflictError(f"{place} has been modified")
        merge = strategic_merge if content_type == STRATEGIC_PATCH else json_merge
        return self._store(place, merge(found, body))

    def _apply(self, place: Place, body: Object, manager: str) -> Object:
        before = self._owned.get((place, manager), {})
        self._owned[place, manager] = copy.deepcopy(body)
        if place not in self.objects:
            if place[0] == "Deployment" and "selector" not in body["spec"]:
                raise RefusedError(f"{place}: spec.selector: Required value")
            return self._create(place[0], place[1], body)
        return self._store(place, apply_merge(copy.deepcopy(self.objects[place]), before, body))

    def _delete(self, place: Place, body: Object) -> Object:
        found = self._found(place)
        uid = (body.get("preconditions") or {}).get("uid")
        if uid not in (None, found["metadata"]["uid"]):
            raise ConflictError(f"{place} has another uid")
        gone = copy.deepcopy(self.objects.pop(place))
        self._version += 1
        gone["metadata"]["resourceVersion"] = str(self._version)
        for key in [key for key in self._owned if key[0] == place]:
            del self._owned[key]
        self._tell(place[0], gone, is_gone=True)
        return {"kind": "Status", "status": "Success"}

    def _store(self, place: Place, item: Object) -> Object:
        before = self.objects.get(place)
        if before is not None and _essence(before) == _essence(item):
            return copy.deepcopy(before)
        metadata = item["metadata"]
        is_new_spec = before is None or before.get("spec") != item.get("spec")
        generation = (before or item)["metadata"]["generation"] + is_new_spec
        self._version += 1
        item["metadata"] = metadata | {
            "resourceVersion": str(self._version),
            "generation": generation,
        }
        self.objects[place] = item
        self._tell(place[0], copy.deepcopy(item), is_gone=False)
        return copy.deepcopy(item)

    def _tell(self, kind: str, item: Object, *, is_gone: bool) -> None:
        for watcher in self.watchers:
            watcher(kind, item, is_gone)

    def _found(self, place: Place) -> Object:
        if place not in self.objects:
            raise NotFoundError(f"{place} not found")
        return self.objects[place]


def _as_listed(item: Object) -> Object:
    """Return an object as it is in a list: without what it is, unless it is a custom resource."""
    custom = item["kind"] == "FaceBlurRollout"
    left_out = () if custom else ("kind", "apiVersion")
    return copy.deepcopy({name: one for name, one in item.items() if name not in left_out})


def _essence(item: Object) -> Object:
    changing = ("resourceVersion", "generation")
    metadata = {k: v for k, v in item["metadata"].items() if k not in changing}
    return {**item, "metadata": metadata}


def _parsed(path: str) -> tuple[str, str, str, str]:
    for kind, (prefix, plural) in KINDS.items():
        start = f"/{prefix}/namespaces/"
        if path.startswith(start):
            space, found, *rest = path.removeprefix(start).split("/")
            if found == plural:
                name, part, *_ = [*rest, "", ""]
                return kind, space, name, part
        if path == f"/{prefix}/{plural}":
            return kind, EVERYWHERE, "", ""
    raise AssertionError(f"{path} is not faked")
