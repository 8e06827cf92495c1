"""The load generator against a real server on loopback: nothing lost, nothing embellished."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from tests.support.answers import failed, share_of
from tests.support.eventually import Patience, eventually
from tests.support.load import Load, Question, burst

A_FEW_ANSWERS = Patience("a few answers", 5)


@dataclass
class Server:
    """A server that does what `answer` says, on its own thread."""

    status: int = 200
    delay_s: float = 0.0
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: set[str] = field(default_factory=set)
    hang_up: bool = False
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        assert request.transport is not None
        self.connections.add(str(request.transport.get_extra_info("peername")))
        await asyncio.sleep(self.delay_s)
        if self.hang_up:
            request.transport.abort()
        track = "gray" if len(self.bodies) % 4 == 0 else "stable"
        headers = {"X-Face-Blur-Track": track, "X-Face-Blur-Version": "1.0"}
        return web.Response(status=self.status, headers=headers, text="done")


@pytest.fixture
def server() -> Iterator[Server]:
    it, ready, end = Server(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", it.answer)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        ready.set()
        await end.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(5)
    yield it
    loop.call_soon_threadsafe(end.set)
    thread.join(5)
    loop.close()


def test_every_request_that_the_server_saw_has_an_answer(server: Server) -> None:
    with Load(Question(server.url), rate=200) as load:
        eventually(
            lambda: len(load.answers), lambda n: n >= 20, within=A_FEW_ANSWERS, what="20 answers"
        )

    assert Counter(one.status for one in load.answers) == {200: len(server.bodies)}


def test_the_rate_is_kept_although_answers_are_slow(server: Server) -> None:
    server.delay_s = 0.5

    with Load(Question(server.url), rate=40) as load:
        eventually(
            lambda: len(load.answers), lambda n: n >= 10, within=A_FEW_ANSWERS, what="10 answers"
        )
    sent = sorted(one.sent for one in load.answers)

    # One at a time would be 2 a second; half of what is asked leaves room for a busy machine.
    assert (len(sent) - 1) / (sent[-1] - sent[0]) >= 20


def test_bodies_go_out_in_turn_as_pictures(server: Server) -> None:
    burst(Question(server.url, bodies=(b"a", b"b", b"c")), count=6, together=1)

    types = {one["Content-Type"] for one in server.headers}
    assert (server.bodies, types) == ([b"a", b"b", b"c"] * 2, {"image/jpeg"})


def test_a_burst_counts_exactly_and_keeps_its_connections(server: Server) -> None:
    answers = burst(Question(server.url), count=100, together=4)

    assert (len(answers), len(server.bodies), len(server.connections)) == (100, 100, 4)


def test_a_burst_works_beside_a_running_event_loop(server: Server) -> None:
    async def asking() -> int:
        return len(burst(Question(server.url), count=3))

    assert asyncio.run(asking()) == 3


def test_the_headers_of_an_answer_tell_who_gave_it(server: Server) -> None:
    answers = burst(Question(server.url), count=8, together=1)

    share = share_of(answers)
    assert (share.gray, share.total, {one.version for one in answers}) == (2, 8, {"1.0"})


def test_headers_are_sent_along(server: Server) -> None:
    question = Question(server.url).with_headers(X_Gray_Enable="true", Cookie="gray=always")

    burst(question, count=1)

    sent = server.headers[0]
    assert (sent["X-Gray-Enable"], sent["Cookie"]) == ("true", "gray=always")


@pytest.mark.parametrize("status", [302, 404, 500, 503])
def test_an_answer_that_is_no_success_is_failed(server: Server, status: int) -> None:
    server.status = status

    answers = burst(Question(server.url, bodies=(b"x",)), count=3)

    assert [one.status for one in failed(answers)] == [status] * 3


def test_a_connection_that_breaks_is_failed_and_not_tried_again(server: Server) -> None:
    server.hang_up = True

    answers = burst(Question(server.url, bodies=(b"x",)), count=3, together=1)

    found = [(one.status, one.error) for one in failed(answers)]
    assert (found, len(server.bodies)) == ([(0, "ServerDisconnectedError")] * 3, 3)


def test_nobody_listening_is_failed() -> None:
    answers = burst(Question("http://127.0.0.1:9/"), count=2)

    assert [one.status for one in failed(answers)] == [0, 0]


def test_leaving_the_block_waits_for_answers_under_way(server: Server) -> None:
    server.delay_s = 0.3

    with Load(Question(server.url), rate=50) as load:
        eventually(
            lambda: len(server.bodies), lambda n: n > 0, within=A_FEW_ANSWERS, what="one arrived"
        )

    assert len(load.answers) == len(server.bodies)
    assert not failed(load.answers)
