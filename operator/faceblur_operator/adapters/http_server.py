"""Answers the kubelet's probes and Prometheus' scrapes."""

from collections.abc import Callable

from aiohttp import web


class HttpServer:
    """Serves `/healthz`, `/readyz` and `/metrics` on one port."""

    def __init__(
        self,
        *,
        port: int,
        is_alive: Callable[[], bool],
        is_ready: Callable[[], bool],
        metrics: Callable[[], bytes],
    ) -> None:
        """Take what it shows; the functions are called at each request."""
        self._port = port
        self._is_alive = is_alive
        self._is_ready = is_ready
        self._metrics = metrics
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port it listens on; where 0 was asked for, the one that was free."""
        addresses = self._runner.addresses if self._runner else []
        return int(addresses[0][1]) if addresses else self._port

    async def start(self) -> None:
        """Begin to listen."""
        app = web.Application()
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._scrape)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        # All addresses: the kubelet comes from outside the pod.
        await web.TCPSite(self._runner, "0.0.0.0", self._port).start()  # noqa: S104 - see above

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        return _said(self._is_alive(), "alive", "a part has stopped")

    async def _ready(self, _: web.Request) -> web.Response:
        return _said(self._is_ready(), "ready", "the API server is out of reach")

    async def _scrape(self, _: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._metrics(), headers=headers)


def _said(is_good: bool, good: str, bad: str) -> web.Response:
    return web.Response(text=good if is_good else bad, status=200 if is_good else 503)
