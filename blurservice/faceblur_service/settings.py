"""What the environment may set, checked once at the start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from faceblur_service.errors import SettingsError
from faceblur_service.fault import Fault
from faceblur_service.options import Sensitivity

_GRAY_DB = Path("/tmp/faceblur-gray.sqlite")  # noqa: S108 - the only writable folder


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
    """FACEBLUR_GRAY_DB: that SQLite file. Default in /tmp, writable under a read-only root."""

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
        queue=_whole(environ, "FACEBLUR_QUEUE", default=8, least=0),
        drain_s=float(_whole(environ, "FACEBLUR_DRAIN_SECONDS", default=5, least=0)),
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


def _whole(environ: Mapping[str, str], name: str, *, default: int, least: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise SettingsError(f"{name} must be a whole number of at least {least}, found {value!r}.")
    return int(value)
