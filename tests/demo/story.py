"""Plays one release: apply, watch, show a line per event, record everything."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import yaml
from tests.demo.facts import Release
from tests.demo.releases import Plan
from tests.demo.terminal import HEAD, Terminal, totals
from tests.support.answers import Answer, sent_between
from tests.support.installation import Reachable
from tests.support.load import Load
from tests.support.rollouts import Lookout, Sighting

OVER = frozenset({"Succeeded", "RolledBack", "Invalid"})
# A line at least this often, so that nobody wonders whether it still works.
QUIET_S = 5.0
GIVE_UP_S = 240.0
# Traffic goes on while gray is scaled down: its end must not fail a request either.
TAIL_S = 10.0


@dataclass
class _Screen:
    """What has been shown so far, so that each line tells what is new."""

    terminal: Terminal
    load: Load
    began: float
    cursor: int = 0
    shown_at: float = field(default_factory=time.monotonic)

    def show(self, seen: Sighting) -> None:
        fresh = self.load.since(self.cursor)
        self.cursor += len(fresh)
        self.terminal.event(seen, fresh, totals(self._answers()))
        self.shown_at = time.monotonic()

    def _answers(self) -> list[Answer]:
        return [one for one in self.load.answers if one.sent >= self.began]


def play(
    cluster: Reachable, plan: Plan, load: Load, lookout: Lookout, terminal: Terminal
) -> Release:
    """Apply the release and return when it is over, or when patience is."""
    terminal.say(HEAD)
    began = time.monotonic()
    screen = _Screen(terminal, load, began, cursor=len(load.answers))
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(dict(plan.manifest)))
    sightings: list[Sighting] = []
    over_at: float | None = None
    until = began + GIVE_UP_S
    while time.monotonic() < until:
        seen = lookout.next(min(1.0, until - time.monotonic()))
        if seen is None:
            if sightings and time.monotonic() - screen.shown_at >= QUIET_S:
                screen.show(sightings[-1])
            continue
        if not _is_about(plan, seen):
            continue
        if not sightings or _news(seen) != _news(sightings[-1]):
            screen.show(seen)
        sightings.append(seen)
        if seen.phase in OVER and over_at is None:
            over_at = seen.at
            until = over_at + TAIL_S
    return record(plan, began, over_at, sightings, load.answers)


def record(
    plan: Plan,
    began: float,
    over_at: float | None,
    sightings: Sequence[Sighting],
    answers: Sequence[Answer],
) -> Release:
    """Return the facts of a release."""
    is_as_wanted = bool(sightings) and sightings[-1].phase == plan.wanted
    return Release(
        name=plan.name,
        image=plan.image,
        wanted=plan.wanted,
        weights=plan.weights,
        slow_s=plan.slow_s,
        began=began,
        ended=over_at if is_as_wanted else None,
        sightings=tuple(sightings),
        answers=tuple(sent_between(answers, began, float("inf"))),
    )


def _is_about(plan: Plan, seen: Sighting) -> bool:
    """Whether the status tells of this release; at first it may still tell of the one before."""
    return seen.is_current and (seen.image == plan.image or seen.phase == "Invalid")


def _news(seen: Sighting) -> tuple[object, ...]:
    """Return what is worth a line at once; the message has numbers that run on by themselves."""
    return seen.phase, seen.step, seen.weight, seen.verdict
