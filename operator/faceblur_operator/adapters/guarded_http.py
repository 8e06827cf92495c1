"""HTTP to addresses that users wrote: bounded in time and size, no redirects, no way inward.

A redirect, a proxy from the environment, a name that resolves to this machine or to the cloud's
metadata address: each could turn the operator into somebody else's hand, so none is followed.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from faceblur_operator.core.messages import Post

LARGEST_BODY = 64 * 1024
# Per host, so that one that hangs holds up nobody but those who call it.
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    content_type: str
    body: bytes


class NoAnswerError(Exception):
    """Nothing usable came back; the text says why and holds no address.

    Attributes:
        may_have_arrived: the request may have been read all the same.
    """

    def __init__(self, why: str, *, may_have_arrived: bool) -> None:
        super().__init__(why)
        self.may_have_arrived = may_have_arrived


def is_outward(address: str) -> bool:
    """Whether an IP address is neither this machine nor link-local (where clouds keep secrets)."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return not (
        found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified
    )


class GuardedHttp:
    """Sends single requests; connections are kept for the next."""

    def __init__(self, *, may_reach: Callable[[str], bool] = is_outward) -> None:
        """Take which IP addresses may be reached."""
        self._may_reach = may_reach
        self._session: aiohttp.ClientSession | None = None

    async def send(self, post: Post, *, timeout: timedelta) -> Answered:
        """Return the answer to one request.

        Raises:
            NoAnswerError: there is none that can be used.
        """
        seconds = timeout.total_seconds()
        self._check(post.url)
        try:
            async with self._opened().request(
                post.method,
                post.url,
                data=post.body,
                headers=post.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                body = await _read(response)
        except aiohttp.ConnectionTimeoutError as err:
            raise NoAnswerError("no connection in time", may_have_arrived=False) from err
        except TimeoutError as err:
            raise NoAnswerError(f"no answer within {seconds:g} s", may_have_arrived=True) from err
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as err:
            raise NoAnswerError(_named(err), may_have_arrived=False) from err
        except (aiohttp.ClientError, OSError, ValueError) as err:
            raise NoAnswerError(_named(err), may_have_arrived=True) from err
        return Answered(response.status, response.content_type, body)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _check(self, url: str) -> None:
        """Refuse an IP address that must not be reached; names are checked when resolved."""
        try:
            host = urlsplit(url).hostname or ""
            is_fine = self._may_reach(host)
        except ValueError:
            return
        if not is_fine:
            raise NoAnswerError("the address must not be reached", may_have_arrived=False)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_GuardedResolver(self._may_reach),
                limit=0,
                limit_per_host=CONNECTIONS,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                headers={"User-Agent": "faceblur-operator"},
            )
        return self._session


class _GuardedResolver(AbstractResolver):
    """Resolves names on a thread, and drops the addresses that must not be reached."""

    def __init__(self, may_reach: Callable[[str], bool]) -> None:
        self._may_reach = may_reach

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results: list[ResolveResult] = [
            {
                "hostname": host,
                "host": str(address[0]),
                "port": port,
                "family": kind,
                "proto": proto,
                "flags": int(socket.AI_NUMERICHOST),
            }
            for kind, _, proto, _, address in found
            if self._may_reach(str(address[0]))
        ]
        if not results:
            raise OSError(None, "the name leads to an address that must not be reached")
        return results

    async def close(self) -> None:
        """Hold nothing."""


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(16 * 1024):
        body += chunk
        if len(body) > LARGEST_BODY:
            response.close()
            why = f"the answer is larger than {LARGEST_BODY // 1024} KiB"
            raise NoAnswerError(why, may_have_arrived=True)
    return bytes(body)


def _named(err: Exception) -> str:
    """Return what went wrong without the address: its path may be a password."""
    if isinstance(err, aiohttp.ClientConnectorDNSError):
        return "the name cannot be resolved, or leads to where it must not"
    if isinstance(err, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return "the certificate or TLS handshake failed"
    if isinstance(err, aiohttp.ClientConnectorError):
        return "no connection"
    return type(err).__name__
