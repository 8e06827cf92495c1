"""From the user's specification to a plan, or to a sentence that says what to change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from faceblur_operator import api
from faceblur_operator.api import FaceBlurRolloutSpec, Slo, units
from faceblur_operator.api.reasons import Reason
from faceblur_operator.core import builtins
from faceblur_operator.core.hosts import OWN_SERVICES
from faceblur_operator.core.others import NOBODY, Others, compile_others
from faceblur_operator.core.plan import (
    GaugeObjective,
    Objective,
    OnSharedBreach,
    OptIn,
    Plan,
    RatioObjective,
    Step,
)
from faceblur_operator.core.queries import unknown_placeholders
from faceblur_operator.core.refusal import Refusal

# How bad a version must not be promoted, where the user does not say: twice the allowed share, but
# at least one point more, or no traffic would ever be enough to tell the two apart.
UNACCEPTABLE_MARGIN = 0.01
LARGEST_UNACCEPTABLE = 0.95
SHARES = {
    "blurSuccess": builtins.blur_success,
    "errors": builtins.errors,
    "faceRecall": builtins.face_recall,
    "ingressErrors": builtins.ingress_errors,
}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the operator's settings say for every rollout.

    Attributes:
        prometheus_url: asked when a rollout names none.
        prometheus_allow: patterns of hosts that may be asked; empty: only that of the default.
        drain: how long gray finishes what it has after its weight went to zero.
        webhook_allow: patterns of hosts that gates and notifications may name.
    """

    prometheus_url: str | None
    prometheus_allow: tuple[str, ...]
    drain: timedelta
    webhook_allow: tuple[str, ...] = OWN_SERVICES


def compile_plan(
    namespace: str, name: str, spec: FaceBlurRolloutSpec, defaults: Defaults
) -> Plan | Refusal:
    """Return the plan of a specification, or why there can be none."""
    unsupported = _unsupported(spec)
    if unsupported is not None:
        return Refusal(Reason.NOT_SUPPORTED, unsupported)
    url = _prometheus(spec, defaults)
    if isinstance(url, Refusal):
        return url
    objectives: list[Objective] = []
    for slo in spec.analysis.slos:
        made = _objective(slo)
        if isinstance(made, Refusal):
            return made
        objectives.append(made)
    others = compile_others(namespace, spec, defaults.webhook_allow)
    if isinstance(others, Refusal):
        return others
    return _plan(namespace, name, spec, defaults, asked=(url, objectives, others))


def watching(
    namespace: str, name: str, spec: FaceBlurRolloutSpec, defaults: Defaults, why: Refusal
) -> Plan | Refusal:
    """Return a plan that only watches what runs already; without an Ingress there can be none.

    A running release may be edited into something that cannot be followed. Its users still get
    gray, so gray's pods, aborts and the time without evidence must count on.
    """
    if not spec.traffic.ingresses:
        return why
    others = compile_others(namespace, spec, defaults.webhook_allow)
    told = NOBODY if isinstance(others, Refusal) else others
    return replace(_plan(namespace, name, spec, defaults, asked=("", (), told)), refusal=why)


def _plan(
    namespace: str,
    name: str,
    spec: FaceBlurRolloutSpec,
    defaults: Defaults,
    *,
    asked: tuple[str, Sequence[Objective], Others],
) -> Plan:
    url, objectives, others = asked
    analysis, gray, opt_in = spec.analysis, spec.gray, spec.traffic.opt_in
    rollback_after = analysis.on_no_data.rollback_after
    return Plan(
        namespace=namespace,
        name=name,
        image=spec.image,
        container=spec.container,
        stable_deployment=spec.stable.deployment,
        stable_service=spec.stable.service,
        gray_deployment=gray.deployment or f"{spec.stable.deployment}-gray",
        gray_service=gray.service or f"{spec.stable.service}-gray",
        gray_env=tuple((one.name, one.value) for one in gray.env),
        min_replicas=gray.replicas.min,
        max_replicas=gray.replicas.max,
        ingress=spec.traffic.ingresses[0],
        opt_in=OptIn(opt_in.header, opt_in.value, opt_in.cookie) if opt_in else None,
        steps=tuple(_step(one) for one in spec.steps),
        objectives=tuple(objectives),
        prometheus_url=url,
        interval=units.duration(analysis.interval),
        warmup=units.duration(analysis.warmup),
        false_rollback=units.fraction(analysis.evidence.false_rollback),
        bad_promotion=units.fraction(analysis.evidence.bad_promotion),
        no_data_rollback_after=units.duration(rollback_after) if rollback_after else None,
        on_shared_breach=OnSharedBreach(analysis.on_shared_breach),
        progress_deadline=units.duration(spec.progress_deadline),
        scale_down_delay=units.duration(spec.scale_down_delay),
        drain=defaults.drain,
        suspended=spec.suspend,
        preflight=others.preflight,
        gates=others.gates,
        channels=others.channels,
    )


def _step(one: api.Step) -> Step:
    size = round(units.fraction(one.replicas) * 100) if one.replicas else 0
    return Step(one.weight, units.duration(one.hold), one.approval, size)


def _unsupported(spec: FaceBlurRolloutSpec) -> str | None:
    """Return a sentence about the first field that this version does not honour yet."""
    asked = {
        "spec.traffic.httpRoutes": bool(spec.traffic.http_routes),
        "more than one of spec.traffic.ingresses": len(spec.traffic.ingresses) > 1,
        "spec.traffic.sticky": spec.traffic.sticky,
    }
    for field, is_asked in asked.items():
        if is_asked:
            return f"{field} is not supported by this version; remove it"
    return None


def _prometheus(spec: FaceBlurRolloutSpec, defaults: Defaults) -> str | Refusal:
    named = spec.analysis.prometheus
    url = named.url if named else defaults.prometheus_url
    if url is None:
        why = "spec.analysis.prometheus.url is missing and the operator has no default; set one"
        return Refusal(Reason.INVALID_SPEC, why)
    host = urlsplit(url).hostname or ""
    own = urlsplit(defaults.prometheus_url or "").hostname
    allowed = defaults.prometheus_allow or ((own,) if own else ())
    if not any(fnmatchcase(host, pattern) for pattern in allowed):
        why = (
            f"spec.analysis.prometheus.url: host {host!r} is not on the operator's list "
            f"({', '.join(allowed) or 'empty'}); ask for it to be added, or use one of these"
        )
        return Refusal(Reason.PROMETHEUS_NOT_ALLOWED, why)
    return url


def _objective(slo: Slo) -> Objective | Refusal:
    allowed = 1 - units.fraction(slo.at_least) if slo.at_least else None
    if allowed is not None:
        # The subtraction leaves dust (1 - 0.995); nobody writes more than nine digits.
        allowed = round(allowed, 9)
    unacceptable = _unacceptable(slo, allowed)
    max_ratio = slo.versus_stable.max_ratio if slo.versus_stable else None
    if slo.ratio is not None:
        return _checked(
            slo,
            RatioObjective(
                slo.name,
                slo.ratio.bad,
                slo.ratio.total,
                allowed,
                unacceptable,
                max_ratio,
                same_scrape=slo.ratio.same_scrape,
            ),
            (slo.ratio.bad, slo.ratio.total),
        )
    if slo.value is not None:
        gauge = GaugeObjective(slo.name, slo.value, _maximum(slo), slo.failure_limit)
        return _checked(slo, gauge, (slo.value,))
    match slo.builtin:
        case "latency":
            limit = units.duration(slo.below or "0s").total_seconds()
            return builtins.latency(
                slo.name, below_s=limit, allowed=allowed, unacceptable=unacceptable
            )
        case "faceAgreement":
            if max_ratio is not None:
                why = (
                    f"SLO {slo.name}: faceAgreement compares with stable already; "
                    "remove versusStable"
                )
                return Refusal(Reason.INVALID_SPEC, why)
            return builtins.face_agreement(slo.name, allowed=allowed, unacceptable=unacceptable)
        case "cpu" | "memory":
            gauge_of = builtins.cpu if slo.builtin == "cpu" else builtins.memory
            return gauge_of(slo.name, maximum=_maximum(slo), failure_limit=slo.failure_limit)
        case _:
            build = SHARES[slo.builtin or "errors"]
            return build(slo.name, allowed=allowed, unacceptable=unacceptable, max_ratio=max_ratio)


def _checked(slo: Slo, made: Objective, written: tuple[str, ...]) -> Objective | Refusal:
    for query in written:
        unknown = unknown_placeholders(query)
        if unknown:
            why = f"SLO {slo.name}: {{{{{unknown[0]}}}}} is not a placeholder; see the reference"
            return Refusal(Reason.INVALID_SPEC, why)
    return made


def _unacceptable(slo: Slo, allowed: float | None) -> float | None:
    if slo.unacceptable:
        return round(1 - units.fraction(slo.unacceptable), 9)
    if allowed is None:
        return None
    return min(allowed + max(allowed, UNACCEPTABLE_MARGIN), LARGEST_UNACCEPTABLE)


def _maximum(slo: Slo) -> float:
    """Return the maximum of a gauge: a share for a percentage, else the number itself."""
    text = str(slo.max)
    return units.fraction(text) if text.endswith("%") else float(text)
