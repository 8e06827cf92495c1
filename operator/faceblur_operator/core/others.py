"""From the specification to preflight, gates and channels, or to a sentence what to change."""

from collections.abc import Sequence
from dataclasses import dataclass

from faceblur_operator.api import Address, FaceBlurRolloutSpec, Notification, SecretRef, units
from faceblur_operator.api.reasons import Reason
from faceblur_operator.core import hosts
from faceblur_operator.core.errands import Channel, Form, Gate, Moment, Occasion, SecretKey
from faceblur_operator.core.plan import Preflight
from faceblur_operator.core.refusal import Refusal

# Where the service ends all memberships of the gray channel.
GRAY_USERS = "/api/v1/admin/gray-users"
ENDS = frozenset({Occasion.PROMOTED, Occasion.ROLLED_BACK, Occasion.ABORTED})


@dataclass(frozen=True, slots=True)
class Others:
    """Who has a say, and who is told."""

    preflight: Preflight | None
    gates: tuple[Gate, ...]
    channels: tuple[Channel, ...]


NOBODY = Others(None, (), ())


def compile_others(
    namespace: str, spec: FaceBlurRolloutSpec, allow: Sequence[str]
) -> Others | Refusal:
    """Return preflight, gates and channels; hosts that are not on the list are refused."""
    gates: list[Gate] = []
    for number, one in enumerate(spec.gates, start=1):
        hook = one.webhook
        if not hosts.is_allowed(hook.url, allow, namespace=namespace):
            return _not_allowed(f"spec.gates[{number - 1}].webhook.url", hook.url, allow, namespace)
        name = one.name or f"gate-{number}"
        timeout = units.duration(hook.timeout)
        gates.append(Gate(name, hook.url, Moment(one.at), timeout, hook.retries))
    channels: list[Channel] = []
    for number, told in enumerate(spec.notifications, start=1):
        channel = _channel(told, number)
        allowed = hosts.allowed_for(channel.form, allow)
        if channel.url and not hosts.is_allowed(channel.url, allowed, namespace=namespace):
            where = f"spec.notifications[{number - 1}].{channel.form.value}.url"
            return _not_allowed(where, channel.url, allowed, namespace)
        channels.append(channel)
    purge = _purge(namespace, spec)
    if purge is not None:
        allowed = hosts.allowed_for(Form.PURGE, allow)
        if not hosts.is_allowed(purge.url or "", allowed, namespace=namespace):
            where = "spec.traffic.optIn.purge.url"
            return _not_allowed(where, purge.url or "", allowed, namespace)
        channels.append(purge)
    asked = spec.preflight
    probe = units.fraction(asked.probe) if asked and asked.probe else None
    preflight = Preflight(asked.stable_healthy, probe) if asked else None
    names = [one.name for one in gates] + [one.name for one in channels]
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        why = f"two of spec.gates and spec.notifications are called {double}; rename one"
        return Refusal(Reason.INVALID_SPEC, why)
    return Others(preflight, tuple(gates), tuple(channels))


def _channel(told: Notification, number: int) -> Channel:
    forms: dict[Form, Address | None] = {
        Form.WEBHOOK: told.webhook,
        Form.SLACK: told.slack,
        Form.DING_TALK: told.ding_talk,
        Form.FEISHU: told.feishu,
    }
    form, address = next((form, one) for form, one in forms.items() if one is not None)
    return Channel(
        name=told.name or f"notification-{number}",
        form=form,
        url=address.url,
        url_from=_key(address.url_from),
        key_from=_key(getattr(address, "secret_ref", None)),
        on=frozenset(map(Occasion, told.on)),
    )


def _purge(namespace: str, spec: FaceBlurRolloutSpec) -> Channel | None:
    asked = spec.traffic.opt_in.purge if spec.traffic.opt_in else None
    if asked is None:
        return None
    return Channel(
        name="purge",
        form=Form.PURGE,
        url=asked.url or f"http://{spec.stable.service}.{namespace}.svc{GRAY_USERS}",
        url_from=None,
        key_from=_key(asked.secret_ref),
        on=ENDS,
    )


def _key(ref: SecretRef | None) -> SecretKey | None:
    return SecretKey(ref.name, ref.key) if ref is not None else None


def _not_allowed(field: str, url: str, allow: Sequence[str], namespace: str) -> Refusal:
    shown = ", ".join(one.replace("{{namespace}}", namespace) for one in allow) or "empty"
    return Refusal(
        Reason.WEBHOOK_NOT_ALLOWED,
        f"{field}: host {hosts.host_of(url)!r} is not on the operator's list ({shown}); ask for "
        "it to be added, or use one of these",
    )
