"""A person takes a hand in a release by `kubectl faceblur`, installed as its page says."""

from typing import Any

import pytest
from tests.e2e.scene import A_WHILE, NAME, OPERATOR_ACTS, PROMOTION, Scene
from tests.support import installation
from tests.support.answers import failed, summary
from tests.support.eventually import consistently

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

# As many for every step, so that nothing but the command keeps a weight from rising.
ENOUGH_PODS = (2, 2)


def template_of_stable(scene: Scene) -> dict[str, Any]:
    template: dict[str, Any] = scene.deployment(installation.STABLE)["spec"]["template"]["spec"]
    return template


def test_a_paused_release_stays_and_a_resumed_one_goes_on(scene: Scene) -> None:
    # Given a release at 20 %
    scene.release(20, 100, pods=ENOUGH_PODS)
    scene.waits_at(20)

    # When somebody pauses it, and its hold is over
    scene.command("pause", NAME)
    scene.reaches("Paused", within=OPERATOR_ACTS)
    scene.let_go_on(1)

    # Then it stays where it is, and says on whose word.
    consistently(
        scene.now,
        lambda one: (one.phase, one.weight) == ("Paused", 20),
        during=A_WHILE,
        what="the release stays paused at 20 %",
    )
    assert "pause" in scene.decisions()[-1]["message"]
    assert scene.decisions()[-1]["by"]

    # When somebody resumes it, it goes on.
    scene.command("resume", NAME)
    scene.reaches_weight(100, within=OPERATOR_ACTS)


def test_an_aborted_release_is_off_at_once_and_a_retried_one_begins_again(scene: Scene) -> None:
    # Given a release at 50 %, and clients
    scene.release(50, 100)
    scene.waits_at(50)
    with scene.clients() as load:
        # When somebody aborts it
        scene.command("abort", NAME)

        # Then everybody is back on stable, and it stays so,
        scene.reaches("RolledBack", within=OPERATOR_ACTS)
        scene.everybody_is_on_stable()
        assert scene.now().reason == "Aborted", scene.decisions()
        consistently(
            scene.now,
            lambda one: (one.phase, one.weight) == ("RolledBack", 0),
            during=A_WHILE,
            what="nothing is released again by itself",
        )

        # and goes out again on somebody's word only.
        scene.command("retry", NAME)
        scene.waits_at(50)

    # Nobody noticed anything.
    assert not failed(load.answers), summary(load.answers)


def test_an_undone_promotion_puts_stable_back_to_what_it_ran(scene: Scene) -> None:
    # Given a version that was promoted
    before = template_of_stable(scene)
    scene.release(100, hold="1s")
    scene.reaches("Succeeded", within=PROMOTION)
    assert template_of_stable(scene) != before
    with scene.clients() as load:
        # When somebody undoes that
        scene.command("undo", NAME)

        # Then stable runs what it ran before,
        scene.reaches("RolledBack", within=PROMOTION)
        assert template_of_stable(scene) == before
        assert "undone" in scene.command("status", NAME)
        scene.everybody_is_on_stable()

    # and nobody noticed.
    assert not failed(load.answers), summary(load.answers)
