"""Gray's and stable's counters from one process, scraped at once: an ingress controller's.

One scrape then holds both, so what came between two of them came in exactly the same time on both
sides, and one look is enough to compare them. That is never assumed: every series has to say which
target it was scraped from, and whatever does not fit is left to the rule for counters that are
scraped one after the other; see `learning.py` and docs/design/evidence.md.
"""

from typing import NamedTuple

from faceblur_operator.core.counters import OPTED_IN
from faceblur_operator.core.evidence import ZERO, Counts
from faceblur_operator.core.ledger import Looks
from faceblur_operator.core.plan import RatioObjective
from faceblur_operator.core.queries import GRAY, STABLE, ratio_keys
from faceblur_operator.core.snapshot import Labels, Samples
from faceblur_operator.core.state import Target


class Pair(NamedTuple):
    """What both sides counted at one target between the same two scrapes."""

    target: Target
    gray: Counts
    stable: Counts


def pairs(objective: RatioObjective, samples: Samples, seen: Looks) -> tuple[Pair, ...] | None:
    """Return the growth of one objective, target by target; None: by these series nobody can tell.

    Every target of gray's has to be one of stable's. A counter that fell tells nothing either.
    """
    if not objective.same_scrape:
        return None
    gray = _by_target(objective, GRAY, samples, seen)
    stable = _by_target(objective, STABLE, samples, seen)
    if gray is None or stable is None or not gray.keys() <= stable.keys():
        return None
    found = tuple(Pair(one, gray.get(one, ZERO), stable[one]) for one in sorted(stable))
    return found if all(map(_is_whole, found)) else None


def _by_target(
    objective: RatioObjective, side: str, samples: Samples, seen: Looks
) -> dict[Target, Counts] | None:
    on_bad, on_total = ratio_keys(objective.name, side)
    bads, totals = _grown(on_bad, samples, seen), _grown(on_total, samples, seen)
    if not bads or not totals or not bads.keys() <= totals.keys():
        return None
    found = {}
    for target, total in totals.items():
        bad = bads.get(target, 0.0)
        found[target] = Counts(total, total - bad if objective.bad_is_good else bad)
    return found


def _grown(key: str, samples: Samples, seen: Looks) -> dict[Target, float] | None:
    """Return by how much the comparable counters of a query grew at each target."""
    known = seen.get(key)
    if known is None or known.fallen_at is not None:
        return None
    before = known.by_labels()
    found: dict[Target, float] = {}
    for labels, value in samples.series.get(key, ()):
        target = _target_of(labels)
        # A counter is born at zero after the last look.
        growth = value - before.get(labels, 0.0)
        if target is None or growth < 0:
            return None
        found[target] = found.get(target, 0.0) + (0.0 if OPTED_IN in labels else growth)
    return found


def _target_of(labels: Labels) -> Target | None:
    """Return what Prometheus scraped a series from; None when the series does not say."""
    said = dict(labels)
    job, instance = said.get("job", ""), said.get("instance", "")
    return (job, instance) if job and instance else None


def _is_whole(pair: Pair) -> bool:
    return all(0 <= one.bad <= one.total for one in (pair.gray, pair.stable))
