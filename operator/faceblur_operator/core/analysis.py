"""All objectives of a rollout against one set of samples: new evidence, verdicts, one summary."""

from datetime import datetime, timedelta
from functools import lru_cache
from math import log
from operator import attrgetter

from faceblur_operator.api.reasons import Verdict
from faceblur_operator.core import ledger
from faceblur_operator.core.calm import judge_calm
from faceblur_operator.core.counters import Seen
from faceblur_operator.core.evidence import log_versus, log_worse_than, made
from faceblur_operator.core.footing import changed, sampled
from faceblur_operator.core.judge import (
    Blind,
    Held,
    Terms,
    Tick,
    blinded,
    count,
    judge_gauge,
    judge_ratio,
    waiting,
)
from faceblur_operator.core.learning import hear, learn
from faceblur_operator.core.ledger import Looks as Looks
from faceblur_operator.core.plan import (
    GaugeObjective,
    Objective,
    OnSharedBreach,
    Plan,
    RatioObjective,
)
from faceblur_operator.core.queries import GRAY, STABLE, gauge_key, ratio_keys
from faceblur_operator.core.recent import Part, parts
from faceblur_operator.core.same_scrape import pairs
from faceblur_operator.core.snapshot import NoSamples, Samples
from faceblur_operator.core.state import ACTIVE, SloState, State

# Worst first: the verdict of a rollout is the worst of its objectives.
ORDER = (Verdict.BREACH, Verdict.ERROR, Verdict.NO_DATA, Verdict.INSUFFICIENT, Verdict.PASS)
# Samples older than this many intervals say nothing about now.
STALE_INTERVALS = 3
STALE_AT_LEAST = timedelta(seconds=10)

# While it matters Prometheus is asked so many times in an interval, but not more often than this.
HURRY = 5
SHORTEST_PACE = timedelta(milliseconds=200)
FRESH_INTERVALS = 2
SHORT_INTERVAL = timedelta(seconds=2)
# All rollouts with short intervals together ask a hundred times a second, if they need not hurry.
SHARED_PACE = timedelta(milliseconds=10)
# Of the evidence for a breach, as logarithms. A good version gets so far once in three releases.
LEANING = 0.25

NAME, VERDICT = attrgetter("name"), attrgetter("verdict")
# To look up a member of an enumeration takes longer than what is done with it.
PASS, NO_DATA, ERROR = Verdict.PASS, Verdict.NO_DATA, Verdict.ERROR
UNDISTURBED = (PASS, Verdict.INSUFFICIENT)
# Most rollouts of a cluster wish for the same few.
KEPT_LIMITS = 64


def is_analysing(state: State) -> bool:
    """Whether gray gets traffic that must be judged, if only from people who opted in."""
    return state.stage in ACTIVE and (state.weight > 0 or state.weighted_since is not None)


def analyse(
    plan: Plan,
    state: State,
    samples: Samples | NoSamples,
    seen: Looks,
    *,
    is_bridged: bool = False,
) -> tuple[State, Looks]:
    """Return the state with the evidence of these samples, and what has been seen.

    `is_bridged`: they are about all that came while no process looked; see `bridge.py`.
    """
    before = _before(plan, state)
    if isinstance(samples, NoSamples):
        blind = Blind(Verdict.ERROR, samples.why)
        slos = tuple([blinded(slo, blind) for slo in before])
        return changed(state, slos=slos, no_data_since=state.no_data_since or samples.at), seen
    is_warm = _is_warm(plan, state, samples.at)
    terms = terms_of(plan, state, samples.at)
    if is_bridged:
        terms = terms._replace(is_bridged=True)
    known = zip(before, plan.objectives, strict=True)
    counted = ledger.counted(plan.objectives, samples, seen)
    after: Looks
    if counted is None:
        judged, after = [], dict(seen)
        for slo, objective in known:
            fresh, found = _judge(slo, objective, samples, seen, terms, is_warm=is_warm)
            judged.append(fresh)
            after |= found
    else:
        ticks, after = iter(counted[0]), counted[1]
        judged = []
        for slo, objective in known:
            if isinstance(objective, GaugeObjective):
                judged.append(_judge_value(slo, objective, samples, is_warm=is_warm))
                continue
            tick = next(ticks)
            is_plain = is_warm and not objective.same_scrape
            calm = judge_calm(slo, objective, tick, samples.at, terms) if is_plain else None
            judged.append(
                calm or _judge_tick(slo, objective, tick, samples, seen, terms, is_warm=is_warm)
            )
    verdicts = list(map(VERDICT, judged))
    is_blind = NO_DATA in verdicts or ERROR in verdicts
    since = (state.no_data_since or samples.at) if is_blind else None
    return sampled(state, tuple(judged), samples.at, since, samples.read_at), after


def _is_warm(plan: Plan, state: State, at: datetime) -> bool:
    """Whether gray has had traffic for long enough; a clock that was set back keeps none cold."""
    since = state.traffic_since
    return since is not None and not timedelta(0) <= at - since < plan.warmup


def unheard(plan: Plan, state: State, now: datetime, awake_since: datetime) -> State:
    """Return the state in which no answer at all, for too long, is a lack of data too.

    Nobody may be asking: gray has no pods to ask about, or the specification cannot be followed.
    What was heard before this process looked first may be much younger than the stored status.
    """
    if not is_analysing(state) or state.no_data_since is not None:
        return state
    heard = state.sampled_at or state.weighted_since
    if heard is None:
        return state
    heard = max(heard, awake_since)
    if now - heard <= _patience(plan):
        return state
    return changed(state, no_data_since=heard)


def terms_of(plan: Plan, state: State, now: datetime) -> Terms:
    """Return the bounds for this look.

    α is shared over the tests. The evidence needed to go on grows with what is risked: β to the
    power of the share of traffic that the next step gives to gray, β itself for promotion.
    """
    following = state.step + 1
    weight = plan.steps[following].weight if following < len(plan.steps) else 100
    begun = (state.traffic_since or now) + plan.warmup
    to_breach, to_promote, to_be_worse = _limits(
        plan.tests, plan.false_rollback, plan.bad_promotion
    )
    fields = (
        to_breach,
        to_promote * weight / 100,
        to_be_worse,
        plan.on_shared_breach is OnSharedBreach.ROLLBACK,
        (now - begun).total_seconds(),
        0 < state.weight < 100,
        False,
    )
    return made(Terms, fields)


@lru_cache(KEPT_LIMITS)
def _limits(tests: int, false_rollback: float, bad_promotion: float) -> tuple[float, float, float]:
    """Return log E that shows a breach, allows a promotion, and shows gray worse than stable."""
    return log(max(tests, 1) / false_rollback), -log(bad_promotion), -log(false_rollback)


def pace(plan: Plan, state: State, now: datetime, *, asking: int = 1) -> timedelta:
    """Return how soon after one question Prometheus is asked the next.

    Sooner than the interval while that may save users trouble: shortly after a raise, and while
    an objective leans towards a breach; always, where the interval is short and only few ask. The
    tests may be looked at as often as one likes. Values over a maximum are counted by looks, so
    while one is over, nothing is hurried.

    Args:
        plan: what is asked, and its interval.
        state: where the rollout stands.
        now: the time of this look.
        asking: how many rollouts have something to ask.
    """
    interval = plan.interval
    if not is_analysing(state) or any(slo.breaches for slo in state.slos):
        return interval
    since = state.weighted_since
    is_fresh = since is not None and now - since < FRESH_INTERVALS * interval
    if is_fresh or _leans(plan, state, now):
        return hurried(interval)
    return _unhurried(interval, asking)


def hurried(interval: timedelta) -> timedelta:
    """Return the shortest pace at an interval."""
    return min(max(interval / HURRY, SHORTEST_PACE), interval)


def _unhurried(interval: timedelta, asking: int) -> timedelta:
    """Return the pace while nothing speaks against gray.

    Who asks for a short interval wants to know soon; what few questions cost, nobody notices.
    """
    if interval > SHORT_INTERVAL:
        return interval
    return min(interval, max(hurried(interval), asking * SHARED_PACE))


def _leans(plan: Plan, state: State, now: datetime) -> bool:
    """Whether an objective is on its way to a breach, and a few looks more may show it."""
    known = {slo.name: slo for slo in state.slos if slo.gray.bad > 0}
    if not known:
        return False
    terms = terms_of(plan, state, now)
    ratios = [one for one in plan.objectives if isinstance(one, RatioObjective)]
    return any(
        _leans_by(part, one, LEANING * (terms.log_breach + part.price))
        for one in ratios
        if one.name in known
        for part in parts(known[one.name], terms.counted_s)
    )


def _leans_by(part: Part, objective: RatioObjective, lean: float) -> bool:
    slo = part.evidence
    # What is read of stable later is what one hurries for, unless it has told already that stable
    # shares it: there Prometheus has enough to do.
    if log_versus(slo.versus_after) < -lean / LEANING:
        return False
    worse = log_versus(slo.versus)
    if objective.max_ratio is not None and worse >= lean:
        return True
    return (
        objective.allowed is not None
        and slo.gray.bad > objective.allowed * slo.gray.total
        and worse >= 0
        and log_worse_than(objective.allowed, slo.gray) >= lean
    )


def verdict_of(plan: Plan, state: State, now: datetime) -> Verdict:
    """Return the worst verdict; old samples are no data, whatever they said."""
    if not state.slos:
        return Verdict.INSUFFICIENT
    verdicts = list(map(VERDICT, state.slos))
    is_passed = verdicts.count(PASS) == len(verdicts)
    worst = PASS if is_passed else next(one for one in ORDER if one in verdicts)
    if worst in UNDISTURBED and is_stale(plan, state.sampled_at, now):
        return Verdict.NO_DATA
    return worst


def explain(state: State, verdict: Verdict) -> str:
    """Return the sentences of the objectives that made the verdict."""
    said = [f"{slo.name}: {slo.message}" for slo in state.slos if slo.verdict is verdict]
    return "; ".join(said) or "no recent samples from Prometheus"


def _judge(
    slo: SloState,
    objective: Objective,
    samples: Samples,
    seen: Looks,
    terms: Terms,
    *,
    is_warm: bool,
) -> tuple[SloState, dict[str, Seen | None]]:
    if isinstance(objective, GaugeObjective):
        return _judge_value(slo, objective, samples, is_warm=is_warm), {}
    gray, found = count(objective, GRAY, samples, seen)
    stable, found_stable = count(objective, STABLE, samples, seen)
    if isinstance(gray, Blind):
        return blinded(slo, gray), {}
    if isinstance(stable, Blind):
        if objective.max_ratio is not None or stable.verdict is Verdict.ERROR:
            return blinded(slo, stable), {}
        # Gray is judged alone; stable is counted from its next look on, over the same spans.
        found_stable = dict.fromkeys(ratio_keys(objective.name, STABLE))
        stable = None
    if isinstance(gray, Held) or isinstance(stable, Held):
        kept = (found if isinstance(gray, Held) else {}) | (
            found_stable if isinstance(stable, Held) else {}
        )
        return judge_ratio(slo, objective, terms) if is_warm else waiting(slo, "warming up"), kept
    found |= found_stable
    ticks = (gray, stable)
    judged = _judge_tick(slo, objective, ticks, samples, seen, terms, is_warm=is_warm)
    return judged, found


def _judge_tick(
    slo: SloState,
    objective: RatioObjective,
    ticks: tuple[Tick | None, Tick | None],
    samples: Samples,
    seen: Looks,
    terms: Terms,
    *,
    is_warm: bool,
) -> SloState:
    gray, stable = ticks
    if not is_warm:
        return waiting(hear(slo, stable, samples.at) if stable else slo, "warming up")
    if gray is None:
        return waiting(slo, "first look, counting from here")
    at_once = pairs(objective, samples, seen) if objective.same_scrape else None
    learnt = learn(
        slo,
        objective,
        gray,
        stable,
        samples.at,
        is_compared=not terms.is_bridged,
        pairs=at_once,
    )
    return judge_ratio(learnt, objective, terms)


def _judge_value(
    slo: SloState, objective: GaugeObjective, samples: Samples, *, is_warm: bool
) -> SloState:
    if not is_warm:
        return waiting(slo, "warming up")
    return judge_gauge(slo, objective, samples.series.get(gauge_key(objective.name), ()))


def _before(plan: Plan, state: State) -> list[SloState]:
    """Return what is known of each objective, in their order."""
    if list(map(NAME, state.slos)) == list(map(NAME, plan.objectives)):
        return list(state.slos)
    known = {one.name: one for one in state.slos}
    return [known.get(one.name) or SloState(one.name) for one in plan.objectives]


def is_stale(plan: Plan, sampled_at: datetime | None, now: datetime) -> bool:
    """Whether samples are too old to tell anything about now."""
    if sampled_at is None:
        return True
    age = now - sampled_at
    return age > STALE_AT_LEAST and age > _patience(plan)


def _patience(plan: Plan) -> timedelta:
    return max(plan.interval * STALE_INTERVALS, STALE_AT_LEAST)
