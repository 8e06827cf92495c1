"""Elects one leader among the operator's processes with a Lease, and fences everybody else.

The clock of another machine is never compared with ours: a Lease has run out when it has not
changed for its whole duration as watched from here. The leader trusts its Lease for less time
than the others do, so two never write at once.

A process that has just begun need not watch it all: how long nothing had changed before, the API
server tells by its own clock alone, which stamped the last renewal and stamps one that is only
tried. For longer than a leader needs for a renewal it is watched all the same.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from faceblur_operator.adapters.kube_api import KubeApi, NotFoundError, Object, path_of
from faceblur_operator.ports import Clock
from faceblur_operator.ports.errors import ClusterError, ConflictError, NotLeadingError

LOG = logging.getLogger(__name__)
# Stamps are whole seconds, and the API servers of one cluster may be apart by as much again.
VAGUENESS = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """How fast leadership moves.

    Attributes:
        duration: how long others wait for a leader that is silent, in whole seconds. Short: a
            rollback may be due.
        deadline: how long the leader goes on without a renewal; less than `duration` by enough for
            a write that it gave up, but which is still on its way to the API server.
        renew: time between renewals.
        poll: how often a candidate looks.
        request: timeout of one request, so that a deadline has room for a second try.
        watch: for how long a Lease is watched at least, whatever its stamps say; longer than
            `renew`, so that a leader that lives is seen.
    """

    duration: timedelta = timedelta(seconds=3)
    deadline: timedelta = timedelta(seconds=2.1)
    renew: timedelta = timedelta(milliseconds=750)
    poll: timedelta = timedelta(milliseconds=400)
    request: timedelta = timedelta(milliseconds=700)
    watch: timedelta = timedelta(milliseconds=850)


@dataclass(frozen=True, slots=True)
class LeasePlace:
    """Where the Lease is, and under which name this process holds it."""

    namespace: str
    name: str
    identity: str


class LeaseElector:
    """Takes, keeps and gives back one Lease; it is the `Fence` too."""

    def __init__(
        self,
        api: KubeApi,
        clock: Clock,
        place: LeasePlace,
        *,
        chance: Callable[[], float],
        timing: LeaseTiming | None = None,
    ) -> None:
        """Take what it works with; `chance` returns numbers from 0 to 1."""
        self._api = api
        self._clock = clock
        self._space = place.namespace
        self._name = place.name
        self._identity = place.identity
        self._chance = chance
        self._timing = timing or LeaseTiming()
        self._now = asyncio.get_running_loop().time
        self._renewed: float | None = None
        self._lease: Object | None = None
        self._seen: tuple[str, float] | None = None
        self.reached_at: float | None = None

    def check(self) -> timedelta:
        """Return for how long a write that begins now is protected.

        Raises:
            NotLeadingError: the Lease is not held, or may have run out.
        """
        if self._renewed is None:
            raise NotLeadingError(f"Lease {self._space}/{self._name} is not held")
        left = self._timing.deadline - timedelta(seconds=self._now() - self._renewed)
        if left <= timedelta(0):
            raise NotLeadingError(f"Lease {self._space}/{self._name} could not be renewed in time")
        return left

    @property
    def is_leading(self) -> bool:
        """Whether a write would pass now."""
        try:
            self.check()
        except NotLeadingError:
            return False
        return True

    async def acquire(self) -> None:
        """Return when the Lease is ours."""
        while not await self._attempt(self._try_acquire):
            await asyncio.sleep(self._patience())

    async def keep(self) -> None:
        """Renew until the Lease is lost, then return."""
        while self.is_leading:
            pause = self._timing.renew.total_seconds()
            if not await self._attempt(self._renew):
                pause /= 4
            await asyncio.sleep(pause * (0.9 + 0.1 * self._chance()))
        self._renewed = None

    def resign(self) -> None:
        """Close the fence: nothing more is written by this process."""
        self._renewed = None

    async def release(self) -> None:
        """Close the fence and let the next one take the Lease at once."""
        self.resign()
        try:
            await self._give_back()
        except ClusterError as err:
            LOG.warning("lease not released", extra={"fields": {"error": str(err)}})

    async def _give_back(self) -> None:
        if self._lease is None:
            return
        # Read again: a renewal that was broken off may have been stored.
        path = path_of("Lease", self._space, self._name)
        lease = await self._api.request("GET", path, timeout=self._timing.request)
        self._lease = None
        if (lease.get("spec") or {}).get("holderIdentity") != self._identity:
            return
        spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        await self._put({**lease, "spec": spec})

    async def _attempt(self, step: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await step()
        except ConflictError:
            return False
        except ClusterError as err:
            LOG.warning("lease out of reach", extra={"fields": {"error": str(err)}})
            return False

    async def _try_acquire(self) -> bool:
        try:
            lease = await self._api.request(
                "GET",
                path_of("Lease", self._space, self._name),
                timeout=self._timing.request,
            )
        except NotFoundError:
            self._reached()
            return await self._hold(None)
        self._reached()
        version = str(lease["metadata"]["resourceVersion"])
        spec = lease.get("spec") or {}
        duration = float(spec.get("leaseDurationSeconds") or self._duration_s)
        is_free = not spec.get("holderIdentity")
        if self._seen is None and not is_free:
            silent = await self._silence(lease)
            known = min(silent, duration - self._timing.watch.total_seconds())
            self._seen = (version, self._now() - max(known, 0.0))
        elif self._seen is None or self._seen[0] != version:
            self._seen = (version, self._now())
        if is_free or self._now() >= self._seen[1] + duration:
            return await self._hold(lease)
        return False

    async def _silence(self, lease: Object) -> float:
        """Return for how many seconds at least a Lease had not changed, as the API server knows."""
        # A renewal in the name of its holder, that is stamped and not stored.
        renewed = {**lease["spec"], "renewTime": self._clock_stamp()}
        try:
            tried = await self._put({**lease, "spec": renewed}, is_tried=True)
        except ClusterError:
            # It changed just now, or nothing can be known.
            return 0.0
        last, now = _stamped(lease), _stamped(tried)
        return 0.0 if last is None or now is None else (now - last - VAGUENESS).total_seconds()

    async def _renew(self) -> bool:
        return await self._hold(self._lease)

    async def _hold(self, lease: Object | None) -> bool:
        """Write the Lease with our name; the resource version makes it ours or a conflict."""
        # Counted from before the request: others count from after it.
        begun = self._now()
        stamp = self._clock_stamp()
        before = (lease or {}).get("spec") or {}
        is_renewal = before.get("holderIdentity") == self._identity
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._duration_s,
            "renewTime": stamp,
            "acquireTime": before["acquireTime"] if is_renewal else stamp,
            "leaseTransitions": before.get("leaseTransitions", 0) + (0 if is_renewal else 1),
        }
        metadata = (lease or {}).get("metadata") or {"name": self._name, "namespace": self._space}
        try:
            self._lease = await self._put({"metadata": metadata, "spec": spec})
        except ConflictError:
            await self._lost_race()
            raise
        self._reached()
        self._renewed = begun
        return True

    async def _lost_race(self) -> None:
        """Look who has it: an answer to our own earlier write may only have been lost."""
        path = path_of("Lease", self._space, self._name)
        lease = await self._api.request("GET", path, timeout=self._timing.request)
        if (lease.get("spec") or {}).get("holderIdentity") == self._identity:
            self._lease = lease
        else:
            self._renewed = None

    def _clock_stamp(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    async def _put(self, lease: Object, *, is_tried: bool = False) -> Object:
        is_new = "resourceVersion" not in lease["metadata"]
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", **lease}
        path = path_of("Lease", self._space, "" if is_new else self._name)
        method = "POST" if is_new else "PUT"
        query = {"dryRun": "All"} if is_tried else None
        return await self._api.request(
            method, path, query=query, body=body, timeout=self._timing.request
        )

    def _patience(self) -> float:
        """Return when to look again: at the end of the Lease exactly, if that is sooner."""
        poll = self._timing.poll.total_seconds() * (0.8 + 0.2 * self._chance())
        if self._seen is None:
            return poll
        ends = self._seen[1] + self._timing.duration.total_seconds() - self._now()
        return min(poll, ends) if ends > 0 else poll

    def _reached(self) -> None:
        self.reached_at = self._now()

    @property
    def _duration_s(self) -> int:
        return round(self._timing.duration.total_seconds())


def _stamped(lease: Object) -> datetime | None:
    """Return when the API server stored the last change of an object, by its own clock."""
    stamps = [one.get("time") for one in lease["metadata"].get("managedFields") or []]
    return max((datetime.fromisoformat(one) for one in stamps if one), default=None)
