"""Did the demo show what it promises?  A pure function of the recorded facts."""

from tests.demo.facts import (
    Release,
    bad_answers,
    failed_elsewhere,
    gray_after_the_end,
    rollback_s,
    shares,
)
from tests.support.answers import failed, summary

# Much slower than it ever is; a rollback that takes this long has not shown what it should.
LONGEST_ROLLBACK_S = 60.0


def problems(good: Release | None, bad: Release | None) -> list[str]:
    """Return a sentence for each promise that was not kept; none means success."""
    if good is None:
        return ["the good release was never started"]
    found = _of_the_good(good)
    if bad is None:
        return [*found, "the bad release was never started"]
    return [*found, *_of_the_bad(bad)]


def exit_status(found: list[str]) -> int:
    """Return what the process ends with."""
    return 1 if found else 0


def _of_the_good(release: Release) -> list[str]:
    found = []
    if release.ended is None:
        found.append(f"{release.image} was not promoted: its last phase was {release.phase}")
    lost = failed(release.answers)
    if lost:
        count = len(release.answers)
        found.append(
            f"{len(lost)} of {count} requests failed during the good release: {summary(lost)}"
        )
    seen = shares(release)
    if release.ended is not None and [one.weight for one in seen] != list(release.weights):
        weights = ", ".join(f"{one.weight} %" for one in seen) or "none"
        found.append(f"the good release went through other weights than its steps: {weights}")
    found += [
        f"at weight {one.weight} % clients saw {one.share} of gray, more than "
        f"{one.tolerance:.1f} points off"
        for one in seen
        if not one.is_met
    ]
    return found + _stragglers(release)


def _of_the_bad(release: Release) -> list[str]:
    found = []
    if release.ended is None:
        found.append(f"{release.image} was not rolled back: its last phase was {release.phase}")
    others = failed_elsewhere(release)
    if others:
        found.append(
            f"{len(others)} requests failed during the bad release that gray had no part in: "
            f"{summary(others)}"
        )
    seconds = rollback_s(release)
    if not bad_answers(release) or seconds is None:
        found.append("no client saw a bad answer, so the rollback shows nothing")
    elif seconds > LONGEST_ROLLBACK_S:
        found.append(
            f"{seconds:.0f} s from the first bad answer to the last gray one, "
            f"allowed {LONGEST_ROLLBACK_S:.0f} s"
        )
    return found + _stragglers(release)


def _stragglers(release: Release) -> list[str]:
    late = gray_after_the_end(release)
    if not late:
        return []
    return [f"{len(late)} requests went to gray after the {release.name} release was over"]
