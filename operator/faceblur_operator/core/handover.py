"""How stable takes the traffic over again when its autoscaler made it small.

While gray carries everything, an autoscaler sees stable idle and scales it down. All traffic at
once would then fall on a few pods. So stable gets what its pods can carry and a little more, which
is what makes its autoscaler add pods; a load that needs no more pods is given over by time.
"""

from datetime import datetime, timedelta

from faceblur_operator.core.snapshot import Workload
from faceblur_operator.core.state import State
from faceblur_operator.core.view import View

# Of what a pod of stable carried before. Autoscalers act from a tenth above their target on.
HEADROOM = 1.5
# An autoscaler looks every 15 s, and pods need time to start.
PATIENCE = timedelta(seconds=60)
# Less than this is not worth another round.
LEAST = 5


def is_taking_over(state: State, stable: Workload) -> bool:
    """Whether stable can take traffic: all its pods are new.

    Before the first traffic all that are wanted must be there; later an autoscaler may add some.
    """
    if stable.replicas == 0:
        # Nothing is missing there, and nobody would answer.
        return False
    if stable.is_rolled_out:
        return True
    return state.weight < 100 and stable.settled and 0 < stable.updated == stable.total


def left_for_gray(state: State, view: View, stable: Workload) -> int:
    """Return the weight that gray keeps for now, 0 when stable can carry everything."""
    if view.snapshot.stable_scaler is None or stable.available >= state.capacity:
        return 0
    carried = int(100 * HEADROOM * stable.available / state.capacity)
    left = min(state.weight, 100 - carried)
    if state.weight < 100 and view.now >= next_at(state, view.now):
        left = min(left, state.weight // 2)
    return left if left >= LEAST else 0


def next_at(state: State, now: datetime) -> datetime:
    """Return when stable gets more although its autoscaler added no pod."""
    return (state.weighted_since or now) + PATIENCE
