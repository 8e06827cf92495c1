"""What the environment may set, checked once at the start."""

import ipaddress
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from faceblur_service.errors import SettingsError
from faceblur_service.fault import Fault
from faceblur_service.options import Sensitivity

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The only folder that can be written to under a read-only root.
_GRAY_DB = Path(tempfile.gettempdir(), "faceblur-gray.sqlite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field per environment variable."""

    version: str = "dev"
    """FACEBLUR_VERSION: the version answers and metrics are marked with. Default `dev`."""

    track: str = "stable"
    """FACEBLUR_TRACK: `stable` or `gray`. Default: gray where ENABLE_GRAY_FEATURE is true, else
    stable, so that an image started by hand says what it was built as."""

    gray_feature: bool = False
    """ENABLE_GRAY_FEATURE: the image carries the newest engine. Default false."""

    sensitivity: Sensitivity = Sensitivity.HIGH
    """FACEBLUR_SENSITIVITY: `fast`, `normal`, `high` or `max`, for requests that name none.
    Default high."""

    redis_url: str | None = None
    """REDIS_URL: where the gray channel's members are kept. Default none: a SQLite file."""

    gray_db: Path = _GRAY_DB
    """FACEBLUR_GRAY_DB: that SQLite file. Default in the folder for temporary files, writable under
    a read-only root."""

    secret_key: str | None = None
    """FACEBLUR_SECRET_KEY: signs identity cookies; every pod of every version needs the same.
    Default none: random, and identities end with the process."""

    fault: Fault | None = None
    """FACEBLUR_FAULT: JSON that makes the service slow and failing, for demos. Default off."""

    slots: int = 2
    """FACEBLUR_SLOTS: pictures worked on at once. Default 2: more only adds waiting on 500m."""

    queue: int = 8
    """FACEBLUR_QUEUE: requests that may wait for a slot; beyond that 503. Default 8."""

    drain_s: float = 5.0
    """FACEBLUR_DRAIN_SECONDS: how long to keep serving after SIGTERM, while load balancers learn
    that this pod is going. Seconds, default 5."""

    cache_mib: int = 64
    """FACEBLUR_CACHE_MIB: results kept for equal pictures and options. MiB, default 64, 0 none."""

    stall_s: int = 10
    """FACEBLUR_STALL_SECONDS: a client that sends or takes nothing for so long is cut off, so that
    slow ones cannot hold every thread. Seconds, default 10."""

    api_tokens: tuple[str, ...] = ()
    """FACEBLUR_API_TOKENS: comma list; /api/v1 then wants one of them as bearer token. Default
    none: everybody who reaches the service may use it."""

    admin_token: str | None = None
    """FACEBLUR_ADMIN_TOKEN: bearer token that lists and ends gray channel memberships. Default
    none: nobody can."""

    rate_per_minute: int = 0
    """FACEBLUR_RATE_PER_MINUTE: pictures per client and minute; beyond that 429. Default 0: no
    limit. Behind a proxy every client is the proxy unless FACEBLUR_TRUSTED_PROXIES names it."""

    trusted_proxies: tuple[Network, ...] = ()
    """FACEBLUR_TRUSTED_PROXIES: comma list of networks whose X-Forwarded-For, and user header, is
    believed. Default none."""

    cors_origins: tuple[str, ...] = ()
    """FACEBLUR_CORS_ORIGINS: comma list of origins whose pages may call /api/v1. Default none."""

    user_header: str | None = None
    """FACEBLUR_USER_HEADER: header in which a trusted proxy names the user who logged in. Default
    none: a browser is known by its signed cookie."""

    gray_users: frozenset[str] = frozenset()
    """FACEBLUR_GRAY_USERS: comma list of users, as the user header names them, who take part in the
    gray channel without joining. Default none."""

    gray_ranges: tuple[Network, ...] = ()
    """FACEBLUR_GRAY_RANGES: comma list of networks whose clients take part without joining. Default
    none."""

    fallback_url: str | None = None
    """FACEBLUR_FALLBACK_URL: the stable version's own Service; where a gray pod sends what it
    cannot answer in time. Default none: gray answers everything itself."""

    fallback_after_ms: int = 1000
    """FACEBLUR_FALLBACK_AFTER_MS: how long a gray pod may take for a picture before stable is asked
    for it, 100 ms more for each megapixel beyond two. Milliseconds, default 1000."""

    fallback_percent: int = 100
    """FACEBLUR_FALLBACK_PERCENT: at most this share of recent requests goes to stable. 0 to 100,
    default 100: stable carried them all before the release."""

    shadow_percent: int = 10
    """FACEBLUR_SHADOW_PERCENT: share of a gray pod's pictures in which stable's detection is asked
    for afterwards, to compare. Percent, default 10; needs FACEBLUR_FALLBACK_URL."""

    @property
    def works_apart(self) -> bool:
        """Whether a process of its own works on pictures: where stable can stand in for it."""
        return self.track == "gray" and self.fallback_url is not None


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings the environment asks for.

    Raises:
        SettingsError: A value cannot be used; the message names it and what would be right.
    """
    gray_feature = _bool(environ, "ENABLE_GRAY_FEATURE")
    fault = environ.get("FACEBLUR_FAULT")
    return Settings(
        version=environ.get("FACEBLUR_VERSION") or "dev",
        track=_track(environ, gray_feature=gray_feature),
        gray_feature=gray_feature,
        sensitivity=_sensitivity(environ),
        redis_url=environ.get("REDIS_URL") or None,
        gray_db=Path(environ.get("FACEBLUR_GRAY_DB") or _GRAY_DB),
        secret_key=environ.get("FACEBLUR_SECRET_KEY") or None,
        fault=Fault.from_json(fault) if fault else None,
        slots=_whole(environ, "FACEBLUR_SLOTS", default=2, least=1),
        queue=_whole(environ, "FACEBLUR_QUEUE", default=8),
        drain_s=float(_whole(environ, "FACEBLUR_DRAIN_SECONDS", default=5)),
        cache_mib=_whole(environ, "FACEBLUR_CACHE_MIB", default=64),
        stall_s=_whole(environ, "FACEBLUR_STALL_SECONDS", default=10, least=1),
        api_tokens=_list(environ, "FACEBLUR_API_TOKENS"),
        admin_token=environ.get("FACEBLUR_ADMIN_TOKEN") or None,
        rate_per_minute=_whole(environ, "FACEBLUR_RATE_PER_MINUTE", default=0),
        trusted_proxies=_networks(environ, "FACEBLUR_TRUSTED_PROXIES"),
        cors_origins=_origins(environ, "FACEBLUR_CORS_ORIGINS"),
        user_header=_header_name(environ, "FACEBLUR_USER_HEADER"),
        gray_users=frozenset(_list(environ, "FACEBLUR_GRAY_USERS")),
        gray_ranges=_networks(environ, "FACEBLUR_GRAY_RANGES"),
        fallback_url=_url(environ, "FACEBLUR_FALLBACK_URL"),
        fallback_after_ms=_whole(environ, "FACEBLUR_FALLBACK_AFTER_MS", default=1000, least=1),
        fallback_percent=_percent(environ, "FACEBLUR_FALLBACK_PERCENT", default=100),
        shadow_percent=_percent(environ, "FACEBLUR_SHADOW_PERCENT", default=10),
    )


def _bool(environ: Mapping[str, str], name: str) -> bool:
    value = environ.get(name) or "false"
    if value.lower() not in {"true", "false"}:
        raise SettingsError(f"{name} must be true or false, found {value!r}.")
    return value.lower() == "true"


def _track(environ: Mapping[str, str], *, gray_feature: bool) -> str:
    value = environ.get("FACEBLUR_TRACK") or ("gray" if gray_feature else "stable")
    if value not in {"stable", "gray"}:
        raise SettingsError(f"FACEBLUR_TRACK must be stable or gray, found {value!r}.")
    return value


def _sensitivity(environ: Mapping[str, str]) -> Sensitivity:
    value = environ.get("FACEBLUR_SENSITIVITY") or Sensitivity.HIGH
    try:
        return Sensitivity(value)
    except ValueError as err:
        *others, last = Sensitivity
        wanted = f"{', '.join(others)} or {last}"
        raise SettingsError(f"FACEBLUR_SENSITIVITY must be {wanted}, found {value!r}.") from err


def _list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    parts = (part.strip() for part in environ.get(name, "").split(","))
    return tuple(part for part in parts if part)


def _networks(environ: Mapping[str, str], name: str) -> tuple[Network, ...]:
    parts = _list(environ, name)
    try:
        return tuple(ipaddress.ip_network(part) for part in parts)
    except ValueError as err:
        raise SettingsError(
            f"{name} must be a comma list of networks such as 10.0.0.0/8, found {err}."
        ) from err


def _origins(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = _list(environ, name)
    for origin in found:
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?", origin):
            raise SettingsError(
                f"{name} must be a comma list of origins such as https://app.example,"
                f" found {origin!r}."
            )
    return found


def _header_name(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name) or None
    if value is not None and not re.fullmatch(r"[A-Za-z0-9-]+", value):
        raise SettingsError(f"{name} must be the name of a header, found {value!r}.")
    return value


def _url(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name) or None
    if value is None:
        return None
    wanted = f"{name} must be an address such as http://face-blur-service, found {value!r}."
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError as err:
        raise SettingsError(wanted) from err
    if not good or parts.query or parts.fragment or parts.username:
        raise SettingsError(wanted)
    return value.rstrip("/")


def _percent(environ: Mapping[str, str], name: str, *, default: int) -> int:
    value = _whole(environ, name, default=default)
    if value > 100:
        raise SettingsError(f"{name} must be from 0 to 100, found {value}.")
    return value


def _whole(environ: Mapping[str, str], name: str, *, default: int, least: int = 0) -> int:
    value = environ.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise SettingsError(f"{name} must be a whole number of at least {least}, found {value!r}.")
    return int(value)
