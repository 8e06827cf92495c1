"""What must be true before gray gets its first request (`spec.preflight`).

Whatever cannot be told holds the rollout: absent data never passes. What is counted here is
counted from when gray became ready on, and is lost without harm: counting begins again.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from math import isfinite

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core import builtins
from faceblur_operator.core.baseline import Baseline
from faceblur_operator.core.evidence import ZERO, Counts
from faceblur_operator.core.judge import Blind, Tick, count
from faceblur_operator.core.limits import limits_of
from faceblur_operator.core.plan import GaugeObjective, Plan, RatioObjective
from faceblur_operator.core.queries import GRAY, STABLE, key, side_queries
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.revision import container_of
from faceblur_operator.core.snapshot import Json, NoSamples, Samples, Snapshot
from faceblur_operator.core.state import Stage, State

# Fewer events say nothing about a share.
FEWEST = 30
# A stable that did badly for this long gets a new chance: its outage may be over.
WINDOW = timedelta(seconds=60)
# Not the name of an objective: those have no dots.
PROBE = RatioObjective(
    name="preflight.probe",
    bad=builtins.probed("missed"),
    total=builtins.probed("found|missed"),
    allowed=None,
    unacceptable=None,
    max_ratio=None,
)
# Asked of gray only: stable compares nothing with itself, and the probe is so slow that it would
# hold up every release.
GRAY_ONLY = ("faceblur_shadow_", "faceblur_probe_")


def is_asking(plan: Plan, state: State) -> bool:
    """Whether something has to be counted before gray gets its first request."""
    return (
        plan.preflight is not None
        and state.stage is Stage.STEPPING
        and state.weighted_since is None
    )


def queries(plan: Plan, snapshot: Snapshot) -> dict[str, str]:
    """Return what Prometheus has to be asked for the preflight."""
    asked = side_queries(plan, snapshot, _of_stable(plan), STABLE)
    if plan.preflight is not None and plan.preflight.probe is not None:
        asked |= side_queries(plan, snapshot, (PROBE,), GRAY)
    return asked


def counted(
    plan: Plan, state: State, baseline: Baseline, snapshot: Snapshot, *, is_current: bool
) -> Baseline:
    """Return the baseline after one look.

    Args:
        plan: what is asked.
        state: the state before this look.
        baseline: what was counted so far.
        snapshot: with samples, or without: then nothing changes.
        is_current: gray's Deployment has the template to release.
    """
    samples, gray = snapshot.samples, snapshot.gray
    if not is_asking(plan, state):
        return Baseline()
    is_ready = is_current and gray is not None and gray.settled and gray.is_rolled_out
    if baseline.of != state.revision or not is_ready:
        # What an earlier gray was probed with, while it still answers, proves nothing.
        baseline = Baseline(of=state.revision)
    if samples is None or not is_ready:
        return baseline
    if isinstance(samples, NoSamples):
        names = [one.name for one in (*_of_stable(plan), *_probes(plan))]
        return replace(baseline, problems=dict.fromkeys(names, samples.why))
    return _counted(plan, _renewed(plan, baseline, samples.at), samples)


def refusal(plan: Plan, state: State, baseline: Baseline, snapshot: Snapshot) -> Refusal | None:
    """Return what is still missing before gray may get its first request; None: nothing."""
    if plan.preflight is None:
        return None
    why = _unfit(plan, snapshot) or (None if state.digest else _undigested(plan, snapshot))
    if why is None and plan.preflight.stable_healthy:
        why = _unhealthy(plan, baseline)
    if why is None and plan.preflight.probe is not None:
        why = _unprobed(plan.preflight.probe, baseline)
    return Refusal(Reason.PREFLIGHT_NOT_MET, f"preflight: {why}") if why is not None else None


def resolved(plan: Plan, state: State, snapshot: Snapshot, *, is_current: bool) -> State:
    """Return the state with the digest that gray's image was resolved to, once that is known."""
    if state.digest or state.stage is not Stage.STEPPING or not is_current:
        return state
    found = _digests(plan, snapshot)
    return replace(state, digest=found.pop()) if len(found) == 1 and "" not in found else state


def _counted(plan: Plan, baseline: Baseline, samples: Samples) -> Baseline:
    counts, values = dict(baseline.counts), dict(baseline.values)
    problems: dict[str, str] = {}
    seen = dict(baseline.seen)
    for one in (*_of_stable(plan), *_probes(plan)):
        if isinstance(one, GaugeObjective):
            series = samples.series.get(key(one.name, STABLE, "value"), ())
            if len(series) == 1 and isfinite(series[0].value):
                values[one.name] = series[0].value
            else:
                values.pop(one.name, None)
                problems[one.name] = f"Prometheus has {len(series)} usable values of stable"
            continue
        side = GRAY if one is PROBE else STABLE
        tick, found = count(one, side, samples, seen)
        seen |= found
        if isinstance(tick, Blind):
            problems[one.name] = tick.why
        elif isinstance(tick, Tick):
            before = counts.get(one.name, ZERO)
            counts[one.name] = before + Counts(tick.total, tick.bad)
    return replace(baseline, counts=counts, values=values, problems=problems, seen=seen)


def _renewed(plan: Plan, baseline: Baseline, at: datetime) -> Baseline:
    """Return the baseline with a new window for what did badly in the last one."""
    if baseline.begun is None or at - baseline.begun < WINDOW:
        return replace(baseline, begun=baseline.begun or at)
    allowed = {one.name: _allowed(plan, one) for one in (*_of_stable(plan), *_probes(plan))}
    kept = {
        name: counts
        for name, counts in baseline.counts.items()
        if counts.total < FEWEST or _is_good(counts, allowed.get(name))
    }
    return replace(baseline, begun=at, counts=kept)


def _unfit(plan: Plan, snapshot: Snapshot) -> str | None:
    """Return what the container lacks that every release needs."""
    gray = snapshot.gray
    if gray is None:
        return "there is no gray Deployment"
    name = container_of(gray.template, plan.container)
    if name is None:
        return f"Deployment {gray.name} lacks the container; set spec.container"
    container: Json = next(
        one for one in gray.template["spec"]["containers"] if one["name"] == name
    )
    limits = limits_of(gray.template, name)
    lacks = {
        "readinessProbe": not container.get("readinessProbe"),
        "livenessProbe": not container.get("livenessProbe"),
        "CPU limit": not limits.cpu,
        "memory limit": not limits.memory,
    }
    missing = [what for what, is_so in lacks.items() if is_so]
    if not missing:
        return None
    return f"container {name} of {gray.name} has no {', no '.join(missing)}; set it on stable"


def _undigested(plan: Plan, snapshot: Snapshot) -> str:
    found = _digests(plan, snapshot)
    if len(found - {""}) > 1:
        return f"gray's pods run different images: {', '.join(sorted(found - {''}))}"
    return "it is not known yet to which digest gray's image was resolved"


def _digests(plan: Plan, snapshot: Snapshot) -> set[str]:
    gray = snapshot.gray
    if gray is None:
        return set()
    name = container_of(gray.template, plan.container)
    return {
        container.image_id[max(container.image_id.find("sha256:"), 0) :]
        if "sha256:" in container.image_id
        else ""
        for pod in snapshot.gray_pods
        if pod.pod_hash == gray.pod_hash and not pod.is_ending
        for container in pod.containers
        if container.name == name
    }


def _unhealthy(plan: Plan, baseline: Baseline) -> str | None:
    for one in _of_stable(plan):
        problem = baseline.problems.get(one.name)
        if problem is not None:
            return f"stable, {one.name}: {problem}"
        if isinstance(one, GaugeObjective):
            value = baseline.values.get(one.name)
            if value is None:
                return f"stable, {one.name}: not measured yet"
            if value > one.maximum:
                return f"stable, {one.name}: {value:.4g}, allowed {one.maximum:.4g}"
            continue
        why = _short_of(baseline.counts.get(one.name, ZERO), one.allowed, "requests")
        if why is not None:
            return f"stable, {one.name}: {why}"
    return None


def _unprobed(wanted: float, baseline: Baseline) -> str | None:
    problem = baseline.problems.get(PROBE.name)
    if problem is not None:
        return f"the probe of gray: {problem}"
    why = _short_of(baseline.counts.get(PROBE.name, ZERO), round(1 - wanted, 9), "faces")
    return f"the probe of gray: {why}" if why is not None else None


def _short_of(counts: Counts, allowed: float | None, what: str) -> str | None:
    if counts.total < FEWEST:
        return f"{counts.total:.0f} {what} counted, {FEWEST} needed"
    if not _is_good(counts, allowed):
        return f"{counts.bad:.0f} of {counts.total:.0f} {what} bad, allowed {allowed or 0:.2%}"
    return None


def _is_good(counts: Counts, allowed: float | None) -> bool:
    if not 0 <= counts.bad <= counts.total:
        return False
    return allowed is None or counts.bad <= allowed * counts.total


def _allowed(plan: Plan, one: RatioObjective | GaugeObjective) -> float | None:
    if one is PROBE and plan.preflight is not None and plan.preflight.probe is not None:
        return round(1 - plan.preflight.probe, 9)
    return one.allowed if isinstance(one, RatioObjective) else None


def _of_stable(plan: Plan) -> tuple[RatioObjective | GaugeObjective, ...]:
    """Return the objectives that stable can be held against itself."""
    if plan.preflight is None or not plan.preflight.stable_healthy:
        return ()
    return tuple(
        one
        for one in plan.objectives
        if isinstance(one, GaugeObjective)
        or (one.allowed is not None and not any(word in one.total for word in GRAY_ONLY))
    )


def _probes(plan: Plan) -> tuple[RatioObjective, ...]:
    return (PROBE,) if plan.preflight is not None and plan.preflight.probe is not None else ()
