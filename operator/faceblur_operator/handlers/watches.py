"""Runs kopf as the watcher: every event of the kinds we read goes to one function.

kopf gets a thread and an event loop of its own: at its end it cancels every task of its loop and
takes over the signals, which must not meet the engine. It writes nothing: no finalizers, no
annotations, no events, no peering.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Collection
from typing import Any

import kopf

from faceblur_operator.core.objects import ROLLOUT_LABEL

LOG = logging.getLogger(__name__)
KINDS = {
    "FaceBlurRollout": ("faceblur.dev", "v1alpha1", "faceblurrollouts"),
    "Deployment": ("apps", "v1", "deployments"),
    "Service": ("", "v1", "services"),
    "Ingress": ("networking.k8s.io", "v1", "ingresses"),
    "HorizontalPodAutoscaler": ("autoscaling", "v2", "horizontalpodautoscalers"),
    "Pod": ("", "v1", "pods"),
}
# The API server sends no pods but those of rollouts: a cluster may have very many.
SELECTORS = {"Pod": ROLLOUT_LABEL}
# A watch is opened anew this often (from where it was, no list is read again), so that one that
# died in silence blinds us no longer than that.
WATCH_SECONDS = 30
PATIENCE_SECONDS = 40
RESTART_SECONDS = 1.0

Observe = Callable[[str, dict[str, Any], bool], None]


class KopfWatch:
    """Watches from `start` to `stop`, whatever happens to the API server in between."""

    def __init__(self, namespaces: Collection[str]) -> None:
        """Watch these namespaces; none: all of them."""
        self._namespaces = namespaces
        self._run: _Run | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it watches, or was not asked to."""
        return self._run is None or self._run.is_alive()

    def start(self, observe: Observe) -> None:
        """Begin to watch; `observe(kind, object, is_gone)` is called on the caller's loop."""
        loop = asyncio.get_running_loop()

        def hand_over(kind: str, item: dict[str, Any], is_gone: bool) -> None:
            # The caller may have ended before us.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(observe, kind, item, is_gone)

        self._run = _Run(hand_over, self._namespaces)
        self._run.start()

    async def stop(self, *, patience_s: float = 3) -> None:
        """End the watches."""
        run, self._run = self._run, None
        if run is not None:
            run.end()
            await asyncio.to_thread(run.join, patience_s)


class _Run(threading.Thread):
    """The thread of one run, from one `start` to its `stop`."""

    def __init__(self, observe: Observe, namespaces: Collection[str]) -> None:
        super().__init__(name="kopf", daemon=True)
        self._observe = observe
        self._namespaces = namespaces
        self._is_ended = threading.Event()
        # kopf's loop and what ends it; an event of its loop, because a thread that waits for one
        # of ours would outlive a kopf that ends on its own, and hold up the next.
        self._present: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def run(self) -> None:
        """Watch until ended; start again when kopf gives up."""
        while not self._is_ended.is_set():
            try:
                asyncio.run(self._watch())
            except Exception:
                LOG.exception("watch broke off, starting again")
            self._present = None
            self._is_ended.wait(RESTART_SECONDS)

    def end(self) -> None:
        """Let `run` return soon."""
        self._is_ended.set()
        if self._present is not None:
            loop, stop = self._present
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stop.set)

    async def _watch(self) -> None:
        stop = asyncio.Event()
        self._present = (asyncio.get_running_loop(), stop)
        if self._is_ended.is_set():
            return
        await kopf.operator(
            registry=make_registry(self._observe),
            settings=make_settings(),
            standalone=True,
            clusterwide=not self._namespaces,
            namespaces=list(self._namespaces),
            stop_flag=stop,
        )


def make_registry(observe: Observe) -> kopf.OperatorRegistry:
    """Return handlers that pass every event on."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(_log_in)
    for kind, (group, version, plural) in KINDS.items():
        kopf.on.event(group, version, plural, id=f"see-{plural}", registry=registry)(
            _passer(kind, observe)
        )
    return registry


def make_settings() -> kopf.OperatorSettings:
    """Return settings under which kopf only reads."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.inactivity_timeout = PATIENCE_SECONDS
    settings.watching.connect_timeout = 5
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = (0.2, 0.5, 1, 2, 5)
    settings.queueing.idle_timeout = 1
    for kind, selector in SELECTORS.items():
        settings.watching.label_selectors[KINDS[kind]] = selector
    return settings


def _passer(kind: str, observe: Observe) -> Callable[..., Any]:
    async def see(event: Any, **_: Any) -> None:
        observe(kind, dict(event["object"]), event["type"] == "DELETED")

    return see


async def _log_in(**arguments: Any) -> Any:
    return kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(**arguments)
