"""A look at which nothing is to be done: all that is new are samples that change no verdict.

Nearly every look is one. It is told apart early, and then only what is said about the evidence is
worked out; see docs/design/looks.md.
"""

from faceblur_operator.api.reasons import Reason, Verdict
from faceblur_operator.core.admission import measure
from faceblur_operator.core.analysis import analyse, is_stale, terms_of, verdict_of
from faceblur_operator.core.decision import Decision
from faceblur_operator.core.desired import clocks_of
from faceblur_operator.core.footing import changed, footing
from faceblur_operator.core.lifecycle import not_yet
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.prepared import Quiet, is_lasting, key_of, left
from faceblur_operator.core.report import REFRESH_PASSED, is_fresh
from faceblur_operator.core.request import Request
from faceblur_operator.core.snapshot import Samples
from faceblur_operator.core.spell import begun, longer
from faceblur_operator.core.state import Stage

# To look up a member of an enumeration takes longer than what is done with it.
HOLDING, STEPPING, PASS = Reason.HOLDING, Stage.STEPPING, Verdict.PASS


def quietly(request: Request, memory: Memory) -> Decision | None:
    """Return the decision when all that is new are samples that change no verdict, else None.

    The last look was a quiet one. Until its time is over, the rules could come to something else
    only by a verdict: only what is said about the evidence is worked out anew.
    """
    plan, snapshot, now, before = request.plan, request.snapshot, request.now, memory.settled
    kept, samples = memory.kept, snapshot.samples
    quiet = kept.quiet if kept is not None else None
    if (
        kept is None
        or quiet is None
        or request.reports
        or not isinstance(samples, Samples)
        or before.reason is not HOLDING
        or before.stage is not STEPPING
        or plan.suspended
        or memory.unmeasurable is not None
        or not is_lasting(quiet, request.stored_status, now)
        or kept.basis != (footing(before), clocks_of(plan, before, now))
        or measure(plan, snapshot, None) is not None
    ):
        return None
    calm = _calmly(request, memory, samples, quiet)
    if calm is not None:
        return Decision(calm, (), None, (), left(quiet, now), ())
    state, seen = analyse(plan, memory.state, samples, memory.seen)
    verdict = verdict_of(plan, state, now)
    is_stored = is_fresh(memory.written_at, now, quiet.against, state)
    if not is_stored or key_of(state, verdict, None) != quiet.key:
        return None
    # While all objectives pass, what is said depends on nothing that could have changed.
    if verdict is not PASS:
        refused = not_yet(plan, state, verdict, now)
        if refused is None:
            return None
        if state.message != refused.message:
            state = changed(state, message=refused.message)
    written_at, baseline, awake_since = memory.written_at, memory.baseline, memory.awake_since
    memory = Memory(state, seen, None, written_at, baseline, kept, awake_since)
    return Decision(memory, (), None, (), left(quiet, now), ())


def _calmly(request: Request, memory: Memory, samples: Samples, quiet: Quiet) -> Memory | None:
    """Return what is remembered after a quiet look at which nothing bad happened, else None."""
    plan, now, written_at, settled = request.plan, request.now, memory.written_at, memory.settled
    if (
        written_at is None
        or now - written_at >= REFRESH_PASSED
        or is_stale(plan, samples.at, now)
        # Of what these look at, calm looks change nothing.
        or not is_fresh(written_at, now, quiet.against, settled)
        or key_of(settled, PASS, None) != quiet.key
    ):
        return None
    so_far = memory.spell or begun(plan, settled, terms_of(plan, settled, samples.at))
    went_on = longer(so_far, plan, settled, samples, memory.seen) if so_far is not None else None
    if went_on is None:
        return None
    spell, seen = went_on
    baseline, kept, awake_since = memory.baseline, memory.kept, memory.awake_since
    return Memory(settled, seen, None, written_at, baseline, kept, awake_since, spell)
