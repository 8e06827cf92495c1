"""Asks Prometheus with prometheus-api-client, on threads of its own for each server.

The client is synchronous and trusting: it retries, follows redirects, reads bodies of any size
and drops warnings. The session given to it here does none of that.
"""

import asyncio
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from urllib3.util.retry import Retry

from faceblur_operator.core.snapshot import Labels, NoSamples, Samples, Vector
from faceblur_operator.ports import Clock, Meter

# Marks which of the joined queries a series belongs to.
MARK = "faceblur_query"
LARGEST_BODY = 4 * 1024 * 1024
# Per server, so that one that hangs holds up nobody but those who asked it.
THREADS = 8
SERVERS = 16
LONGEST_REASON = 200
# Label sets of which one object is kept for each server; more than all rollouts have together.
KEPT_LABELS = 100_000


class _UnreadableError(Exception):
    """The answer cannot be used; the text says why."""


class _GuardedSession(requests.Session):
    """A session that reads a bounded body in bounded time and refuses complaints."""

    def __init__(self) -> None:
        super().__init__()
        # No proxy and no password from the environment: the address is in the cluster.
        self.trust_env = False

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        """Send one request; `timeout` is for all of it."""
        seconds = float(options.pop("timeout"))
        ends = monotonic() + seconds
        # In a form: a batch of queries is too long for the URL limits of proxies.
        options["data"] = options.pop("params")
        # A redirect could lead around the list of allowed hosts.
        options |= {"stream": True, "allow_redirects": False, "timeout": (seconds, seconds)}
        response = super().request(method, url, *args, **options)
        with response:
            response._content = _read(response, ends)
        response._content_consumed = True  # type: ignore[attr-defined]
        _refuse_complaints(response)
        return response


class PrometheusSource:
    """The `MetricsSource` of real Prometheus servers."""

    def __init__(self, clock: Clock, meter: Meter) -> None:
        self._clock = clock
        self._meter = meter
        self._servers: OrderedDict[str, _Server] = OrderedDict()

    async def query(
        self,
        url: str,
        queries: Mapping[str, str],
        *,
        timeout: timedelta,
        at: datetime | None = None,
    ) -> Samples | NoSamples:
        """Return the series of each query under its key; see `ports/metrics.py`."""
        loop = asyncio.get_running_loop()
        asked_at, begun = self._clock.now(), loop.time()
        seconds = timeout.total_seconds()
        why: str | None = None
        found: Mapping[str, Vector] = {}
        read_at: datetime | None = None
        try:
            async with asyncio.timeout(seconds):
                result = await loop.run_in_executor(
                    self._server(url).pool, self._server(url).ask, joined(queries), seconds, at
                )
            found = grouped(result, queries, self._server(url).known)
            read_at = moment_of(result)
        except (TimeoutError, requests.Timeout):
            why = f"no answer within {seconds:g} s"
        except requests.JSONDecodeError:
            why = "the answer is not JSON"
        except requests.RequestException as err:
            why = f"not reachable: {_short(err)}"
        except PrometheusApiClientException as err:
            why = _short(err)
        except (KeyError, TypeError) as err:
            why = f"the answer has no result ({_short(err)})"
        except _UnreadableError as err:
            why = str(err)
        self._meter.query(seconds=loop.time() - begun, is_answered=why is None)
        if why is not None:
            return NoSamples(asked_at, f"Prometheus {url}: {why}")
        return Samples(asked_at, found, read_at)

    def close(self) -> None:
        """End the threads without waiting for hanging ones."""
        for server in self._servers.values():
            server.pool.shutdown(wait=False, cancel_futures=True)

    def _server(self, url: str) -> "_Server":
        if url not in self._servers:
            self._servers[url] = _Server(url)
            if len(self._servers) > SERVERS:
                _, oldest = self._servers.popitem(last=False)
                oldest.pool.shutdown(wait=False)
        self._servers.move_to_end(url)
        return self._servers[url]


class _Server:
    """The threads that ask one server; each has a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._own = threading.local()
        self.known: dict[Labels, Labels] = {}
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="prometheus")

    def ask(self, query: str, seconds: float, at: datetime | None) -> object:
        """Ask on this thread's own connection."""
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = PrometheusConnect(
                self._url, session=_GuardedSession(), retry=Retry(0), method="POST"
            )
            self._own.connection = connection
        params = {"timeout": f"{seconds:g}s"}
        if at is not None:
            # Prometheus counts in milliseconds.
            params["time"] = f"{at.timestamp():.3f}"
        # The client's own hint says int; it hands the value on to requests, which takes both.
        return connection.custom_query(query, params=params, timeout=seconds)  # type: ignore[arg-type]


def joined(queries: Mapping[str, str]) -> str:
    """Return one query for all of them; each series is marked with its key."""
    marked = (
        f'label_replace({query}, "{MARK}", "{key}", "", "")' for key, query in queries.items()
    )
    return " or ".join(marked)


def grouped(
    result: object, queries: Mapping[str, str], known: dict[Labels, Labels]
) -> dict[str, Vector]:
    """Return the series under their keys, without the mark.

    Args:
        result: what Prometheus answered.
        queries: what it was asked.
        known: label sets of earlier answers. The same objects are given out again: they are kept
            in memory once, and tell at a glance that a series is the same as at the last look.

    Raises:
        _UnreadableError: it is no instant vector of the queries that were asked.
    """
    if not isinstance(result, list):
        raise _UnreadableError("the result is not a list")
    found: dict[str, tuple[list[Labels], list[float]]] = {key: ([], []) for key in queries}
    for one in result:
        try:
            labels = dict(one["metric"])
            key = labels.pop(MARK)
            value = float(one["value"][1])
        except (KeyError, IndexError, TypeError, ValueError) as err:
            raise _UnreadableError("the result is not an instant vector of numbers") from err
        if key not in found:
            raise _UnreadableError(f"the result has an unknown query {str(key)[:60]!r}")
        ordered = tuple(sorted(labels.items()))
        series, values = found[key]
        series.append(known.setdefault(ordered, ordered))
        values.append(value)
    if len(known) > KEPT_LABELS:
        known.clear()
    return {key: Vector(tuple(series), tuple(values)) for key, (series, values) in found.items()}


def moment_of(result: object) -> datetime | None:
    """Return the moment that an instant vector is about, by the server's clock; None: unknown."""
    try:
        seconds = result[0]["value"][0]  # type: ignore[index]  # checked by what follows
        return datetime.fromtimestamp(round(float(seconds), 3), UTC)
    except (IndexError, KeyError, OverflowError, OSError, TypeError, ValueError):
        return None


def _read(response: requests.Response, ends: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(64 * 1024):
        body += chunk
        if len(body) > LARGEST_BODY:
            raise _UnreadableError(f"the answer is larger than {LARGEST_BODY // 1024**2} MiB")
        if monotonic() > ends:
            raise requests.Timeout("the answer did not end in time")
    return bytes(body)


def _refuse_complaints(response: requests.Response) -> None:
    """Raise for an error in Prometheus' own words, and for a warning.

    An answer with a warning may lack series, and what lacks is not zero.
    """
    if b'"warnings"' not in response.content and b'"error"' not in response.content:
        return
    try:
        answer = response.json()
    except requests.JSONDecodeError:
        return
    if not isinstance(answer, dict):
        return
    if answer.get("error"):
        raise _UnreadableError(str(answer["error"])[:LONGEST_REASON])
    if answer.get("warnings"):
        raise _UnreadableError(f"warning: {json.dumps(answer['warnings'])[:LONGEST_REASON]}")


def _short(err: Exception) -> str:
    text = str(err) or type(err).__name__
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…"
