"""Explores the core: anything may happen between two looks, and after each the safety rules hold.

Used by the unit tests with a fixed choice of paths, and by `python -m tests.support.explorer N`
with N paths of chance.
"""

import json
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run
from tests.support.builders import a_gauge, a_plan, a_ratio
from tests.support.counting import (
    GRAY,
    KEEN,
    STABLE,
    CountingWorld,
    in_one_scrape,
    is_shown_by_weight,
)

from faceblur_operator.api.reasons import Reason, Verdict
from faceblur_operator.core.commands import ANNOTATION, Verb, read
from faceblur_operator.core.decide import recall
from faceblur_operator.core.decision import Decision
from faceblur_operator.core.effects import Apply, PatchTemplate
from faceblur_operator.core.objects import CANARY
from faceblur_operator.core.plan import OnSharedBreach, Plan, Step
from faceblur_operator.core.snapshot import NoSamples, Samples
from faceblur_operator.core.state import ACTIVE, Grant, SloState, Stage, State

PLAN = a_plan(
    hold=3,
    objectives=(
        a_ratio(),
        a_ratio("no-worse", allowed=None, unacceptable=None, max_ratio=2.0),
        a_gauge(),
    ),
    no_data_rollback_after=timedelta(seconds=60),
    progress_deadline=timedelta(seconds=120),
)
IMAGES = ("ai-face-blur:1.1-gray", "ai-face-blur:1.2", "ai-face-blur:1.3")
GRANTS = (Verb.PROMOTE, Verb.PROMOTE_FULL)
# How many of those who opted in come at each turn, and for how many gray fails.
KEEN_PEOPLE = ((0, 0), (5, 0), (60, 0), (60, 12), (20, 20))
ENDED = (Stage.ROLLING_BACK, Stage.ROLLED_BACK)


class Explorer(RuleBasedStateMachine):
    """One rollout in a world without mercy."""

    def __init__(self) -> None:
        super().__init__()
        self.world = CountingWorld()
        self.plan: Plan = PLAN
        self.edits = 0
        # The release that was taken back, as long as that is known to the status or the memory.
        self.undone: State | None = None
        self.analysed: Any = None

    @initialize(
        weight=st.sampled_from([0, 5, 25, 50, 100, None]),
        is_aborted=st.sampled_from([False, False, False, True]),
        is_one_scrape=st.booleans(),
        on_shared=st.sampled_from(OnSharedBreach),
        keen=st.sampled_from(KEEN_PEOPLE),
        are_keen_first=st.sampled_from([False, False, True]),
    )
    def begin(
        self,
        weight: int | None,
        is_aborted: bool,
        is_one_scrape: bool,
        on_shared: OnSharedBreach,
        keen: tuple[int, int],
        are_keen_first: bool,
    ) -> None:
        """Begin anywhere on the ladder, or (None) in a promotion: by chance few paths get there."""
        plan = in_one_scrape(PLAN) if is_one_scrape else PLAN
        steps = (Step(0, PLAN.steps[0].hold), *PLAN.steps) if are_keen_first else PLAN.steps
        self.plan = replace(plan, steps=steps, on_shared_breach=on_shared)
        # None of theirs fails yet: else no path would get far.
        self.world.keen = (keen[0], 0)
        for _ in range(60):
            if self.world.weight == weight or self._is_promoting():
                break
            self.all_is_well(1)
        self.world.keen = keen
        if is_aborted and weight != 0:
            self.somebody_commands(Verb.ABORT, 0)

    def _is_promoting(self) -> bool:
        memory = self.world.memory
        return memory is not None and memory.state.stage is Stage.PROMOTING

    def _turns(self, most: int) -> range:
        """Return so many looks; one where nothing is going on."""
        memory = self.world.memory
        is_over = memory is not None and memory.state.stage in (Stage.ROLLED_BACK, Stage.PROMOTED)
        return range(1 if is_over else most)

    # What may happen.

    @rule(gray=st.integers(0, 120), share=st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.1, 0.5, 1.0]))
    def gray_serves(self, gray: int, share: float) -> None:
        self.world.serve(gray=gray, bad=round(gray * share), stable=100)
        self.look()

    @rule(keen=st.sampled_from(KEEN_PEOPLE), gray=st.sampled_from([0, 2, 60]))
    def others_opt_in(self, keen: tuple[int, int], gray: int) -> None:
        """From now on others do; the rest may be so few that little is known about gray."""
        self.world.keen = keen
        for _ in self._turns(6):
            self.world.serve(gray=gray, stable=100)
            self.world.settle()
            self.look()

    @rule(share=st.sampled_from([0.02, 0.3, 1.0]), seconds=st.integers(2, 6))
    def gray_gets_bad(self, share: float, seconds: int) -> None:
        for _ in self._turns(seconds):
            self.world.serve(gray=50, bad=round(50 * share), stable=100)
            self.world.settle()
            self.look()

    @rule(seconds=st.integers(1, 12))
    def all_is_well(self, seconds: int) -> None:
        self.world.queue = 1.0
        self.plan = replace(self.plan, suspended=False)
        for _ in self._turns(seconds):
            self.world.serve(gray=60, stable=100)
            self.world.settle()
            self.look()

    @rule(seconds=st.integers(1, 8))
    def hardly_anybody_comes(self, seconds: int) -> None:
        for _ in self._turns(seconds):
            self.world.serve(gray=1, stable=2)
            self.world.settle()
            self.look()

    @rule(share=st.sampled_from([0.05, 0.3, 1.0]))
    def both_suffer(self, share: float) -> None:
        for _ in self._turns(4):
            self.world.serve(
                gray=50, bad=round(50 * share), stable=100, stable_bad=round(100 * share)
            )
            self.look()

    @rule(queue=st.sampled_from([1.0, 19.0, 25.0, float("nan")]))
    def the_gauge_moves(self, queue: float) -> None:
        self.world.queue = queue
        self.look()

    @rule(lost=st.sampled_from(["server", "everything", "gray", "stable"]), looks=st.integers(1, 8))
    def data_is_missing(self, lost: str, looks: int) -> None:
        gone = (":gray:", ":stable:") if lost == "everything" else (f":{lost}:",)
        for _ in self._turns(looks):
            self.world.serve(gray=60, stable=100)
            self.world.settle()
            found = self.world.samples(self.plan)
            kept = {
                key: series
                for key, series in found.series.items()
                if not any(side in key for side in gone)
            }
            is_down = lost == "server"
            self.look(NoSamples(found.at, "down") if is_down else replace(found, series=kept))

    @rule()
    def all_counters_go_back(self) -> None:
        self.world.halve()
        self.look()

    @rule(what=st.sampled_from(["comes", "goes", "restarts"]))
    def a_process(self, what: str) -> None:
        world = self.world
        {"comes": world.come, "goes": world.go, "restarts": world.restart}[what]()
        world.serve(gray=60, stable=100)
        self.look()

    @rule(kinds=st.sampled_from([(), (), (GRAY, KEEN), (STABLE,), (KEEN,)]))
    def a_process_says_nothing_of_some(self, kinds: tuple[str, ...]) -> None:
        self.world.vanish(kinds)
        self.world.serve(gray=60, stable=100)
        self.look()

    @rule(jump=st.sampled_from([0, 30, 300, 7_200, -5, -3_600]))
    def the_clock_jumps(self, jump: int) -> None:
        self.look(after=timedelta(seconds=jump))

    # It is what ends most paths, so it comes seldom.
    @precondition(lambda self: self.world.weight > 0)
    @rule(chance=st.integers(0, 3))
    def gray_is_not_ready(self, chance: int) -> None:
        if not chance and self.world.gray is not None:
            self.world.gray = replace(self.world.gray, ready=0, available=0)
        self.look()

    @rule()
    def the_gray_deployment_is_deleted(self) -> None:
        self.world.gray = None
        self.look()

    @rule()
    def the_gray_ingress_is_deleted(self) -> None:
        self.world.gray_ingress = None
        self.look()

    @precondition(lambda self: self.world.gray_ingress is not None)
    @rule(weight=st.sampled_from(["0", "37", "100", "many"]))
    def the_weight_is_edited(self, weight: str) -> None:
        found = self.world.gray_ingress
        assert found is not None
        metadata = dict(found.manifest["metadata"])
        metadata["annotations"] = {**metadata["annotations"], f"{CANARY}-weight": weight}
        self.world.gray_ingress = replace(found, manifest={**found.manifest, "metadata": metadata})
        self.look()

    @rule(image=st.sampled_from(IMAGES))
    def another_image(self, image: str) -> None:
        self.plan = replace(self.plan, image=image)
        self.look()

    @rule(size=st.integers(1, 6))
    def stable_is_scaled(self, size: int) -> None:
        if self.world.stable is not None:
            self.world.stable = replace(self.world.stable, replicas=size)
        self.look()

    @rule(is_suspended=st.booleans())
    def suspend(self, is_suspended: bool) -> None:
        self.plan = replace(self.plan, suspended=is_suspended)
        self.look()

    @rule()
    def stable_is_updated(self) -> None:
        """While gray gets traffic, or stable the promoted version, somebody edits stable."""
        if self.world.stable is not None:
            template = json.loads(json.dumps(self.world.stable.template))
            template["spec"]["terminationGracePeriodSeconds"] = self.edits = self.edits + 1
            self.world.stable = replace(self.world.stable, template=template)
        self.look()

    @precondition(lambda self: ANNOTATION not in self.world.annotations)
    @rule(verb=st.sampled_from([*Verb, "nonsense"]), at=st.integers(0, 1_000))
    def somebody_commands(self, verb: str, at: int) -> None:
        self.world.command(f'{{"verb": "{verb}", "by": "kim", "at": "{at}"}}')
        self.look()

    @rule()
    def the_operator_starts_again(self) -> None:
        self.world.memory = None
        self.look()

    @rule(writes=st.integers(0, 3))
    def the_operator_dies_between_two_writes(self, writes: int) -> None:
        self.world.serve(gray=60, stable=100)
        self.look(crash_after=writes)

    # What must hold.

    def look(
        self,
        samples: Samples | NoSamples | None = None,
        *,
        after: timedelta = timedelta(seconds=1),
        crash_after: int | None = None,
    ) -> None:
        """Look once, and check what was decided."""
        world = self.world
        before = recall(world.memory, world.status).state
        told = world.annotations.get(ANNOTATION)
        command = read(told) if told is not None else None
        verb = command.verb if command and command.digest != before.command else None
        decision = world.tick(
            self.plan,
            after=after,
            samples=samples or world.samples(self.plan),
            crash_after=crash_after,
            # They are asked for here, once.
            is_silent=True,
        )
        self._check(before, decision, verb)
        # Writes of a process that died before it stored its status bind nobody.
        is_known = world.memory is decision.memory
        if is_known:
            self._remember(before, decision.state)

    def _check(self, before: State, decision: Decision, verb: Verb | None) -> None:
        after = decision.state
        is_new = after.started_at != before.started_at
        is_raised = after.weight > before.weight and not is_new
        is_promoted = after.stage is Stage.PROMOTING and before.stage is Stage.STEPPING
        if (is_raised and before.weight > 0) or is_promoted:
            is_granted = before.granted is not Grant.NONE or verb in GRANTS
            is_shown = bool(after.slos) and all(one.verdict is Verdict.PASS for one in after.slos)
            assert is_granted or is_shown, "went on without evidence and without a person's word"
            is_known = is_shown_by_weight(self.plan, after, self.world.by_weight[0])
            assert is_granted or is_known, "went on by those who opted in"
        if is_raised:
            assert before.stage is Stage.STEPPING, f"raised from {before.stage}"
            is_full = before.granted is Grant.FULL or verb is Verb.PROMOTE_FULL
            step = 0 if before.weighted_since is None else before.step + 1
            step = len(self.plan.steps) - 1 if is_full else step
            assert after.weight == self.plan.steps[step].weight, "skipped a rung"
        if verb is Verb.ABORT and before.stage in ACTIVE and not is_new:
            assert (after.weight, after.stage) == (0, Stage.ROLLING_BACK), "abort did not win"
        if self.undone is not None and verb not in (Verb.RETRY, Verb.UNDO) and not is_new:
            assert after.weight == 0, "an undone release got traffic"
        if not is_new:
            for slo in after.slos:
                self._check_blame(slo, before)
        if after.weight > 0 and before.weight == 0:
            self.world.forget()
        self._check_effects(after, decision)

    def _check_blame(self, slo: SloState, before: State) -> None:
        """Check that no breach is gray's fault that those given to it by the weight do not see."""
        if slo.verdict is not Verdict.BREACH or not 0 < before.weight < 100:
            return
        world, is_compared = self.world, slo.message.startswith("worse than stable")
        if is_compared:
            assert world.by_weight[1] > 0, "those who opted in were compared with stable"
            assert world.is_worse, "gray is blamed for what both share"
        is_alone = not (slo.stable.total or slo.restarts or slo.after.since)
        is_ratio = is_compared or slo.name == PLAN.objectives[0].name
        if is_ratio and not is_alone and self.plan.on_shared_breach is OnSharedBreach.HOLD:
            assert world.by_weight[1] > 0, "rolled back by those who opted in alone"

    def _check_effects(self, after: State, decision: Decision) -> None:
        kinds = [isinstance(one, Apply) and one.kind == "Ingress" for one in decision.effects]
        assert kinds == sorted(kinds, reverse=True), "traffic is not the first write"
        for one in decision.effects:
            if isinstance(one, PatchTemplate) and after.stage is Stage.PROMOTING:
                gray = self.world.gray
                assert gray is not None, "promoted what nobody runs"
                self.analysed = gray.template["spec"]
            if isinstance(one, Apply) and one.kind == "Ingress":
                annotations = one.manifest["metadata"]["annotations"]
                assert annotations[f"{CANARY}-weight"] == str(after.weight)

    def _remember(self, before: State, after: State) -> None:
        if after.stage in ENDED:
            self.undone = after
        elif after.started_at != before.started_at or after.stage not in ENDED:
            self.undone = None

    @invariant()
    def it_says_what_it_waits_for(self) -> None:
        if self.world.status:
            assert self.world.status["message"]
            assert all(one["reason"] for one in self.world.status["conditions"])

    @invariant()
    def what_was_promoted_is_what_was_analysed(self) -> None:
        world, memory = self.world, self.world.memory
        if memory is None or memory.state.stage is not Stage.PROMOTED or self.analysed is None:
            return
        if memory.state.reason is Reason.PROMOTED and self.edits == 0:
            assert world.stable is not None
            assert world.stable.template["spec"] == self.analysed

    @invariant()
    def the_status_stays_small(self) -> None:
        assert len(str(self.world.status)) < 16_384


def explore(paths: int, steps: int, *, is_repeatable: bool) -> None:
    """Walk so many paths of so many steps; raises with the shortest path that breaks a rule."""
    run(
        Explorer,
        settings=settings(
            max_examples=paths,
            stateful_step_count=steps,
            deadline=None,
            derandomize=is_repeatable,
            # Shortening a path takes minutes; the exploration by chance does it.
            phases=[Phase.generate] if is_repeatable else list(Phase),
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


if __name__ == "__main__":
    explore(int(sys.argv[1]), 60, is_repeatable=False)
