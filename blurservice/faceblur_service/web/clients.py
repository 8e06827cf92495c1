"""Who is asking: the client's address behind proxies that are trusted, and his login's name."""

import ipaddress
import re

from flask import request

from faceblur_service.settings import Network, Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_USER = re.compile(r"[A-Za-z0-9._@+-]{1,128}")
# Nobody chains more proxies; a client may write as many as fit into a header.
_MOST_HOPS = 16


def address(settings: Settings) -> Address | None:
    """Return the client's address: the last one before the proxies that are trusted.

    What stands further left in X-Forwarded-For was written by the client himself.
    """
    peer = _parse(request.remote_addr or "")
    if peer is None or not _within(peer, settings.trusted_proxies):
        return peer
    for text in reversed(request.headers.get("X-Forwarded-For", "").split(",")[-_MOST_HOPS:]):
        hop = _parse(text.strip())
        if hop is None:
            return peer
        peer = hop
        if not _within(hop, settings.trusted_proxies):
            return hop
    return peer


def bucket(settings: Settings) -> str:
    """Return the name under which a client's pictures are counted.

    Of IPv6 the network: one household has more addresses than there are names to remember.
    """
    found = address(settings)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def login(settings: Settings) -> str | None:
    """Return the user whom a trusted proxy names, None when nobody is logged in."""
    if settings.user_header is None:
        return None
    peer = _parse(request.remote_addr or "")
    if peer is None or not _within(peer, settings.trusted_proxies):
        return None
    given = request.headers.get(settings.user_header, "")
    return given if _USER.fullmatch(given) else None


def in_ranges(settings: Settings) -> bool:
    """Return whether the client's address takes part in the gray channel by itself."""
    if not settings.gray_ranges:
        return False
    found = address(settings)
    return found is not None and _within(found, settings.gray_ranges)


def _parse(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A dual-stack socket says ::ffff:10.0.0.1 for 10.0.0.1.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _within(address_: Address, networks: tuple[Network, ...]) -> bool:
    return any(address_ in network for network in networks if network.version == address_.version)
