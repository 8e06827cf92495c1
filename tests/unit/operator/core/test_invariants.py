"""Safety, explored: random traffic, clocks, crashes and interference, checked after every tick."""

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.builders import a_plan, a_ratio
from tests.support.world import World

from faceblur_operator.api.reasons import Phase, Verdict
from faceblur_operator.core.decision import Apply, PatchTemplate
from faceblur_operator.core.snapshot import NoSamples, Samples

PLAN = a_plan(
    hold=3,
    objectives=(a_ratio(), a_ratio("no-worse", allowed=None, unacceptable=None, max_ratio=2.0)),
    no_data_rollback_after=timedelta(seconds=60),
    progress_deadline=timedelta(seconds=120),
)
WEIGHTS = (0, 5, 25, 50, 100)


class Rollout(RuleBasedStateMachine):
    """A rollout in a world where anything may happen between two looks."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.before = 0
        self.highest_undone: str | None = None

    def _tick(self, *, blind: bool = False, crash_after: int | None = None) -> None:
        world = self.world
        was = world.phase if world.status else Phase.PENDING
        before = world.weight
        earned = world.status.get("grayWeight", 0)
        samples = NoSamples(world.now, "down") if blind else None
        decision = world.tick(PLAN, samples=samples, crash_after=crash_after)
        self._check_weight(before, was, blind=blind)
        for effect in decision.effects:
            if isinstance(effect, PatchTemplate):
                image = effect.patch["spec"]["template"]["spec"]["containers"][0]["image"]
                if image == PLAN.image:
                    assert earned == 100, "stable got the new version while gray had not proved it"
        kinds = [type(one).__name__ + getattr(one, "kind", "") for one in decision.effects]
        if "ApplyIngress" in kinds:
            assert kinds.index("ApplyIngress") == 0, "traffic is not the first write"

    def _check_weight(self, before: int, was: Phase, *, blind: bool) -> None:
        """The weight rises by one rung at most, after a passing verdict, and never blindly."""
        world = self.world
        after = world.weight
        if after <= before:
            return
        assert was not in (Phase.ROLLING_BACK, Phase.ROLLED_BACK), "raised after a rollback"
        repaired = world.memory is not None and world.memory.state.weight == after
        stored = world.status.get("grayWeight", 0)
        assert repaired or after == stored or world.memory is None
        if before in WEIGHTS and before == stored and before > 0:
            assert WEIGHTS.index(after) == WEIGHTS.index(before) + 1, "skipped a rung"
        if blind and before == stored and before > 0:
            raise AssertionError("raised without data")

    @rule(gray=st.integers(0, 120), share=st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.1, 0.5, 1.0]))
    def gray_serves(self, gray: int, share: float) -> None:
        self.world.serve(gray=gray, bad=round(gray * share), stable=100)
        self._tick()

    @rule()
    def all_is_well_for_a_while(self) -> None:
        for _ in range(8):
            self.world.serve(gray=60, stable=100)
            self._tick()
            self.world.settle()

    @rule()
    def both_suffer(self) -> None:
        for _ in range(4):
            self.world.serve(gray=50, bad=15, stable=100, stable_bad=30)
            self._tick()

    @rule()
    def prometheus_is_down(self) -> None:
        self._tick(blind=True)

    @rule()
    def pods_get_ready(self) -> None:
        self.world.settle()
        self._tick()

    @rule(writes=st.integers(0, 3))
    def the_operator_dies_between_two_writes(self, writes: int) -> None:
        self.world.serve(gray=60, stable=100)
        self._tick(crash_after=writes)

    @rule()
    def somebody_deletes_the_gray_ingress(self) -> None:
        self.world.gray_ingress = None
        self._tick()

    @invariant()
    def an_undone_revision_gets_no_traffic(self) -> None:
        if self.world.status and self.world.phase in (Phase.ROLLED_BACK, Phase.ROLLING_BACK):
            assert self.world.weight == 0 or self.world.memory is None

    @invariant()
    def the_weight_is_on_the_ladder(self) -> None:
        assert self.world.weight in WEIGHTS

    @invariant()
    def what_is_promoted_is_what_was_asked_for(self) -> None:
        world = self.world
        if world.status and world.phase is Phase.SUCCEEDED:
            assert world.stable is not None
            assert world.stable.template["spec"]["containers"][0]["image"] == PLAN.image

    @invariant()
    def it_says_what_it_waits_for(self) -> None:
        if self.world.status:
            assert self.world.status["message"]


TestRollout = Rollout.TestCase
TestRollout.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_nothing_but_passing_evidence_raises_a_weight_after_the_first() -> None:
    """Every verdict but Pass, for ever: the first step's weight is all that gray ever gets."""
    world = World()
    for _ in range(400):
        world.serve(gray=0, stable=100)
        world.tick(PLAN)
        world.settle()

    assert max(world.weights) == 5
    assert world.status["verdict"] == Verdict.INSUFFICIENT


def test_every_ingress_write_comes_before_every_other_write() -> None:
    world = World()
    for _ in range(120):
        world.serve(gray=60, stable=100)
        decision = world.tick(PLAN)
        world.settle()
        kinds = [isinstance(e, Apply) and e.kind == "Ingress" for e in decision.effects]
        assert kinds == sorted(kinds, reverse=True)


def test_empty_samples_are_not_no_samples() -> None:
    """An answer without series is NoData; no answer is Error; neither is a verdict on gray."""
    world = World()
    for _ in range(3):
        world.tick(PLAN)
        world.settle()

    world.tick(PLAN, samples=Samples(world.now, {}))
    empty = world.status["verdict"]
    world.tick(PLAN, samples=NoSamples(world.now, "down"))

    assert (empty, world.status["verdict"]) == (Verdict.NO_DATA, Verdict.ERROR)
