"""Service level objectives and the analysis that watches them."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from faceblur_operator.api import units
from faceblur_operator.api.fields import (
    Duration,
    Name,
    NumberOrPercentage,
    Percentage,
    PromQL,
    Url,
    list_map,
)
from faceblur_operator.api.model import Model, rule

Builtin = Literal[
    "latency",
    "blurSuccess",
    "errors",
    "ingressErrors",
    "cpu",
    "memory",
    "faceAgreement",
    "faceRecall",
]


def _percent(cel: str) -> str:
    """Return the CEL of a percentage as a number between 0 and 100."""
    return f"double({cel}.replace('%', ''))"


class Ratio(Model):
    """Two counters of which the first counts the bad among the second."""

    bad: PromQL = Field(
        description="PromQL of the raw counters of bad events, without rate() or increase(): the "
        "operator counts increments itself. Placeholders: {{namespace}} {{stable}} {{gray}} "
        "{{pods}} {{track}} {{rollout}} {{ingress}}. It is asked once for gray and once for "
        "stable; {{pods}} is a pattern that matches the pods of the one asked about, {{track}} is "
        "gray or stable."
    )
    total: PromQL = Field(description="PromQL of the raw counters of all events, like bad.")
    same_scrape: bool = Field(
        default=False,
        description="One process counts both versions' requests as they end, and one Prometheus "
        "scrapes it: an ingress controller. Gray is then compared with stable within each scrape, "
        "which shows a bad gray one scrape sooner. Where a series lacks the label job or instance, "
        "or stable has none of gray's targets, it is compared as without this. Default false.",
    )


class VersusStable(Model):
    """How much worse than stable gray may be."""

    max_ratio: Annotated[float, Field(ge=1, le=100)] = Field(
        description="Gray's share of bad events divided by stable's may be at most this. A number "
        "from 1 to 100; 1.5 means half as much again. Required."
    )


class Slo(Model):
    """One objective: what is measured (builtin, ratio or value) and its limit."""

    name: Name = Field(
        description="Name of the objective, unique in the rollout; status and events use it. "
        "Lower-case letters, digits and dashes. Required."
    )
    builtin: Builtin | None = Field(
        default=None,
        description="A measurement that needs no query. latency: share of "
        "answers faster than `below`. blurSuccess: share of pictures blurred by this version. "
        "errors: share of answers that are not the service's own failure. ingressErrors: share of "
        "requests that Traefik does not answer with 5xx. cpu, memory: use of the "
        "busiest gray pod, as a percentage of its limit. faceAgreement, faceRecall: share of "
        "faces found that stable, or a person, found too. One of builtin, ratio, value is "
        "required.",
    )
    ratio: Ratio | None = Field(
        default=None,
        description="A share of bad events measured by two PromQL queries on raw counters; needs "
        "atLeast, versusStable or both. Default: none.",
    )
    value: PromQL | None = Field(
        default=None,
        description="PromQL of a single number, such as the length of a queue; needs max. "
        "Placeholders as in ratio. Default: none.",
    )
    below: Duration | None = Field(
        default=None,
        description="Only with builtin latency, and required there: an answer faster than this is "
        "a good one. A duration such as 300ms; it must be an edge of the histogram.",
    )
    at_least: Percentage | None = Field(
        default=None,
        description="Smallest share of good events, above 0% and below 100%, such as 99.5%. "
        "Gray is rolled back when there is evidence that it is below. Default: none.",
    )
    unacceptable: Percentage | None = Field(
        default=None,
        description="A share of good events so low that a version like that must not be promoted; "
        "smaller than atLeast. The closer to atLeast, the more requests a promotion needs. "
        "Default: twice the bad events that atLeast allows.",
    )
    max: NumberOrPercentage | None = Field(
        default=None,
        description="Largest good value. With builtin cpu and memory a percentage of the limit, "
        "such as 70%. With value a number (quote one with a fraction: '0.5'). "
        "Default: none.",
    )
    versus_stable: VersusStable | None = Field(
        default=None,
        description="Compare gray with stable over the same time. Not with latency, cpu, memory "
        "and value. Default: not compared.",
    )
    failure_limit: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=3,
        description="Only with max: roll back after this many values above it in a row. "
        "1 to 1000, default 3.",
    )

    @rule(
        "[has(self.builtin), has(self.ratio), has(self.value)].exists_one(one, one)",
        "set exactly one of builtin, ratio and value",
    )
    def _has_one_form(self) -> bool:
        return [self.builtin, self.ratio, self.value].count(None) == 2

    @rule(
        "!(has(self.builtin) && self.builtin == 'latency') "
        "|| (has(self.below) && has(self.atLeast))",
        "builtin latency needs below and atLeast",
    )
    def _latency_is_complete(self) -> bool:
        return self.builtin != "latency" or None not in (self.below, self.at_least)

    @rule(
        "!has(self.below) || (has(self.builtin) && self.builtin == 'latency')",
        "below belongs to builtin latency",
    )
    def _below_is_for_latency(self) -> bool:
        return self.below is None or self.builtin == "latency"

    @rule(
        "!(has(self.value) || (has(self.builtin) && self.builtin in ['cpu', 'memory'])) "
        "|| has(self.max)",
        "value, builtin cpu and builtin memory need max",
    )
    def _gauge_has_a_maximum(self) -> bool:
        return not self._is_gauge() or self.max is not None

    @rule(
        "!has(self.max) || has(self.value) "
        "|| (has(self.builtin) && self.builtin in ['cpu', 'memory'])",
        "max belongs to value, builtin cpu and builtin memory; shares of good events use atLeast",
    )
    def _maximum_is_for_gauges(self) -> bool:
        return self.max is None or self._is_gauge()

    @rule(
        "!has(self.max) || (type(self.max) == string && string(self.max).endsWith('%')) "
        "== (has(self.builtin) && self.builtin in ['cpu', 'memory'])",
        "max is a percentage such as 70% for cpu and memory, and a number for value",
    )
    def _maximum_has_the_right_unit(self) -> bool:
        return self.max is None or self.max.endswith("%") == (self.builtin in ("cpu", "memory"))

    @rule(
        "has(self.value) || (has(self.builtin) && self.builtin in ['cpu', 'memory']) "
        "|| has(self.atLeast) || has(self.versusStable)",
        "a share of events needs atLeast, versusStable or both",
    )
    def _share_has_a_limit(self) -> bool:
        has_limit = self.at_least is not None or self.versus_stable is not None
        return self._is_gauge() or has_limit

    @rule(
        "!(has(self.value) || (has(self.builtin) && self.builtin in ['cpu', 'memory'])) "
        "|| !(has(self.atLeast) || has(self.unacceptable) || has(self.versusStable))",
        "atLeast, unacceptable and versusStable do not belong to value, cpu and memory; use max",
    )
    def _gauge_has_nothing_else(self) -> bool:
        others = (self.at_least, self.unacceptable, self.versus_stable)
        return not self._is_gauge() or others == (None, None, None)

    @rule(
        "!has(self.versusStable) || !(has(self.builtin) && self.builtin == 'latency')",
        "versusStable does not belong to builtin latency",
    )
    def _latency_stands_alone(self) -> bool:
        return self.versus_stable is None or self.builtin != "latency"

    @rule(
        " && ".join(
            f"(!has({field}) || ({_percent(field)} > 0.0 && {_percent(field)} < 100.0))"
            for field in ("self.atLeast", "self.unacceptable")
        ),
        "atLeast and unacceptable must be above 0% and below 100%; no number of requests proves "
        "100%",
    )
    def _shares_are_possible(self) -> bool:
        shares = [one for one in (self.at_least, self.unacceptable) if one is not None]
        return all(0 < units.fraction(one) < 1 for one in shares)

    @rule(
        "!(has(self.unacceptable) && has(self.atLeast)) "
        f"|| {_percent('self.unacceptable')} < {_percent('self.atLeast')}",
        "unacceptable must be smaller than atLeast",
    )
    def _unacceptable_is_worse(self) -> bool:
        if self.unacceptable is None or self.at_least is None:
            return True
        return units.fraction(self.unacceptable) < units.fraction(self.at_least)

    def _is_gauge(self) -> bool:
        return self.value is not None or self.builtin in ("cpu", "memory")


class Prometheus(Model):
    """Where samples come from."""

    url: Url = Field(
        description="Address of the Prometheus HTTP API, such as "
        "http://prometheus.monitoring:9090. Its host must be on the operator's list. Required."
    )


class Evidence(Model):
    """How sure the operator must be."""

    false_rollback: Percentage = Field(
        default="1%",
        description="Largest chance that a good version is ever rolled back. Above 0%, up to 50%, "
        "default 1%. Smaller: slower rollbacks.",
    )
    bad_promotion: Percentage = Field(
        default="1%",
        description="Largest chance that a version as bad as `unacceptable` is promoted. Above "
        "0%, up to 50%, default 1%. Smaller: a promotion needs more requests.",
    )

    @rule(
        " && ".join(
            f"{_percent(field)} > 0.0 && {_percent(field)} <= 50.0"
            for field in ("self.falseRollback", "self.badPromotion")
        ),
        "falseRollback and badPromotion must be above 0% and at most 50%",
    )
    def _chances_are_possible(self) -> bool:
        chances = (units.fraction(self.false_rollback), units.fraction(self.bad_promotion))
        return all(0 < one <= 0.5 for one in chances)


class OnNoData(Model):
    """What to do while there is nothing to judge."""

    action: Literal["hold"] = Field(
        default="hold",
        description="While data is missing the weight stays as it is. Only hold, the default.",
    )
    rollback_after: Duration | None = Field(
        default="15m",
        description="Roll back after this long without data. A duration, default 15m; 0s: never.",
    )

    @field_validator("rollback_after")
    @classmethod
    def _zero_is_never(cls, text: str | None) -> str | None:
        return text if text is not None and units.duration(text) else None


class Analysis(Model):
    """What is watched while gray gets traffic."""

    prometheus: Prometheus | None = Field(
        default=None,
        description="The Prometheus to ask. Default: the one of the operator's settings.",
    )
    interval: Duration = Field(
        default="5s",
        description="How often to ask; up to five times as often, but not within 200 ms, for two "
        "intervals after each raise, while there is some evidence of a breach, and at intervals "
        "of up to 2s always, unless Prometheus is slow or many rollouts ask: evidence may be "
        "looked at as often as one likes. A duration of at least 1s, default 5s.",
    )
    warmup: Duration = Field(
        default="30s",
        description="Requests in the first moments of gray do not count. A duration, default 30s.",
    )
    evidence: Evidence = Field(
        default=Evidence(),
        description="How sure the operator must be before it rolls back or promotes. "
        "Default: 1% each.",
    )
    on_no_data: OnNoData = Field(
        default=OnNoData(),
        description="What to do while Prometheus has no data, or cannot be reached. "
        "Default: hold, and roll back after 15m.",
    )
    on_shared_breach: Literal["hold", "rollback"] = Field(
        default="hold",
        description="What to do when stable breaches the same objective, so that gray may not be "
        "the cause. hold (default): stay at this weight. rollback: take gray back all the same.",
    )
    slos: Annotated[list[Slo], Field(min_length=1, max_length=16)] = Field(
        description="The objectives gray must meet; 1 to 16, told apart by name. Required.",
        json_schema_extra=list_map("name"),
    )

    @rule(
        "duration(self.interval) >= duration('1s')",
        "interval must be at least 1s",
    )
    def _interval_is_long_enough(self) -> bool:
        return units.duration(self.interval).total_seconds() >= 1

    @rule(
        "self.slos.all(one, self.slos.exists_one(other, other.name == one.name))",
        "every objective needs a name of its own",
    )
    def _names_are_unique(self) -> bool:
        return len({one.name for one in self.slos}) == len(self.slos)
