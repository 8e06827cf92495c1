"""What a user asks for: the specification of a FaceBlurRollout."""

from typing import Annotated

from pydantic import Field, StringConstraints

from faceblur_operator.api.fields import (
    LONGEST_DEPLOYMENT,
    LONGEST_SERVICE,
    SUFFIX,
    DeploymentName,
    Duration,
    IngressName,
    Percentage,
    ServiceName,
    Weight,
    as_set,
    list_map,
)
from faceblur_operator.api.model import Model, rule
from faceblur_operator.api.outside import Gate, Notification, Preflight, Purge
from faceblur_operator.api.slo import Analysis


class StableTarget(Model):
    """The version that users have now."""

    deployment: DeploymentName = Field(
        description="Deployment of the stable version, in this namespace. At most 46 characters, "
        "or 41 when gray.deployment is not set. Required."
    )
    service: ServiceName = Field(
        description="Service that the Ingress sends users to, in this namespace. Required."
    )


class EnvVar(Model):
    """An environment variable with a plain value."""

    name: Annotated[
        str, StringConstraints(pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$", max_length=256)
    ] = Field(description="Name of the variable. Required.")
    value: Annotated[str, StringConstraints(max_length=4096)] = Field(
        default="", description="Its value, used as it is. Default: empty."
    )


class Replicas(Model):
    """Bounds of the number of gray pods."""

    min: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="Least number of gray pods while a rollout runs. Default 1."
    )
    max: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=10,
        description="Largest number of gray pods; less than stable has makes each of them carry "
        "more at high weights, which the condition Accepted says. Default 10.",
    )

    @rule("self.min <= self.max", "min must not be larger than max")
    def _are_in_order(self) -> bool:
        return self.min <= self.max


class GrayTarget(Model):
    """The version that is being released; what does not exist is made from stable."""

    deployment: DeploymentName | None = Field(
        default=None,
        description="Deployment of the gray version. One that exists is scaled and given the "
        "image, and never deleted; else it is made from stable. Default: <stable>-gray.",
    )
    service: ServiceName | None = Field(
        default=None,
        description="Service of the gray version; made from stable's when there is none. "
        "Default: <stable service>-gray.",
    )
    env: Annotated[list[EnvVar], Field(max_length=64)] = Field(
        default=[],
        description="Environment variables that gray has besides, or instead of, stable's; they "
        "are part of what is promoted. Default: none.",
        json_schema_extra=list_map("name"),
    )
    replicas: Replicas = Field(
        default=Replicas(),
        description="Bounds of the number of gray pods, which follows the weight: stable's "
        "replicas times the weight, rounded up. Default: 1 to 10.",
    )


class OptIn(Model):
    """How a user asks for gray, whatever the weight."""

    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=64)] | None = (
        Field(default=None, description="Request header, such as X-Gray-Enable. Default: none.")
    )
    value: Annotated[str, StringConstraints(pattern=r"^[ -~]+$", max_length=128)] | None = Field(
        default=None,
        description='Value that the header must have, such as "true". Default: always (and '
        "never keeps a user away).",
    )
    cookie: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)] | None = (
        Field(
            default=None,
            description="Cookie that must have the value always (never keeps a user away), such "
            "as gray. Default: none.",
        )
    )

    purge: Purge | None = Field(
        default=None,
        description="Sends everybody who opted in back to stable when a release ends, promoted or "
        "not. Default: memberships run out by themselves.",
    )

    @rule("has(self.header) || has(self.cookie)", "optIn needs a header, a cookie or both")
    def _names_a_way(self) -> bool:
        return self.header is not None or self.cookie is not None

    @rule("!has(self.value) || has(self.header)", "value belongs to header")
    def _value_has_a_header(self) -> bool:
        return self.value is None or self.header is not None


class Traffic(Model):
    """Where users come in."""

    ingresses: Annotated[list[IngressName], Field(max_length=8)] = Field(
        default=[],
        description="The Ingress whose traffic to the stable Service is shared out; its controller "
        "must read the ingress-nginx canary annotations, as ingress-nginx and Traefik 3.7 do. "
        "Exactly one in this version, in this namespace. Required.",
        json_schema_extra=as_set(),
    )
    http_routes: Annotated[list[IngressName], Field(max_length=8)] = Field(
        default=[],
        description="Gateway API HTTPRoutes, instead of ingresses; not supported by this version, "
        "which answers with Accepted=False. Default: none.",
        json_schema_extra=as_set(),
    )
    opt_in: OptIn | None = Field(
        default=None,
        description="Lets users who ask for it reach gray at any weight while a rollout runs. "
        "Default: nobody.",
    )
    sticky: bool = Field(
        default=False,
        description="A user who got gray stays on gray for this rollout; not supported by this "
        "version, which answers true with Accepted=False (optIn keeps those who ask for it). "
        "Default false.",
    )

    @rule(
        "(has(self.ingresses) && size(self.ingresses) > 0) "
        "!= (has(self.httpRoutes) && size(self.httpRoutes) > 0)",
        "name either ingresses or httpRoutes",
    )
    def _has_one_form(self) -> bool:
        return bool(self.ingresses) != bool(self.http_routes)


class Step(Model):
    """One rung of the ladder from a few users to all."""

    weight: Weight = Field(
        description="Percent of the traffic that goes to gray, 0 to 100. At 0, which only the "
        "first step can have, nobody but those who opt in reaches gray. Required."
    )
    hold: Duration = Field(
        default="10m",
        description="Stay here at least this long; longer while there is too little evidence to "
        "go on. A duration, default 10m.",
    )
    approval: bool = Field(
        default=False,
        description="After the hold, wait until a person says go on, with the command promote. "
        "Default false.",
    )
    replicas: Percentage | None = Field(
        default=None,
        description="Size of gray at this step at least, in percent of stable's replicas, such as "
        "100% for all of them. Default: the weight.",
    )


class FaceBlurRolloutSpec(Model):
    """A gray release: what to release, from where, how fast, and what must hold meanwhile."""

    image: Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=512)] = Field(
        description="Image to release, such as ai-face-blur:1.1-gray. A change starts a new "
        "rollout, or restarts the running one from weight 0. Required."
    )
    container: Annotated[str, StringConstraints(max_length=63)] | None = Field(
        default=None,
        description="Container that gets the image. Default: the only one of the pod.",
    )
    stable: StableTarget = Field(description="The version that users have now. Required.")
    gray: GrayTarget = Field(
        default=GrayTarget(),
        description="The version that is being released. Optional: what is missing is made from "
        "stable and belongs to the rollout.",
    )
    traffic: Traffic = Field(description="Where users come in. Required.")
    steps: Annotated[list[Step], Field(min_length=1, max_length=20)] = Field(
        default=[Step(weight=weight) for weight in (5, 25, 50, 100)],
        description="Weights to go through, strictly rising, the last is 100; 1 to 20 of them. "
        "Default: 5, 25, 50, 100 with 10m each.",
    )
    analysis: Analysis = Field(
        description="What is watched while gray gets traffic, and how sure the operator must be. "
        "Required."
    )
    preflight: Preflight | None = Field(
        default=None,
        description="What must be true before gray gets its first request. Default: gray is ready.",
    )
    gates: Annotated[list[Gate], Field(max_length=8)] = Field(
        default=[], description="What else has to agree. Default: nothing."
    )
    progress_deadline: Duration = Field(
        default="30m",
        description="Longest wait for pods. Gray that is not ready within it is rolled back; "
        "stable that is not ready after a promotion gets its old version back, while gray keeps "
        "the traffic. A duration, default 30m.",
    )
    scale_down_delay: Duration = Field(
        default="30s",
        description="Gray pods stay this long after their traffic has gone. A duration, "
        "default 30s.",
    )
    suspend: bool = Field(
        default=False,
        description="Stop acting and keep traffic as it is. Default false.",
    )
    notifications: Annotated[list[Notification], Field(max_length=8)] = Field(
        default=[], description="Whom to tell, and when. Default: nobody."
    )

    @rule(
        "self.steps.map(one, one.weight).isSorted() "
        "&& self.steps.all(one, self.steps.exists_one(other, other.weight == one.weight))",
        "the weights of steps must rise from each step to the next",
    )
    def _steps_rise(self) -> bool:
        weights = [one.weight for one in self.steps]
        return weights == sorted(set(weights))

    @rule(
        "size(self.steps) == 0 || self.steps[size(self.steps) - 1].weight == 100",
        "the last of steps must have weight 100",
    )
    def _last_step_is_everybody(self) -> bool:
        return self.steps[-1].weight == 100

    @rule(
        "!has(self.gates) || self.gates.all(one, !has(one.name) "
        "|| self.gates.exists_one(other, has(other.name) && other.name == one.name))",
        "every gate needs a name of its own",
    )
    def _gates_have_names(self) -> bool:
        names = [one.name for one in self.gates if one.name]
        return len(set(names)) == len(names)

    @rule(
        "!has(self.notifications) || self.notifications.all(one, !has(one.name) "
        "|| self.notifications.exists_one(other, has(other.name) && other.name == one.name))",
        "every notification needs a name of its own",
    )
    def _notifications_have_names(self) -> bool:
        names = [one.name for one in self.notifications if one.name]
        return len(set(names)) == len(names)

    @rule(
        f"has(self.gray.deployment) || size(self.stable.deployment) <= "
        f"{LONGEST_DEPLOYMENT - len(SUFFIX)}",
        "stable.deployment is longer than 41 characters: set gray.deployment to a name of at most "
        "46",
    )
    def _gray_deployment_fits(self) -> bool:
        made = f"{self.stable.deployment}{SUFFIX}"
        return self.gray.deployment is not None or len(made) <= LONGEST_DEPLOYMENT

    @rule(
        f"has(self.gray.service) || size(self.stable.service) <= {LONGEST_SERVICE - len(SUFFIX)}",
        "stable.service is longer than 58 characters: set gray.service",
    )
    def _gray_service_fits(self) -> bool:
        made = f"{self.stable.service}{SUFFIX}"
        return self.gray.service is not None or len(made) <= LONGEST_SERVICE

    @rule(
        "(!has(self.gray.deployment) || self.gray.deployment != self.stable.deployment) "
        "&& (!has(self.gray.service) || self.gray.service != self.stable.service)",
        "gray needs a Deployment and a Service of its own, not stable's",
    )
    def _gray_is_not_stable(self) -> bool:
        is_apart = self.gray.deployment != self.stable.deployment
        return is_apart and self.gray.service != self.stable.service
