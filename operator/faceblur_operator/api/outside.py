"""Who else has a say or is told: preflight, gates and notifications of a FaceBlurRollout."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from faceblur_operator.api import units
from faceblur_operator.api.fields import Duration, IngressName, Name, Percentage, Url, as_set
from faceblur_operator.api.model import Model, rule

LONGEST_TIMEOUT_S = 60


class SecretRef(Model):
    """A key of a Secret in this namespace."""

    name: IngressName = Field(description="Name of the Secret, in this namespace. Required.")
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)] = Field(
        default="token", description="Key in the Secret. Default token."
    )


class Webhook(Model):
    """An address that is asked by POST."""

    url: Url = Field(
        description="Address, http or https; its host must be on the operator's list. Required."
    )
    timeout: Duration = Field(
        default="10s",
        description="How long to wait for one answer. A duration up to 60s, default 10s.",
    )
    retries: Annotated[int, Field(ge=0, le=5)] = Field(
        default=2,
        description="How often to try again at once when there is no answer. 0 to 5, default 2. "
        "After that it is asked again every 30 s.",
    )

    @rule(
        f"duration(self.timeout) > duration('0s') "
        f"&& duration(self.timeout) <= duration('{LONGEST_TIMEOUT_S}s')",
        "timeout must be more than 0 and at most 60s",
    )
    def _timeout_is_short(self) -> bool:
        return 0 < units.duration(self.timeout).total_seconds() <= LONGEST_TIMEOUT_S


class Gate(Model):
    """Something else that has to agree; without its agreement the weight never rises."""

    name: Name | None = Field(
        default=None,
        description="Name in status.gates, unique in the rollout. Default: gate-1, gate-2 and so "
        "on.",
    )
    webhook: Webhook = Field(
        description='Whom to ask. It agrees by a 2xx answer without {"approved": false}. Required.'
    )
    at: Literal["start", "step", "promotion"] = Field(
        default="promotion",
        description="When to ask. start: before gray gets its first request. step: before each "
        "following weight. promotion: before stable gets the new version. Default promotion.",
    )


class Address(Model):
    """Where a message goes, written here or kept in a Secret."""

    url: Url | None = Field(
        default=None, description="Address, http or https. Default: none, then urlFrom is required."
    )
    url_from: SecretRef | None = Field(
        default=None,
        description="Secret that holds the address, for addresses that are a password themselves. "
        "Default: none, then url is required.",
    )

    @rule("has(self.url) != has(self.urlFrom)", "name either url or urlFrom")
    def _has_one_form(self) -> bool:
        return (self.url is None) != (self.url_from is None)


class SignedAddress(Address):
    """An address with a key that signs what it is told."""

    secret_ref: SecretRef | None = Field(
        default=None, description="Key that signs the message. Default: not signed."
    )

    # Only the rules of a type itself are collected.
    @rule("has(self.url) != has(self.urlFrom)", "name either url or urlFrom")
    def _has_an_address(self) -> bool:
        return (self.url is None) != (self.url_from is None)


Occasion = Literal["Started", "Step", "Paused", "Promoted", "RolledBack", "Aborted"]


class Notification(Model):
    """Tells somebody, once for each occasion."""

    name: Name | None = Field(
        default=None,
        description="Name in status.notifications, unique in the rollout. Default: "
        "notification-1, notification-2 and so on.",
    )
    webhook: SignedAddress | None = Field(
        default=None,
        description="JSON by POST, signed by HMAC-SHA256. One of webhook, slack, dingTalk and "
        "feishu is required. Default: none.",
    )
    slack: Address | None = Field(
        default=None, description="An incoming webhook of Slack. Default: none."
    )
    ding_talk: SignedAddress | None = Field(
        default=None,
        description="A robot of a DingTalk (钉钉) group, with its 加签 key. Default: none.",
    )
    feishu: SignedAddress | None = Field(
        default=None,
        description="A robot of a Feishu (飞书) group, with its 签名校验 key. Default: none.",
    )
    on: Annotated[list[Occasion], Field(min_length=1, max_length=6)] = Field(
        default=["Promoted", "RolledBack", "Aborted"],
        description="Occasions: Started, Step (the weight rose), Paused, Promoted, RolledBack "
        "(by the operator), Aborted (by a person). Default: the last three. "
        'Write "on" in quotes: in YAML a bare on means true.',
        json_schema_extra=as_set(),
    )

    @rule(
        "[has(self.webhook), has(self.slack), has(self.dingTalk), has(self.feishu)]"
        ".filter(one, one).size() == 1",
        "name exactly one of webhook, slack, dingTalk and feishu",
    )
    def _has_one_form(self) -> bool:
        forms = (self.webhook, self.slack, self.ding_talk, self.feishu)
        return sum(one is not None for one in forms) == 1


class Purge(Model):
    """Ends all memberships of the gray channel when a release ends."""

    url: Url | None = Field(
        default=None,
        description="Address that gets a DELETE. Default: /api/v1/admin/gray-users of the stable "
        "Service.",
    )
    secret_ref: SecretRef = Field(
        description="The service's FACEBLUR_ADMIN_TOKEN, sent as a bearer token. Required."
    )


class Preflight(Model):
    """What must be true before gray gets its first request, besides enough ready pods.

    Always: probes and limits are set on the container, and all gray pods run one image digest.
    """

    stable_healthy: bool = Field(
        default=True,
        description="Stable must meet the objectives itself, over at least 30 requests. "
        "Default true.",
    )
    probe: Percentage | None = Field(
        default=None,
        description="Share of labelled faces that gray must find while the probe runs, such as "
        "95%, over at least 30 faces. Default: no probe.",
    )
