"""Sends events about rollouts, the ones `kubectl describe` shows; repeated ones are counted."""

import logging
from collections import OrderedDict
from hashlib import sha256

from faceblur_operator.adapters.kube_api import (
    MERGE_PATCH,
    TIMEOUT,
    KubeApi,
    NotFoundError,
    Object,
    path_of,
)
from faceblur_operator.core.decision import Event
from faceblur_operator.ports import Clock, Fence
from faceblur_operator.ports.cluster import Resource
from faceblur_operator.ports.errors import ConflictError, OperatorError

LOG = logging.getLogger(__name__)
COMPONENT = "faceblur-operator"
# Names of events sent by this process whose count is known.
REMEMBERED = 4096
LONGEST_MESSAGE = 1024


class KubeEvents:
    """The `EventSink` of a real API server."""

    def __init__(self, api: KubeApi, clock: Clock, fence: Fence, *, instance: str) -> None:
        self._api = api
        self._clock = clock
        self._fence = fence
        self._instance = instance
        self._counts: OrderedDict[str, int] = OrderedDict()

    async def send(self, resource: Resource, events: tuple[Event, ...]) -> None:
        """Send them; a failure is logged and never stops a rollout."""
        for event in events:
            try:
                await self._send(resource, event)
            except OperatorError as err:
                where = {"namespace": resource.key.namespace, "name": resource.key.name}
                told = {**where, "reason": event.reason.value, "error": str(err)}
                LOG.warning("event not sent", extra={"fields": told})

    async def _send(self, resource: Resource, event: Event) -> None:
        name = _name_of(resource, event)
        if name in self._counts and await self._count(resource, name):
            return
        try:
            await self._create(resource, event, name)
        except ConflictError:
            # Sent by an earlier process.
            answer = await self._api.get(path_of("Event", resource.key.namespace, name))
            self._remember(name, int(answer.get("count") or 1))
            await self._count(resource, name)

    async def _create(self, resource: Resource, event: Event, name: str) -> None:
        now = self._clock.now().isoformat(timespec="seconds")
        key = resource.key
        body: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": key.namespace},
            "involvedObject": {
                "apiVersion": "faceblur.dev/v1alpha1",
                "kind": "FaceBlurRollout",
                "namespace": key.namespace,
                "name": key.name,
                "uid": resource.uid,
                "resourceVersion": resource.resource_version,
            },
            "reason": event.reason.value,
            "message": event.message[:LONGEST_MESSAGE],
            "type": "Warning" if event.is_warning else "Normal",
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._instance,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        timeout = min(self._fence.check(), TIMEOUT)
        path = path_of("Event", key.namespace)
        await self._api.request("POST", path, body=body, timeout=timeout)
        self._remember(name, 1)

    async def _count(self, resource: Resource, name: str) -> bool:
        """Count one more of an event; return False when it has expired."""
        now = self._clock.now().isoformat(timespec="seconds")
        count = self._counts[name] + 1
        path = path_of("Event", resource.key.namespace, name)
        body = {"count": count, "lastTimestamp": now}
        timeout = min(self._fence.check(), TIMEOUT)
        try:
            await self._api.request(
                "PATCH", path, body=body, content_type=MERGE_PATCH, timeout=timeout
            )
        except NotFoundError:
            del self._counts[name]
            return False
        self._remember(name, count)
        return True

    def _remember(self, name: str, count: int) -> None:
        self._counts[name] = count
        self._counts.move_to_end(name)
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)


def _name_of(resource: Resource, event: Event) -> str:
    essence = f"{resource.uid}\n{event.reason.value}\n{event.message}\n{event.is_warning}"
    return f"{resource.key.name[:220]}.{sha256(essence.encode()).hexdigest()[:16]}"
