"""Recorded releases for the tests of the demo: a good default and one word for each difference."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from tests.demo.facts import Release
from tests.support.answers import Answer
from tests.support.rollouts import Sighting

RATE = 20
STEP_S = 20.0
WEIGHTS = (5, 25, 50, 100)
GOOD_END = STEP_S * (len(WEIGHTS) + 1)


def seen(at: float, phase: str, weight: int, **changes: Any) -> Sighting:
    one = Sighting(
        at=at,
        is_current=True,
        phase=phase,
        step="1/4",
        weight=weight,
        image="new",
        verdict="Pass",
        message="said",
    )
    return replace(one, **changes)


def answers(
    begin: float, end: float, weight: float, *, status: int = 200, latency_s: float = 0.1
) -> list[Answer]:
    """Return answers at a steady rate of which gray gives every hundredth/weight-th, exactly.

    Only gray's have the status and the latency; stable's are always good.
    """
    found, debt = [], 0.0
    for number in range(round((end - begin) * RATE)):
        sent = begin + number / RATE
        debt += weight / 100
        if debt >= 1 - 1e-9:
            debt -= 1
            found.append(Answer(sent, sent + latency_s, status, "gray", "new"))
        else:
            found.append(Answer(sent, sent + 0.1, 200, "stable", "old"))
    return found


def a_good_release(**changes: Any) -> Release:
    """Return a release that did all it should: 0 % for one step, then the four weights."""
    begins = [(index + 1) * STEP_S for index in range(len(WEIGHTS))]
    steps = list(zip(begins, WEIGHTS, strict=True))
    sightings = [seen(1.0, "Progressing", 0)]
    sightings += [seen(at, "Progressing", weight) for at, weight in steps]
    sightings.append(seen(GOOD_END, "Succeeded", 0))
    traffic = answers(0, STEP_S, 0)
    for at, weight in steps:
        traffic += answers(at, at + STEP_S, weight)
    traffic += answers(GOOD_END, GOOD_END + 10, 0)
    release = Release(
        name="good",
        image="new",
        wanted="Succeeded",
        weights=WEIGHTS,
        slow_s=0.3,
        began=0.0,
        ended=GOOD_END,
        sightings=tuple(sightings),
        answers=tuple(traffic),
    )
    return replace(release, **changes)


def a_bad_release(**changes: Any) -> Release:
    """Return a release that was taken back: 10 s of slow and failed answers at 5 %."""
    bad = answers(20, 30, 5, status=500, latency_s=0.7)
    release = Release(
        name="bad",
        image="worse",
        wanted="RolledBack",
        weights=WEIGHTS,
        slow_s=0.3,
        began=0.0,
        ended=31.0,
        sightings=(
            seen(1.0, "Progressing", 0),
            seen(20.0, "Progressing", 5),
            seen(30.0, "RollingBack", 0),
            seen(31.0, "RolledBack", 0),
        ),
        answers=(*answers(0, 20, 0), *bad, *answers(30, 40, 0)),
    )
    return replace(release, **changes)


def without(sightings: Iterable[Sighting], weight: int) -> tuple[Sighting, ...]:
    return tuple(one for one in sightings if one.weight != weight)


def spoiled(found: Sequence[Answer], index: int, **changes: Any) -> tuple[Answer, ...]:
    """Return the answers with one of them changed."""
    changed = list(found)
    changed[index] = replace(changed[index], **changes)
    return tuple(changed)
