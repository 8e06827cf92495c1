"""The world that the explorer walks through: processes that count, and people who opted in.

A process is a pod of each side or, where one scrape holds both sides, an Ingress controller. It
may restart, go and come; those who opted in have counters of their own, as the service has.
"""

from dataclasses import dataclass, field, replace
from math import log

from tests.support.world import World

from faceblur_operator.core.counters import OPTED_IN
from faceblur_operator.core.evidence import SLACK, Counts, log_better_than
from faceblur_operator.core.judge import FEWEST_COMPARED
from faceblur_operator.core.plan import Plan, RatioObjective
from faceblur_operator.core.snapshot import Labels, Samples, Vector
from faceblur_operator.core.state import Stage, State

# Gray, stable, and gray's answers to those who opted in.
KINDS = GRAY, STABLE, KEEN = "gray", "stable", "keen"
SERIES = {GRAY: (GRAY, KEEN), STABLE: (STABLE,)}
MOST = 3


@dataclass
class Process:
    """What one process counted of each kind, total and bad, since it began."""

    number: int
    counted: dict[str, list[int]] = field(default_factory=lambda: {kind: [0, 0] for kind in KINDS})
    # A controller shows a side only once that side got a request; see `CountingWorld.vanish`.
    shown: set[str] = field(default_factory=lambda: set(KINDS))

    def labels(self, kind: str, objective: RatioObjective) -> Labels:
        if objective.same_scrape:
            found: Labels = (("instance", f"10.0.0.{self.number}:8082"), ("job", "traefik"))
            return (*found, OPTED_IN) if kind == KEEN else found
        side = STABLE if kind == STABLE else GRAY
        pod = ("pod", f"{side}-{self.number}")
        return (OPTED_IN, pod) if kind == KEEN else (pod,)


@dataclass
class CountingWorld(World):
    """A world in which one to three processes count, and some of gray's users asked for it.

    Attributes:
        keen: at each turn so many people who opted in come, and for so many of them gray fails.
        by_weight: what gray answered to the others since it was last asked, total and bad.
        is_worse: gray failed a larger share than stable since it was last asked.
        queue: what the gauge reads.
    """

    keen: tuple[int, int] = (0, 0)
    by_weight: list[int] = field(default_factory=lambda: [0, 0])
    is_worse: bool = False
    queue: float = 1.0
    processes: list[Process] = field(default_factory=lambda: [Process(1)])
    begun: int = 1

    def serve(self, *, gray: int = 0, bad: int = 0, stable: int = 0, stable_bad: int = 0) -> None:
        asked = {GRAY: (gray, bad), STABLE: (stable, stable_bad), KEEN: self.keen}
        for kind, counts in asked.items():
            for place, number in enumerate(counts):
                for one, part in zip(self.processes, self._spread(number), strict=True):
                    one.counted[kind][place] += part
        self.by_weight[0] += gray
        self.by_weight[1] += bad
        self.is_worse = self.is_worse or bad * stable > stable_bad * gray

    def _spread(self, number: int) -> list[int]:
        """Return how many of them each process answers."""
        size = len(self.processes)
        return [number * (index + 1) // size - number * index // size for index in range(size)]

    def forget(self) -> None:
        """Begin anew to note what gray answered to those who did not opt in."""
        self.by_weight, self.is_worse = [0, 0], False

    def come(self) -> None:
        """Let one more process count, or the oldest give way to it."""
        self.begun += 1
        self.processes = [*self.processes, Process(self.begun)][-MOST:]

    def go(self) -> None:
        """Let the last process end, unless it is the only one."""
        self.processes = self.processes[:-1] or self.processes

    def restart(self) -> None:
        """Let the first process begin at zero, under the same name."""
        self.processes[0] = Process(self.processes[0].number)

    def halve(self) -> None:
        """Let all counters go back, as no process does, to values that were never counted."""
        for one in self.processes:
            for counts in one.counted.values():
                counts[:] = [value // 2 for value in counts]
            self._count_again(one)

    def vanish(self, kinds: tuple[str, ...]) -> None:
        """Let the first process say nothing of some kinds, or (none) say all again."""
        self.processes[0].shown = set(KINDS) - set(kinds)
        # Who looks first meanwhile takes it for one that began later.
        self._count_again(self.processes[0])

    def _count_again(self, process: Process) -> None:
        """Note that what a process counted may be counted once more."""
        for place in (0, 1):
            self.by_weight[place] += process.counted[GRAY][place]
        self.is_worse = True

    def samples(self, plan: Plan) -> Samples:
        series: dict[str, Vector] = {"queue:gray:value": Vector(((),), (self.queue,))}
        for one in plan.objectives:
            if isinstance(one, RatioObjective):
                series |= self._counters(one)
        found = Samples(self.now, series, read_at=self.now)
        self.answered[self.now] = found
        return replace(found, past=self._past())

    def _counters(self, objective: RatioObjective) -> dict[str, Vector]:
        found = {}
        for side, kinds in SERIES.items():
            shown = [
                (one.labels(kind, objective), one.counted[kind])
                for one in self.processes
                for kind in kinds
                if kind in one.shown and (kind != KEEN or one.counted[KEEN][0])
            ]
            labels = tuple(which for which, _ in shown)
            for what, place in (("total", 0), ("bad", 1)):
                values = tuple(float(counts[place]) for _, counts in shown)
                found[f"{objective.name}:{side}:{what}"] = Vector(labels, values)
        return found


def in_one_scrape(plan: Plan) -> Plan:
    """Return the plan whose comparisons are made of what an Ingress controller counts."""
    return replace(
        plan,
        objectives=tuple(
            replace(one, same_scrape=True)
            if isinstance(one, RatioObjective) and one.allowed is None
            else one
            for one in plan.objectives
        ),
    )


def is_shown_by_weight(plan: Plan, after: State, came: int) -> bool:
    """Whether those whom the weight sent to gray are enough to go on, and as many `came`."""
    risked = 100 if after.stage is Stage.PROMOTING else after.weight
    wanted = -log(plan.bad_promotion) * risked / 100
    for slo, one in zip(after.slos, plan.objectives, strict=True):
        if not isinstance(one, RatioObjective):
            continue
        found = Counts(slo.gray.total - slo.keen.total, slo.gray.bad - slo.keen.bad)
        if found.total > came:
            return False
        if one.unacceptable is None and found.total < FEWEST_COMPARED:
            return False
        if one.unacceptable and log_better_than(one.unacceptable, found) < wanted - SLACK:
            return False
    return True
