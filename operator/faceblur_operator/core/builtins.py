"""The built-in objectives: the PromQL behind `builtin: latency` and its sisters.

Queries are templates for `queries.py`. They count raw counters of the face blur service, or read
what the kubelet measures; `{{pods}}` is a pattern that matches exactly the pods of one revision,
`{{track}}` says whose they are.
"""

from faceblur_operator.core.plan import GaugeObjective, RatioObjective

SELECT = 'namespace="{{namespace}}",pod=~"{{pods}}"'
REQUESTS = "faceblur_requests_total"
DURATION = "faceblur_request_duration_seconds"
SHADOW_FACES = "faceblur_shadow_faces_total"
PROBE_FACES = "faceblur_probe_faces_total"
INFO = "faceblur_info"
TRAEFIK = "traefik_service_requests_total"


def requests(outcomes: str) -> str:
    """Return the counters of answers with these outcomes (`a|b`)."""
    return f'{REQUESTS}{{{SELECT},outcome=~"{outcomes}"}}'


def probed(results: str) -> str:
    """Return the probe's counters of faces with these results (`a|b`), of one revision.

    The probe has a pod of its own, and its counters outlive the revisions it asks. So its series
    are chosen by the track that answered, and of these only the versions that the revision's own
    pods say they run.
    """
    faces = (
        f'{PROBE_FACES}{{namespace="{{{{namespace}}}}",track="{{{{track}}}}",result=~"{results}"}}'
    )
    return f"{faces} and on (track, version) {INFO}{{{SELECT}}}"


def at_ingress(more: str) -> str:
    """Return Traefik's counters of requests to one side, with `more` matchers.

    Traefik calls the backend of the gray Ingress by stable's name with `-canary` behind it. The
    zeros at the end are there before the first request, and before the first failure.
    """
    counters = f'{TRAEFIK}{{service=~"{{{{namespace}}}}-{{{{ingress}}}}-.+"{more}}}'
    told = f'label_replace({counters}, "track", "stable", "", "")'
    told = f'label_replace({told}, "track", "gray", "service", ".+-canary@.+")'
    side = 'label_replace(vector(1), "track", "{{track}}", "", "")'
    return f"{told} and on (track) {side} or 0 * traefik_config_reloads_total"


def latency(
    name: str, *, below_s: float, allowed: float | None, unacceptable: float | None
) -> RatioObjective:
    """Return the share of answers slower than `below_s`, which must be an edge of the histogram."""
    edge = f"{below_s:g}".replace(".", "[.]")
    return RatioObjective(
        name=name,
        bad=f'{DURATION}_bucket{{{SELECT},le=~"{edge}([.]0)?"}}',
        total=f"{DURATION}_count{{{SELECT}}}",
        bad_is_good=True,
        edges=f"group by (le) ({DURATION}_bucket{{{SELECT}}})",
        limit=below_s,
        allowed=allowed,
        unacceptable=unacceptable,
        max_ratio=None,
    )


def blur_success(
    name: str, *, allowed: float | None, unacceptable: float | None, max_ratio: float | None
) -> RatioObjective:
    """Return the share of pictures not blurred by this version; a bad picture counts for nobody."""
    return RatioObjective(
        name=name,
        bad=requests("error|rejected|degraded"),
        total=requests("success|error|rejected|degraded"),
        allowed=allowed,
        unacceptable=unacceptable,
        max_ratio=max_ratio,
    )


def errors(
    name: str, *, allowed: float | None, unacceptable: float | None, max_ratio: float | None
) -> RatioObjective:
    """Return the share of answers that are the service's own fault, also where stable stood in."""
    return RatioObjective(
        name=name,
        bad=requests("error|degraded"),
        total=requests("success|client_error|error|rejected|degraded"),
        allowed=allowed,
        unacceptable=unacceptable,
        max_ratio=max_ratio,
    )


def ingress_errors(
    name: str, *, allowed: float | None, unacceptable: float | None, max_ratio: float | None
) -> RatioObjective:
    """Return the share of requests that Traefik answered with 5xx; one scrape holds both sides."""
    return RatioObjective(
        name=name,
        bad=at_ingress(',code=~"5.."'),
        total=at_ingress(""),
        allowed=allowed,
        unacceptable=unacceptable,
        max_ratio=max_ratio,
        same_scrape=True,
    )


def face_agreement(
    name: str, *, allowed: float | None, unacceptable: float | None
) -> RatioObjective:
    """Return the share of faces on which gray and stable do not agree, in a sample of pictures.

    Gray alone counts them: it asks stable about the same picture, so there is nothing to compare.
    """
    return RatioObjective(
        name=name,
        bad=f'{SHADOW_FACES}{{{SELECT},result=~"missed|extra"}}',
        total=f'{SHADOW_FACES}{{{SELECT},result=~"matched|missed|extra"}}',
        allowed=allowed,
        unacceptable=unacceptable,
        max_ratio=None,
        is_of_gray=True,
    )


def face_recall(
    name: str, *, allowed: float | None, unacceptable: float | None, max_ratio: float | None
) -> RatioObjective:
    """Return the share of labelled faces that were not found in the probe's pictures."""
    return RatioObjective(
        name=name,
        bad=probed("missed"),
        total=probed("found|missed"),
        allowed=allowed,
        unacceptable=unacceptable,
        max_ratio=max_ratio,
    )


def cpu(name: str, *, maximum: float, failure_limit: int) -> GaugeObjective:
    """Return the CPU time of the busiest gray pod over the last minute, as a share of its limit."""
    selected = f'container_cpu_usage_seconds_total{{{SELECT},container="{{{{container}}}}"}}'
    used = f"max(rate({selected}[1m]))"
    return GaugeObjective(name, f"{used} / {{{{cpuLimit}}}}", maximum, failure_limit)


def memory(name: str, *, maximum: float, failure_limit: int) -> GaugeObjective:
    """Return the working set of the largest gray pod, as a share of its limit."""
    used = f'max(container_memory_working_set_bytes{{{SELECT},container="{{{{container}}}}"}})'
    return GaugeObjective(name, f"{used} / {{{{memoryLimit}}}}", maximum, failure_limit)
