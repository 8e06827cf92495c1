"""A release that is disturbed in the middle: users never notice, and no weight rises unproven."""

import pytest
from tests.e2e.scene import (
    EVIDENCE_GATHERS,
    GARBAGE_IS_GONE,
    OPERATOR_ACTS,
    SUCCESS,
    TAKEOVER,
    Scene,
)
from tests.support import installation
from tests.support.answers import failed, summary
from tests.support.eventually import eventually

# As many for every step, so that nothing but the lack of evidence keeps a weight from rising.
ENOUGH_PODS = (2, 2)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240, func_only=True)]


def test_deleting_the_rollout_leaves_everybody_on_stable(scene: Scene) -> None:
    # Given a release at 50 %, and clients
    scene.release(50, 100)
    scene.waits_at(50)
    with scene.clients() as load:
        # When the rollout is deleted
        scene.delete_rollout()

        # Then all of gray vanishes,
        eventually(
            scene.gray_objects,
            lambda left: not left,
            within=GARBAGE_IS_GONE,
            what="no gray objects",
        )
        scene.everybody_is_on_stable()

    # and nobody noticed.
    assert not failed(load.answers), summary(load.answers)


@pytest.mark.parametrize("are_all", [False, True], ids=["the leader", "all replicas"])
def test_a_killed_operator_goes_on_and_raises_nothing_unproven(scene: Scene, are_all: bool) -> None:
    # Given a release at 20 % whose hold is over, without a single photo to judge it by
    scene.release(20, 100, hold="1s", slos=(SUCCESS,), pods=ENOUGH_PODS)
    scene.waits_at(20)
    leader = scene.leader()
    victims = scene.operator_pods() if are_all else [f"pod/{scene.leading_pod()}"]

    # When the operator is killed
    scene.kill(*victims)

    # Then another one takes over,
    def leader_while_nothing_rises() -> str:
        assert scene.now().weight == 20
        return scene.leader()

    eventually(
        leader_while_nothing_rises,
        lambda name: name not in ("", leader),
        within=TAKEOVER,
        what="there is a new leader",
    )
    # the weight stays where it is,
    scene.stays_at(20)
    # and goes on once there is evidence.
    with scene.photographers() as load:
        scene.reaches_weight(100, within=EVIDENCE_GATHERS)
    assert not failed(load.answers), summary(load.answers)


def test_without_prometheus_nothing_moves(scene: Scene) -> None:
    # Given a release at 20 % whose hold is over, and which nobody has used yet
    scene.release(20, 100, hold="1s", slos=(SUCCESS,), pods=ENOUGH_PODS)
    scene.waits_at(20)

    # When Prometheus is away
    with scene.without_prometheus():
        eventually(
            scene.now,
            lambda one: one.verdict in ("NoData", "Error"),
            within=OPERATOR_ACTS,
            what="the rollout says that it cannot judge",
        )
        # and people have photos blurred meanwhile
        with scene.photographers() as load:
            # Then the release neither goes on nor back.
            scene.stays_at(20)
    assert not failed(load.answers), summary(load.answers)

    # When Prometheus is there again
    with scene.photographers() as load:
        # Then the release goes on.
        scene.reaches_weight(100, within=EVIDENCE_GATHERS)
    assert not failed(load.answers), summary(load.answers)


def test_the_operator_is_upgraded_in_the_middle(scene: Scene) -> None:
    # Given a release at 25 %, and clients
    scene.release(25, 100)
    scene.waits_at(25)
    before = set(scene.operator_pods())
    with scene.clients() as load:
        # When the operator is upgraded
        installation.install_operator(scene.cluster, {"podAnnotations.upgraded": "yes"})
        eventually(
            lambda: set(scene.operator_pods()),
            lambda pods: not pods & before,
            within=TAKEOVER,
            what="all operator pods are new",
        )

        # Then the release is where it was,
        scene.stays_at(25)
        # goes on when it is let go,
        scene.let_go_on(1)
        scene.waits_at(100)

    # and nobody noticed.
    assert not failed(load.answers), summary(load.answers)
