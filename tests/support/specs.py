"""Specifications for tests: a good one, and a table of what each rule lets through and refuses.

The table is used twice: against the types, and against the CRD on a real API server. That both
read one table is what keeps the Python and the CEL of a rule the same.
"""

from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]


def a_spec(**changes: Any) -> Spec:
    """Return the smallest good specification, with these fields changed."""
    spec: Spec = {
        "image": "ai-face-blur:1.1-gray",
        "stable": {"deployment": "face-blur-stable", "service": "face-blur-service"},
        "traffic": {"ingresses": ["face-blur-ingress"]},
        "analysis": {"slos": [an_slo()]},
    }
    return spec | changes


def an_slo(name: str = "success", **changes: Any) -> Spec:
    return {"name": name, **(changes or {"builtin": "blurSuccess", "atLeast": "99.5%"})}


def a_resource(spec: Spec, name: str = "face-blur") -> Spec:
    """Return a FaceBlurRollout with this specification."""
    return {
        "apiVersion": "faceblur.dev/v1alpha1",
        "kind": "FaceBlurRollout",
        "metadata": {"name": name},
        "spec": spec,
    }


def with_slos(*slos: Spec) -> Spec:
    return a_spec(analysis={"slos": list(slos)})


def with_analysis(**changes: Any) -> Spec:
    return a_spec(analysis={"slos": [an_slo()], **changes})


def with_steps(*weights: int) -> Spec:
    return a_spec(steps=[{"weight": weight} for weight in weights])


@dataclass(frozen=True)
class Case:
    """One specification; `refused` is what the refusal must say, None: it is accepted."""

    claim: str
    spec: Spec
    refused: str | None = None


RATIO = {"bad": "sum(bad)", "total": "sum(all)"}
FORMS = "set exactly one of builtin, ratio and value"
RISE = "the weights of steps must rise from each step to the next"
EITHER = "name either ingresses or httpRoutes"
UNIT = "max is a percentage such as 70% for cpu and memory, and a number for value"
NO_GAUGE = "atLeast, unacceptable and versusStable do not belong to value, cpu and memory"
CHANCES = "falseRollback and badPromotion must be above 0% and at most 50%"

STEPS = [
    Case("one step to everybody", with_steps(100)),
    Case("steps that rise", with_steps(1, 2, 100)),
    Case("steps that fall", with_steps(50, 25, 100), RISE),
    Case("a step twice", with_steps(25, 25, 100), RISE),
    Case("a last step below 100", with_steps(5, 50), "the last of steps must have weight 100"),
    Case("no step", a_spec(steps=[]), "spec.steps"),
    Case("weight 0 first, for those who opt in", with_steps(0, 100)),
    Case("weight 0 later", with_steps(5, 0, 100), RISE),
    Case("weight below 0", with_steps(-1, 100), "spec.steps[0].weight"),
    Case("gray at full size", a_spec(steps=[{"weight": 0, "replicas": "100%"}, {"weight": 100}])),
    Case(
        "a size without unit",
        a_spec(steps=[{"weight": 100, "replicas": "3"}]),
        "spec.steps[0].replicas",
    ),
    Case("weight 101", with_steps(5, 101), "spec.steps[1].weight"),
    Case("twenty steps", with_steps(*range(1, 20), 100)),
    Case("twenty-one steps", with_steps(*range(1, 21), 100), "spec.steps"),
    Case("a hold without unit", a_spec(steps=[{"weight": 100, "hold": "10"}]), "hold"),
    Case(
        "a hold beyond all calendars",
        a_spec(steps=[{"weight": 100, "hold": "99999999h"}]),
        "spec.steps[0].hold",
    ),
    Case("a hold of hours and minutes", a_spec(steps=[{"weight": 100, "hold": "1h30m"}])),
]
FORM = [
    Case("ratio at least", with_slos(an_slo(ratio=RATIO, atLeast="99%"))),
    Case("ratio versus stable", with_slos(an_slo(ratio=RATIO, versusStable={"maxRatio": 1.5}))),
    Case("value with a number", with_slos(an_slo(value="max(q)", max=20))),
    Case("value with a fraction", with_slos(an_slo(value="max(q)", max="0.5"))),
    Case("latency", with_slos(an_slo(builtin="latency", below="300ms", atLeast="95%"))),
    Case("cpu", with_slos(an_slo(builtin="cpu", max="70%"))),
    Case("errors versus stable", with_slos(an_slo(builtin="errors", versusStable={"maxRatio": 2}))),
    Case("face agreement", with_slos(an_slo(builtin="faceAgreement", atLeast="95%"))),
    Case("no form", with_slos(an_slo(atLeast="99%")), FORMS),
    Case("two forms", with_slos(an_slo(builtin="errors", ratio=RATIO, atLeast="99%")), FORMS),
    Case("three forms", with_slos(an_slo(builtin="cpu", ratio=RATIO, value="q", max=1)), FORMS),
    Case("an unknown builtin", with_slos(an_slo(builtin="speed", atLeast="9%")), "builtin"),
]
LATENCY = [
    Case(
        "latency without a limit",
        with_slos(an_slo(builtin="latency", atLeast="95%")),
        "builtin latency needs below and atLeast",
    ),
    Case(
        "latency without a share",
        with_slos(an_slo(builtin="latency", below="300ms")),
        "builtin latency needs below and atLeast",
    ),
    Case(
        "below with another builtin",
        with_slos(an_slo(builtin="errors", below="300ms", atLeast="95%")),
        "below belongs to builtin latency",
    ),
    Case(
        "latency versus stable",
        with_slos(
            an_slo(builtin="latency", below="1s", atLeast="95%", versusStable={"maxRatio": 2})
        ),
        "versusStable does not belong to builtin latency",
    ),
]
LIMITS = [
    Case("value without max", with_slos(an_slo(value="q")), "need max"),
    Case("cpu without max", with_slos(an_slo(builtin="cpu")), "need max"),
    Case("memory without max", with_slos(an_slo(builtin="memory")), "need max"),
    Case(
        "max on a share",
        with_slos(an_slo(builtin="errors", atLeast="9%", max=1)),
        "max belongs to value, builtin cpu and builtin memory",
    ),
    Case("cpu with a number", with_slos(an_slo(builtin="cpu", max=70)), UNIT),
    Case("value with a percentage", with_slos(an_slo(value="q", max="70%")), UNIT),
    Case("a negative number", with_slos(an_slo(value="q", max="-0.5"))),
    Case("a negative percentage", with_slos(an_slo(builtin="cpu", max="-5%")), "max"),
    Case("max that is a word", with_slos(an_slo(value="q", max="many")), "max"),
    Case("a share without limit", with_slos(an_slo(ratio=RATIO)), "a share of events needs"),
    Case("cpu at least", with_slos(an_slo(builtin="cpu", max="9%", atLeast="9%")), NO_GAUGE),
    Case(
        "value versus stable",
        with_slos(an_slo(value="q", max=1, versusStable={"maxRatio": 2})),
        NO_GAUGE,
    ),
    Case("a promise of 100%", with_slos(an_slo(builtin="errors", atLeast="100%")), "below 100%"),
    Case("a promise of 0%", with_slos(an_slo(builtin="errors", atLeast="0%")), "above 0%"),
    Case(
        "an unacceptable share above all",
        with_slos(an_slo(builtin="errors", versusStable={"maxRatio": 2}, unacceptable="150%")),
        "below 100%",
    ),
    Case("a share without %", with_slos(an_slo(builtin="errors", atLeast="99")), "atLeast"),
    Case(
        "unacceptable below at least",
        with_slos(an_slo(builtin="errors", atLeast="99.5%", unacceptable="97%")),
    ),
    Case(
        "unacceptable is a number smaller, a text larger",
        with_slos(an_slo(builtin="errors", atLeast="10%", unacceptable="9%")),
    ),
    Case(
        "unacceptable equals at least",
        with_slos(an_slo(builtin="errors", atLeast="97%", unacceptable="97.0%")),
        "unacceptable must be smaller than atLeast",
    ),
    Case(
        "better than stable demanded",
        with_slos(an_slo(builtin="errors", versusStable={"maxRatio": 0.5})),
        "maxRatio",
    ),
    Case("failure limit 0", with_slos(an_slo(value="q", max=1, failureLimit=0)), "failureLimit"),
]
ANALYSIS = [
    Case("no objective", with_slos(), "spec.analysis.slos"),
    Case(
        "sixteen objectives",
        with_slos(*(an_slo(f"s{i}", builtin="errors", atLeast="9%") for i in range(16))),
    ),
    Case(
        "seventeen objectives",
        with_slos(*(an_slo(f"s{i}", builtin="errors", atLeast="9%") for i in range(17))),
        "spec.analysis.slos",
    ),
    Case("an objective's name with capitals", with_slos(an_slo("Success")), "name"),
    Case("asking every second", with_analysis(interval="1s")),
    Case("asking faster", with_analysis(interval="999ms"), "interval must be at least 1s"),
    Case("no chance of an error", with_analysis(evidence={"falseRollback": "0%"}), CHANCES),
    Case("a likely error", with_analysis(evidence={"badPromotion": "50.1%"}), CHANCES),
    Case("a chance of a half", with_analysis(evidence={"badPromotion": "50%"})),
    Case("never rolled back without data", with_analysis(onNoData={"rollbackAfter": "0s"})),
    Case("another action", with_analysis(onNoData={"action": "rollback"}), "action"),
    Case("a Prometheus by address", with_analysis(prometheus={"url": "http://p.monitoring:9090"})),
    Case("an address of another kind", with_analysis(prometheus={"url": "ftp://p"}), "url"),
]
TRAFFIC = [
    Case("routes", a_spec(traffic={"httpRoutes": ["web"]})),
    Case("neither", a_spec(traffic={}), EITHER),
    Case("empty lists", a_spec(traffic={"ingresses": [], "httpRoutes": []}), EITHER),
    Case("both", a_spec(traffic={"ingresses": ["a"], "httpRoutes": ["b"]}), EITHER),
    Case("nine ingresses", a_spec(traffic={"ingresses": [f"i{i}" for i in range(9)]}), "ingresses"),
    Case("an ingress name with capitals", a_spec(traffic={"ingresses": ["Web"]}), "ingresses"),
    Case(
        "opting in by header and cookie",
        a_spec(
            traffic={"ingresses": ["a"], "optIn": {"header": "X-G", "value": "true", "cookie": "g"}}
        ),
    ),
    Case(
        "opting in by nothing",
        a_spec(traffic={"ingresses": ["a"], "optIn": {}}),
        "optIn needs a header, a cookie or both",
    ),
    Case(
        "a header's value without header",
        a_spec(traffic={"ingresses": ["a"], "optIn": {"cookie": "g", "value": "true"}}),
        "value belongs to header",
    ),
]


def _stable(deployment: str = "web", service: str = "web") -> Spec:
    return {"deployment": deployment, "service": service}


NAMES = [
    Case("a stable name that leaves room", a_spec(stable=_stable("d" * 41))),
    Case("a stable name that leaves none", a_spec(stable=_stable("d" * 42)), "set gray.deployment"),
    Case(
        "a long stable name beside a gray one",
        a_spec(stable=_stable("d" * 46), gray={"deployment": "g" * 46}),
    ),
    Case("a stable name too long", a_spec(stable=_stable("d" * 47)), "spec.stable.deployment"),
    Case("a gray name too long", a_spec(gray={"deployment": "g" * 47}), "spec.gray.deployment"),
    Case("a long service", a_spec(stable=_stable(service="s" * 58))),
    Case("a longer service", a_spec(stable=_stable(service="s" * 59)), "set gray.service"),
    Case(
        "a longer service beside gray's",
        a_spec(stable=_stable(service="s" * 63), gray={"service": "g"}),
    ),
    Case(
        "gray is stable",
        a_spec(gray={"deployment": "face-blur-stable"}),
        "gray needs a Deployment and a Service of its own",
    ),
    Case(
        "gray's service is stable's",
        a_spec(gray={"service": "face-blur-service"}),
        "gray needs a Deployment and a Service of its own",
    ),
    Case("a name with a dot", a_spec(stable=_stable("a.b")), "spec.stable.deployment"),
    Case("replicas in order", a_spec(gray={"replicas": {"min": 2, "max": 2}})),
    Case(
        "replicas out of order",
        a_spec(gray={"replicas": {"min": 3, "max": 2}}),
        "min must not be larger than max",
    ),
    Case("min above the default of max", a_spec(gray={"replicas": {"min": 11}}), "min must not"),
    Case("a variable", a_spec(gray={"env": [{"name": "ENABLE_GRAY_FEATURE", "value": "true"}]})),
    Case("a variable with a space", a_spec(gray={"env": [{"name": "A B"}]}), "spec.gray.env[0]"),
]
WHOLE = [
    Case("the smallest specification", a_spec()),
    Case("an image with a space", a_spec(image="a b"), "spec.image"),
    Case("no image", {k: v for k, v in a_spec().items() if k != "image"}, "spec.image"),
    Case("no objective at all", {k: v for k, v in a_spec().items() if k != "analysis"}, "analysis"),
    Case(
        "preflight, a gate and a notification",
        a_spec(
            preflight={"stableHealthy": True, "probe": "95%"},
            gates=[{"webhook": {"url": "https://gate.example/ask"}, "at": "promotion"}],
            notifications=[
                {
                    "webhook": {"url": "https://chat.example", "secretRef": {"name": "chat"}},
                    "on": ["RolledBack", "Promoted"],
                }
            ],
        ),
    ),
]
HOOK = {"url": "https://gate.example/ask"}
FORM_OF_NOTIFICATION = "name exactly one of webhook, slack, dingTalk and feishu"
OTHERS = [
    Case("a gate that may take a minute", a_spec(gates=[{"webhook": HOOK | {"timeout": "60s"}}])),
    Case(
        "a gate that may take longer",
        a_spec(gates=[{"webhook": HOOK | {"timeout": "61s"}}]),
        "timeout must be more than 0 and at most 60s",
    ),
    Case(
        "a gate that may take no time",
        a_spec(gates=[{"webhook": HOOK | {"timeout": "0s"}}]),
        "timeout must be more than 0 and at most 60s",
    ),
    Case("retries without end", a_spec(gates=[{"webhook": HOOK | {"retries": 6}}]), "retries"),
    Case("two gates without a name", a_spec(gates=[{"webhook": HOOK}, {"webhook": HOOK}])),
    Case(
        "two gates of one name",
        a_spec(gates=[{"name": "a", "webhook": HOOK}, {"name": "a", "webhook": HOOK}]),
        "every gate needs a name of its own",
    ),
    Case(
        "every form of notification",
        a_spec(
            notifications=[
                {"slack": {"urlFrom": {"name": "chat", "key": "slack"}}, "on": ["Started"]},
                {"dingTalk": {"url": "https://oapi.dingtalk.com/x", "secretRef": {"name": "s"}}},
                {"feishu": {"urlFrom": {"name": "chat"}, "secretRef": {"name": "s"}}},
            ]
        ),
    ),
    Case("a notification to nobody", a_spec(notifications=[{}]), FORM_OF_NOTIFICATION),
    Case(
        "a notification of two forms",
        a_spec(notifications=[{"slack": HOOK, "webhook": HOOK}]),
        FORM_OF_NOTIFICATION,
    ),
    Case(
        "a notification without an address",
        a_spec(notifications=[{"slack": {}}]),
        "name either url or urlFrom",
    ),
    Case(
        "a notification with two addresses",
        a_spec(notifications=[{"webhook": HOOK | {"urlFrom": {"name": "chat"}}}]),
        "name either url or urlFrom",
    ),
    Case(
        "two notifications of one name",
        a_spec(notifications=[{"name": "a", "slack": HOOK}, {"name": "a", "slack": HOOK}]),
        "every notification needs a name of its own",
    ),
    Case(
        "an occasion that there is not",
        a_spec(notifications=[{"slack": HOOK, "on": ["Never"]}]),
        "spec.notifications[0].on[0]",
    ),
]
CASES = [*WHOLE, *OTHERS, *STEPS, *FORM, *LATENCY, *LIMITS, *ANALYSIS, *TRAFFIC, *NAMES]
