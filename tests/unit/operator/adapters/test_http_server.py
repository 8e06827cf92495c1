"""What the kubelet and Prometheus get to see."""

import asyncio

import aiohttp

from faceblur_operator.adapters.http_server import HttpServer


def seen(*, is_alive: bool = True, is_ready: bool = True) -> list[tuple[int, str]]:
    async def go() -> list[tuple[int, str]]:
        server = HttpServer(
            port=0,
            is_alive=lambda: is_alive,
            is_ready=lambda: is_ready,
            metrics=lambda: b"up 1\n",
        )
        await server.start()
        found = []
        async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
            for path in ("/healthz", "/readyz", "/metrics"):
                async with session.get(path) as answer:
                    found.append((answer.status, await answer.text()))
        await server.stop()
        return found

    return asyncio.run(go())


def test_process_that_works_is_alive_and_ready() -> None:
    assert seen() == [(200, "alive"), (200, "ready"), (200, "up 1\n")]


def test_process_without_its_api_server_is_alive_and_not_ready() -> None:
    wanted = [(200, "alive"), (503, "the API server is out of reach"), (200, "up 1\n")]
    assert seen(is_ready=False) == wanted


def test_process_with_a_broken_part_is_not_alive() -> None:
    assert seen(is_alive=False)[0] == (503, "a part has stopped")
