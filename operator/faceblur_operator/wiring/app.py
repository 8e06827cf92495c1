"""The operator as a whole: become leader, watch and reconcile, step down, start over."""

import asyncio
import logging
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from faceblur_operator.adapters.guarded_http import GuardedHttp
from faceblur_operator.adapters.http_server import HttpServer
from faceblur_operator.adapters.kube_api import KubeApi, load_configuration
from faceblur_operator.adapters.kube_events import KubeEvents
from faceblur_operator.adapters.kube_reader import INDEX, KubeReader
from faceblur_operator.adapters.kube_secrets import KubeSecrets
from faceblur_operator.adapters.kube_writer import KubeWriter
from faceblur_operator.adapters.lease import LeaseElector, LeasePlace
from faceblur_operator.adapters.object_cache import ObjectCache
from faceblur_operator.adapters.outside_http import HttpOutside
from faceblur_operator.adapters.prometheus import PrometheusSource
from faceblur_operator.adapters.prometheus_meter import PrometheusMeter
from faceblur_operator.adapters.system_clock import SystemClock
from faceblur_operator.core.compiler import Defaults
from faceblur_operator.engine import Doors, Reconciler, Scheduler, core_brain
from faceblur_operator.ports.errors import ClusterError
from faceblur_operator.wiring.settings import Settings

LOG = logging.getLogger(__name__)
LEASE = "faceblur-operator"
# Longest time that a write which has begun may hold up the end; the fence allows no longer ones.
LAST_WRITES = timedelta(seconds=3)
# Not ready after so long without an answer of the API server.
UNREACHED = timedelta(seconds=10)


class Watch(Protocol):
    """Tells of changes in the cluster."""

    @property
    def is_alive(self) -> bool:
        """Whether it still works."""
        ...

    def start(self, observe: Callable[[str, dict[str, Any], bool], None]) -> None:
        """Begin; `observe(kind, object, is_gone)`."""
        ...

    async def stop(self) -> None:
        """End."""
        ...


@dataclass(slots=True)
class _Term:
    """What exists while this process leads."""

    reader: KubeReader
    scheduler: Scheduler
    source: PrometheusSource
    http: GuardedHttp

    def observe(self, kind: str, item: dict[str, Any], is_gone: bool) -> None:
        """Take a change and wake the rollouts for which it is news."""
        for key in self.reader.observe(kind, item, is_gone=is_gone):
            self.scheduler.wake(key)

    async def wake_all(self, namespaces: Collection[str]) -> None:
        """Look at everything without waiting for the watch, which takes a second to begin."""
        try:
            keys = await self.reader.rollouts(namespaces)
        except ClusterError as err:
            LOG.warning("cannot list, the watch will", extra={"fields": {"error": str(err)}})
            return
        for key in keys:
            self.scheduler.wake(key)


class App:
    """One process of the operator."""

    def __init__(self, settings: Settings, watch: Watch) -> None:
        """Take the settings, and what watches the cluster."""
        self._settings = settings
        self._watch = watch
        self._clock = SystemClock()
        self._meter = PrometheusMeter()
        self._chance = random.SystemRandom().random
        self._elector: LeaseElector | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; the Lease is free then."""
        configuration = await load_configuration()
        api, lease_api = KubeApi(configuration), KubeApi(configuration)
        self._elector = elector = LeaseElector(
            lease_api,
            self._clock,
            LeasePlace(self._settings.pod_namespace, LEASE, self._settings.identity),
            chance=self._chance,
        )
        self._meter.watch_leader(lambda: elector.is_leading)
        server = HttpServer(
            port=self._settings.port,
            is_alive=lambda: self._watch.is_alive,
            is_ready=self._is_ready,
            metrics=self._meter.text,
        )
        await server.start()
        try:
            while not stop.is_set():
                await self._candidate(elector, stop)
                if elector.is_leading:
                    await self._lead(api, elector, stop)
        finally:
            await elector.release()
            await server.stop()
            await api.close()
            await lease_api.close()

    async def _candidate(self, elector: LeaseElector, stop: asyncio.Event) -> None:
        LOG.info("waiting for the lease")
        await _first(elector.acquire(), stop.wait())

    async def _lead(self, api: KubeApi, elector: LeaseElector, stop: asyncio.Event) -> None:
        LOG.info("leading")
        term = self._begin(api, elector)
        self._watch.start(term.observe)
        waking = asyncio.create_task(term.wake_all(self._settings.namespaces), name="wake all")
        try:
            await _first(elector.keep(), stop.wait())
        finally:
            waking.cancel()
            LOG.info("stepping down", extra={"fields": {"asked": stop.is_set()}})
            elector.resign()
            await term.scheduler.stop(patience=LAST_WRITES)
            if stop.is_set():
                # The next one need not wait for our watches to end.
                await elector.release()
            await self._watch.stop()
            term.source.close()
            await term.http.close()

    def _begin(self, api: KubeApi, elector: LeaseElector) -> _Term:
        settings, loop = self._settings, asyncio.get_running_loop()
        cache = ObjectCache(INDEX, loop.time)
        source = PrometheusSource(self._clock, self._meter)
        reader = KubeReader(api, cache)
        doors = Doors(
            clock=self._clock,
            reader=reader,
            writer=KubeWriter(api, cache, elector),
            events=KubeEvents(api, self._clock, elector, instance=settings.pod_name or LEASE),
            meter=self._meter,
        )
        drain = timedelta(seconds=settings.drain)
        allow = settings.webhook_allow
        defaults = Defaults(settings.prometheus_url, settings.prometheus_allow, drain, allow)
        http = GuardedHttp()
        outside = HttpOutside(self._clock, self._meter, http, KubeSecrets(api), allow=allow)
        reconciler = Reconciler(core_brain(defaults), doors)
        scheduler = Scheduler(reconciler, source, self._meter, outside, chance=self._chance)
        return _Term(reader, scheduler, source, http)

    def _is_ready(self) -> bool:
        elector = self._elector
        if elector is None or elector.reached_at is None:
            return False
        since = asyncio.get_running_loop().time() - elector.reached_at
        return since < UNREACHED.total_seconds()


async def _first(*waits: Any) -> None:
    """Return when the first of these returns; the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
