"""What a release of the demo left behind, and what can be read off it; pure values.

`story.py` records, `verdict.py` judges, `table.py` shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.answers import Answer, Share, failed, sent_between, share_of
from tests.support.rollouts import Sighting

# The ingress controller gathers changes for a moment before it acts on them.
SETTLE_S = 1.0
# The operator changes the Ingress first and its status after; requests this close to the news
# may have met either weight.
GUARD_S = 0.5


@dataclass(frozen=True)
class Release:
    """One release, from `kubectl apply` until gray was gone again.

    Attributes:
        name: What the person calls it.
        image: What was released.
        wanted: The phase it shall end in.
        weights: The steps it goes through if it is good.
        slow_s: An answer slower than this is a bad one, as the objective says.
        began: When it was applied (monotonic clock).
        ended: When the wanted phase was seen; None when it never was.
        sightings: All that the rollout said of itself.
        answers: All answers to requests sent from `began` until the recording ended.
    """

    name: str
    image: str
    wanted: str
    weights: tuple[int, ...]
    slow_s: float
    began: float
    ended: float | None
    sightings: tuple[Sighting, ...]
    answers: tuple[Answer, ...]

    @property
    def phase(self) -> str:
        """Return the last phase seen."""
        return self.sightings[-1].phase if self.sightings else "nothing"


@dataclass(frozen=True)
class StepShare:
    """The weight that was set, and the share of gray that clients saw meanwhile."""

    weight: int
    share: Share

    @property
    def tolerance(self) -> float:
        """Return the allowed distance in points.

        The controller's weighted round robin deals exactly, so only the ends of the window can be
        uneven: a point, and two answers more where there are few of them.
        """
        return 1.0 + 100 * 2 / self.share.total if self.share.total else 0.0

    @property
    def is_met(self) -> bool:
        """Whether clients saw what was set."""
        off = abs(self.share.percent - self.weight)
        return self.share.total > 0 and off <= self.tolerance


def shares(release: Release) -> list[StepShare]:
    """Return the share seen by clients for each weight above 0, in the order they were set."""
    found: list[StepShare] = []
    for weight, begin, end in _windows(release.sightings):
        answers = sent_between(release.answers, begin + SETTLE_S, end - GUARD_S)
        if weight > 0:
            found.append(StepShare(weight, share_of(answers)))
    return found


def bad_answers(release: Release) -> list[Answer]:
    """Return what breaks an objective of gray: failed, left to stable, or too slow."""
    return [
        one
        for one in release.answers
        if one.is_gray and (one.is_failed or one.degraded or one.latency_s > release.slow_s)
    ]


def failed_elsewhere(release: Release) -> list[Answer]:
    """Return the failed answers that gray has no part in."""
    return [one for one in failed(release.answers) if not one.is_gray]


def rollback_s(release: Release) -> float | None:
    """Return the seconds from the first bad answer to the last gray answer."""
    bad = bad_answers(release)
    if not bad:
        return None
    first = min(one.ended for one in bad)
    return max(one.ended for one in release.answers if one.is_gray) - first


def gray_after_the_end(release: Release) -> list[Answer]:
    """Return gray answers to requests sent after the release was over."""
    if release.ended is None:
        return []
    over = release.ended + SETTLE_S
    return [one for one in release.answers if one.is_gray and one.sent > over]


def _windows(sightings: Sequence[Sighting]) -> list[tuple[int, float, float]]:
    """Return (weight, begin, end) for each stretch in which the weight stayed."""
    stretches: list[tuple[int, float, float]] = []
    for one in sightings:
        if stretches and stretches[-1][0] == one.weight:
            weight, begin, _ = stretches[-1]
            stretches[-1] = (weight, begin, one.at)
            continue
        if stretches:
            weight, begin, _ = stretches[-1]
            stretches[-1] = (weight, begin, one.at)
        stretches.append((one.weight, one.at, one.at))
    return stretches
