"""The operator as a whole: become leader, watch and reconcile, step down, start over."""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from faceblur_operator.adapters.http_server import HttpServer
from faceblur_operator.adapters.kube_api import KubeApi, load_configuration
from faceblur_operator.adapters.lease import LeaseElector, LeasePlace
from faceblur_operator.adapters.prometheus_meter import PrometheusMeter
from faceblur_operator.adapters.system_clock import SystemClock
from faceblur_operator.wiring.settings import OPERATOR, Settings

if TYPE_CHECKING:
    from faceblur_operator.wiring.term import Term

LOG = logging.getLogger(__name__)
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


class App:
    """One process of the operator."""

    def __init__(self, settings: Settings, watch_of: Callable[[], Watch]) -> None:
        """Take the settings, and what makes a watch of the cluster."""
        self._settings = settings
        self._watch_of = watch_of
        self._watch: Watch | None = None
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
            LeasePlace(self._settings.pod_namespace, OPERATOR, self._settings.identity),
            chance=self._chance,
        )
        self._meter.watch_leader(lambda: elector.is_leading)
        server = HttpServer(
            port=self._settings.port,
            is_alive=lambda: self._watch is None or self._watch.is_alive,
            is_ready=self._is_ready,
            metrics=self._meter.text,
        )
        await server.start()
        loading = asyncio.create_task(asyncio.to_thread(self._load), name="load")
        try:
            while not stop.is_set():
                await self._candidate(elector, stop)
                if elector.is_leading:
                    begin, self._watch = await loading
                    await self._lead(begin(api, elector), self._watch, elector, stop)
        finally:
            await elector.release()
            await server.stop()
            await api.close()
            await lease_api.close()

    async def _candidate(self, elector: LeaseElector, stop: asyncio.Event) -> None:
        LOG.info("waiting for the lease")
        await _first(elector.acquire(), stop.wait())

    def _load(self) -> "tuple[Callable[[KubeApi, LeaseElector], Term], Watch]":
        """Import what only a leader needs, and return what begins a term, and the watch.

        While the Lease is waited for nobody has a use for the processor: who starts again leads
        sooner.
        """
        from faceblur_operator.wiring.term import begin

        def term(api: KubeApi, elector: LeaseElector) -> "Term":
            return begin(
                self._settings, api, elector, self._clock, self._meter, chance=self._chance
            )

        return term, self._watch_of()

    async def _lead(
        self, term: "Term", watch: Watch, elector: LeaseElector, stop: asyncio.Event
    ) -> None:
        LOG.info("leading")
        watch.start(term.observe)
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
            await watch.stop()
            term.source.close()
            await term.http.close()

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
