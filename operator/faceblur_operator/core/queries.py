"""Fills the names of one rollout into its query templates and keys them for one batched query."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from faceblur_operator.core.limits import limits_of
from faceblur_operator.core.plan import GaugeObjective, Objective, Plan, RatioObjective
from faceblur_operator.core.revision import container_of
from faceblur_operator.core.snapshot import Snapshot, Workload

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z]+)\s*\}\}")
GRAY, STABLE = "gray", "stable"
# What a user may write; the others are for the built-in objectives.
USER_PLACEHOLDERS = frozenset(
    {"namespace", "stable", "gray", "rollout", "ingress", "pods", "track"}
)
POD_SUFFIX = "-[a-z0-9]{5}"
# Names of objectives in use at a time; they are few and the same in all rollouts.
KEPT_NAMES = 1024


def unknown_placeholders(template: str) -> list[str]:
    """Return the placeholders of a user's query that mean nothing."""
    return sorted(set(PLACEHOLDER.findall(template)) - USER_PLACEHOLDERS)


def queries_for(plan: Plan, snapshot: Snapshot) -> dict[str, str]:
    """Return every query of this rollout under its key, none while gray has no pods of its own."""
    gray, stable = snapshot.gray, snapshot.stable
    if gray is None or stable is None or gray.pod_hash is None:
        return {}
    gray_names = _names(plan, gray, GRAY, f"{gray.name}-{gray.pod_hash}{POD_SUFFIX}")
    stable_names = _names(plan, stable, STABLE, f"{stable.name}-[a-z0-9]+{POD_SUFFIX}")
    # The same question asked of stable: what names gray in it names stable instead.
    stable_names["gray"] = stable.name
    asked: dict[str, str] = {}
    for one in plan.objectives:
        match one:
            case GaugeObjective():
                asked[key(one.name, GRAY, "value")] = _fill(one.query, gray_names)
            case RatioObjective():
                sides = ((GRAY, gray_names), (STABLE, stable_names))
                for side, names in sides[: 1 if one.is_of_gray else 2]:
                    asked[key(one.name, side, "bad")] = _fill(one.bad, names)
                    asked[key(one.name, side, "total")] = _fill(one.total, names)
    return asked


def side_queries(
    plan: Plan, snapshot: Snapshot, objectives: Iterable[Objective], side: str
) -> dict[str, str]:
    """Return the queries of these objectives for one side only, none while it has no pods."""
    workload = snapshot.gray if side == GRAY else snapshot.stable
    if workload is None or workload.pod_hash is None:
        return {}
    pods = workload.pod_hash if side == GRAY else "[a-z0-9]+"
    names = _names(plan, workload, side, f"{workload.name}-{pods}{POD_SUFFIX}")
    names["gray"] = workload.name
    asked: dict[str, str] = {}
    for one in objectives:
        match one:
            case GaugeObjective():
                asked[key(one.name, side, "value")] = _fill(one.query, names)
            case RatioObjective():
                asked[key(one.name, side, "bad")] = _fill(one.bad, names)
                asked[key(one.name, side, "total")] = _fill(one.total, names)
    return asked


def edge_queries(plan: Plan, snapshot: Snapshot) -> dict[str, str]:
    """Return what tells, before gray gets traffic, whether the latency limits can be counted."""
    stable = snapshot.stable
    if stable is None:
        return {}
    names = _names(plan, stable, STABLE, f"{stable.name}-[a-z0-9]+{POD_SUFFIX}")
    return {
        key(one.name, STABLE, "edges"): _fill(one.edges, names)
        for one in plan.objectives
        if isinstance(one, RatioObjective) and one.edges is not None
    }


@lru_cache(KEPT_NAMES)
def key(objective: str, side: str, what: str) -> str:
    """Return the key of one query of an objective."""
    return f"{objective}:{side}:{what}"


@lru_cache(KEPT_NAMES)
def ratio_keys(objective: str, side: str) -> tuple[str, str]:
    """Return the keys of the bad and of all events of an objective, on one side."""
    return key(objective, side, "bad"), key(objective, side, "total")


@lru_cache(KEPT_NAMES)
def gauge_key(objective: str) -> str:
    """Return the key of the value of an objective."""
    return key(objective, GRAY, "value")


def _names(plan: Plan, workload: Workload, track: str, pods: str) -> dict[str, str]:
    container = container_of(workload.template, plan.container) or ""
    limits = limits_of(workload.template, container)
    return {
        "namespace": plan.namespace,
        "stable": plan.stable_deployment,
        "gray": plan.gray_deployment,
        "rollout": plan.name,
        "ingress": plan.ingress,
        "pods": pods,
        "track": track,
        "container": container,
        "cpuLimit": f"{limits.cpu or 0:g}",
        "memoryLimit": f"{limits.memory or 0:.0f}",
    }


def _fill(template: str, names: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: names[found.group(1)], template)
