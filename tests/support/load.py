"""Sends requests as users do and keeps every answer; shared by the demo and the e2e tests.

`Load` is an open loop: it sends at its rate whether or not earlier answers have come, so that a
slow service is seen as slow.  `burst` asks a fixed number of times, a few at once, for counting.
Both reuse their connections and hide no error.  No POST is ever tried twice; a GET on a kept
connection that turns out to be closed is, once, by the HTTP library, as browsers do.
"""

import asyncio
import concurrent.futures
import contextlib
import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp
from tests.support.answers import Answer

GIVE_UP_S = 10.0
_START_S = 10.0


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        url: Address, through the Ingress.
        bodies: Sent in turn by POST; GET when there are none.
        headers: Request headers; cookies too, as a Cookie header.
    """

    url: str
    bodies: Sequence[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, **headers: str) -> "Question":
        """Return the same with further headers; underscores in names stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Question(self.url, self.bodies, {**self.headers, **named})


class Load:
    """A steady open-loop load, from the beginning of the `with` block to its end.

    It runs in a thread of its own, so that a test may do other things meanwhile; `answers` may be
    read at any time.  Leaving the block sends no more, and waits for the answers still missing.
    """

    def __init__(self, question: Question, *, rate: float) -> None:
        """Prepare to ask `question` `rate` times a second."""
        self._question = question
        self._rate = rate
        self._answers: list[Answer] = []
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    @property
    def answers(self) -> list[Answer]:
        """Return the answers so far, in the order in which they ended."""
        return self._answers[:]

    def since(self, cursor: int) -> list[Answer]:
        """Return the answers after the first `cursor` ones."""
        return self._answers[cursor:]

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()
        if not self._started.wait(_START_S):
            raise RuntimeError("the load generator did not start")

    def stop(self) -> list[Answer]:
        """Send no more, wait for what is under way, and return all answers."""
        if self._loop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(GIVE_UP_S + _START_S)
        return self.answers

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        self._loop = asyncio.get_running_loop()
        bodies = _in_turn(self._question)
        async with _session() as session, asyncio.TaskGroup() as under_way:
            began = time.monotonic()
            self._started.set()
            for number in itertools.count():
                # By the schedule, not by the last request: a late one is not followed by a lull.
                if await self._is_stopped(began + number / self._rate - time.monotonic()):
                    return
                under_way.create_task(self._ask(session, next(bodies)))

    async def _is_stopped(self, after_s: float) -> bool:
        if after_s > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), after_s)
        return self._stop.is_set()

    async def _ask(self, session: aiohttp.ClientSession, body: bytes | None) -> None:
        self._answers.append(await _ask(session, self._question, body))


def burst(question: Question, *, count: int, together: int = 8) -> list[Answer]:
    """Ask `count` times, `together` at once, and return the answers."""
    # On a thread of its own: a browser under test keeps an event loop running on this one.
    with concurrent.futures.ThreadPoolExecutor(1, "burst") as thread:
        return thread.submit(lambda: asyncio.run(_burst(question, count, together))).result()


async def _burst(question: Question, count: int, together: int) -> list[Answer]:
    answers: list[Answer] = []
    bodies = itertools.islice(_in_turn(question), count)

    async def one_client(session: aiohttp.ClientSession) -> None:
        # Every client takes the next body, so the order of bodies is kept among all of them.
        answers.extend([await _ask(session, question, body) for body in bodies])

    async with _session() as session, asyncio.TaskGroup() as clients:
        for _ in range(together):
            clients.create_task(one_client(session))
    return answers


async def _ask(session: aiohttp.ClientSession, question: Question, body: bytes | None) -> Answer:
    method = "GET" if body is None else "POST"
    headers = dict(question.headers)
    if body is not None:
        headers.setdefault("Content-Type", "image/jpeg")
    sent = time.monotonic()
    try:
        async with session.request(method, question.url, data=body, headers=headers) as response:
            await response.read()
            return Answer(
                sent=sent,
                ended=time.monotonic(),
                status=response.status,
                track=response.headers.get("X-Face-Blur-Track", ""),
                version=response.headers.get("X-Face-Blur-Version", ""),
                degraded=response.headers.get("X-Face-Blur-Degraded", ""),
            )
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return Answer(sent, time.monotonic(), 0, error=type(error).__name__)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=GIVE_UP_S),
        # Redirects and cookies would make one user's requests depend on another's.
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def _in_turn(question: Question) -> Iterator[bytes | None]:
    return itertools.cycle(question.bodies or [None])
