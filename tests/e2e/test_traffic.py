"""Who reaches gray: the share that is set. Everybody who asks for it: `test_gray_channel`."""

import pytest
from tests.e2e.scene import OPERATOR_ACTS, Scene
from tests.support import installation
from tests.support.answers import failed, share_of, summary
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240, func_only=True)]

COUNTED = 2000
# The controller deals by weighted round robin, which is exact over any hundred requests; half a
# point would do.  One point leaves room for a reload of its routes in the middle of the count.
TOLERANCE_POINTS = 1.0
WEIGHTS = (5, 25, 50, 100)


def test_clients_see_the_weight_of_every_step(scene: Scene) -> None:
    # Given a release that stays at each step until it is let go
    scene.release(*WEIGHTS)

    for step, weight in enumerate(WEIGHTS):
        # When the step's weight is set
        scene.waits_at(weight)

        # Then that share of two thousand clients gets gray, and nobody gets an error.
        answers = scene.ask(COUNTED)
        share = share_of(answers)
        assert not failed(answers), summary(answers)
        assert share.total == COUNTED
        assert abs(share.percent - weight) <= TOLERANCE_POINTS, str(share)
        scene.let_go_on(min(step + 1, len(WEIGHTS) - 1))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(
            ("annotate", "nginx.ingress.kubernetes.io/canary-weight=90", "--overwrite"),
            id="its weight was edited",
        ),
        pytest.param(("delete",), id="it was deleted"),
    ],
)
def test_a_gray_ingress_that_somebody_changed_is_repaired(
    scene: Scene, spoil: tuple[str, ...]
) -> None:
    # Given a release at 5 %
    scene.release(5, 100)
    scene.waits_at(5)

    # When somebody lays hands on the gray Ingress
    verb, *change = spoil
    scene.kubectl(verb, f"ingress/{installation.GRAY_INGRESS}", *change)

    # Then it is put back, clients are dealt out as before, and an event says so.
    eventually(
        scene.gray_weight, lambda found: found == "5", within=OPERATOR_ACTS, what="weight 5 again"
    )
    scene.waits_at(5)
    eventually(
        lambda: scene.kubectl("describe", "rollout", "face-blur"),
        lambda said: "Repaired" in said,
        within=OPERATOR_ACTS,
        what="an event tells of the repair",
    )
