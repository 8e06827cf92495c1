"""Sends events about rollouts, the ones `kubectl describe` shows; repeated ones are counted."""

import logging
from collections import OrderedDict

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
from faceblur_operator.ports.errors import OperatorError

LOG = logging.getLogger(__name__)
COMPONENT = "faceblur-operator"
# Events sent by this process that are counted when they come again.
REMEMBERED = 4096
LONGEST_MESSAGE = 1024


class KubeEvents:
    """The `EventSink` of a real API server."""

    def __init__(self, api: KubeApi, clock: Clock, fence: Fence, *, instance: str) -> None:
        self._api = api
        self._clock = clock
        self._fence = fence
        self._instance = instance
        self._sent: OrderedDict[tuple[str, Event], tuple[str, int]] = OrderedDict()
        self._last_number = 0

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
        essence = (resource.uid, event)
        name, count = self._sent.get(essence, ("", 0))
        if not count or not await self._count(resource, name, count + 1):
            name, count = self._new_name(resource), 0
            await self._create(resource, event, name)
        self._sent[essence] = (name, count + 1)
        self._sent.move_to_end(essence)
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    def _new_name(self, resource: Resource) -> str:
        """Return a name that sorts by time: events of one second are listed by name."""
        number = int(self._clock.now().timestamp() * 1e6)
        self._last_number = max(number, self._last_number + 1)
        return f"{resource.key.name[:220]}.{self._last_number:x}"

    async def _create(self, resource: Resource, event: Event, name: str) -> None:
        now, key = _stamp(self._clock), resource.key
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

    async def _count(self, resource: Resource, name: str, count: int) -> bool:
        """Count one more of an event; return False when it has expired."""
        path = path_of("Event", resource.key.namespace, name)
        body = {"count": count, "lastTimestamp": _stamp(self._clock)}
        timeout = min(self._fence.check(), TIMEOUT)
        try:
            await self._api.request(
                "PATCH", path, body=body, content_type=MERGE_PATCH, timeout=timeout
            )
        except NotFoundError:
            return False
        return True


def _stamp(clock: Clock) -> str:
    return clock.now().isoformat(timespec="seconds")
