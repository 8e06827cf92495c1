"""The operator's settings, read from the environment."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceblur_operator.core.hosts import OWN_SERVICES

PREFIX = "FACEBLUR_OPERATOR_"
# Its Lease, and whom events are from where the name of the pod is not known.
OPERATOR = "faceblur-operator"


class Settings(BaseModel):
    """One field per environment variable `FACEBLUR_OPERATOR_<NAME>`, unless it says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prometheus_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+.*$",
        description="Prometheus for rollouts that name none. Default: none, each must name one.",
    )
    prometheus_allow: tuple[str, ...] = Field(
        default=(),
        description="Comma list of host patterns that rollouts may name. Default: only the host "
        "of the default Prometheus, so that nobody can make the operator ask other servers.",
    )
    webhook_allow: tuple[str, ...] = Field(
        default=OWN_SERVICES,
        description="Comma list of host patterns that gates and notifications may name; "
        "`{{namespace}}` is that of the rollout. Default: Services of the rollout's own namespace, "
        "which whoever writes the rollout may use anyway. Chats are always allowed at their own "
        "hosts.",
    )
    namespaces: tuple[str, ...] = Field(
        default=(),
        description="Comma list of namespaces to serve; `*` or empty: all. Default: all.",
    )
    port: int = Field(
        default=8080,
        ge=0,
        le=65535,
        description="Port of /healthz, /readyz and /metrics. Default 8080.",
    )
    drain: float = Field(
        default=5,
        ge=0,
        description="Seconds that gray finishes its requests after its weight went to zero, before "
        "its Ingress is removed. Default 5: most controllers react within 2.",
    )
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="Least level that is logged. Default INFO.",
    )
    pod_name: str = Field(
        default="",
        description="Variable POD_NAME: who holds the Lease. Default: a random name.",
    )
    pod_namespace: str = Field(
        default="default",
        description="Variable POD_NAMESPACE: where the Lease is. Default: default.",
    )

    @property
    def identity(self) -> str:
        """A name no other process has: a restarted container keeps the name of its pod."""
        return f"{self.pod_name or 'operator'}_{uuid4().hex[:8]}"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings.

    Raises:
        ValueError: with one sentence about the variable to change.
    """
    given: dict[str, Any] = {}
    for field in Settings.model_fields:
        variable = field.upper() if field.startswith("pod_") else f"{PREFIX}{field.upper()}"
        text = environment.get(variable, "").strip()
        if text:
            given[field] = _split(text) if field.endswith(("allow", "namespaces")) else text
    if "*" in given.get("namespaces", ()):
        given["namespaces"] = ()
    try:
        return Settings.model_validate(given)
    except ValidationError as err:
        problem = err.errors(include_url=False)[0]
        field = str(problem["loc"][0])
        text = f"{PREFIX}{field.upper()}: {problem['msg']}; found {problem['input']!r}"
        raise ValueError(text) from err


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
