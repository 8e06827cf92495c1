"""What a process needs only while it leads; imported while it waits for that."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from faceblur_operator.adapters.guarded_http import GuardedHttp
from faceblur_operator.adapters.kube_api import KubeApi
from faceblur_operator.adapters.kube_events import KubeEvents
from faceblur_operator.adapters.kube_reader import INDEX, KubeReader
from faceblur_operator.adapters.kube_secrets import KubeSecrets
from faceblur_operator.adapters.kube_writer import KubeWriter
from faceblur_operator.adapters.lease import LeaseElector
from faceblur_operator.adapters.object_cache import ObjectCache
from faceblur_operator.adapters.outside_http import HttpOutside
from faceblur_operator.adapters.prometheus import PrometheusSource
from faceblur_operator.core.compiler import Defaults
from faceblur_operator.engine import Doors, Reconciler, Scheduler, core_brain
from faceblur_operator.ports import Clock, Meter
from faceblur_operator.ports.errors import ClusterError
from faceblur_operator.wiring.settings import OPERATOR, Settings

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Term:
    """What exists while a process leads."""

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


def begin(
    settings: Settings,
    api: KubeApi,
    elector: LeaseElector,
    clock: Clock,
    meter: Meter,
    *,
    chance: Callable[[], float],
) -> Term:
    """Return all that a leader works with; `chance` returns numbers from 0 to 1."""
    loop = asyncio.get_running_loop()
    cache = ObjectCache(INDEX, loop.time)
    source = PrometheusSource(clock, meter)
    reader = KubeReader(api, cache)
    doors = Doors(
        clock=clock,
        reader=reader,
        writer=KubeWriter(api, cache, elector),
        events=KubeEvents(api, clock, elector, instance=settings.pod_name or OPERATOR),
        meter=meter,
    )
    drain = timedelta(seconds=settings.drain)
    allow = settings.webhook_allow
    defaults = Defaults(settings.prometheus_url, settings.prometheus_allow, drain, allow)
    http = GuardedHttp()
    outside = HttpOutside(clock, meter, http, KubeSecrets(api), allow=allow)
    reconciler = Reconciler(core_brain(defaults), doors)
    scheduler = Scheduler(reconciler, source, meter, outside, chance=chance)
    return Term(reader, scheduler, source, http)
