"""The two stories, short: a good version is promoted, a bad one is taken back by itself."""

import pytest
from tests.e2e.scene import LATENCY, PROMOTION, ROLLBACK, SCALED, SUCCESS, Scene
from tests.support import installation
from tests.support.answers import failed, summary
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]


def test_a_good_version_becomes_stable_without_a_failed_request(scene: Scene) -> None:
    # Given people who have photos blurred
    with scene.photographers() as load:
        # When a good version is released
        scene.release(20, 100, hold="3s", slos=(SUCCESS, LATENCY))

        # Then it becomes the stable one,
        scene.reaches("Succeeded", within=PROMOTION)
        template = scene.deployment(installation.STABLE)["spec"]["template"]["spec"]
        assert template["containers"][0]["image"] == installation.VERSION_GRAY
        # gray is taken away,
        assert scene.gray_weight() is None
        eventually(
            lambda: scene.deployment(installation.GRAY)["status"].get("replicas", 0),
            lambda pods: pods == 0,
            within=SCALED,
            what="gray has no pods",
        )

    # and nobody noticed.
    assert not failed(load.answers), summary(load.answers)


def test_a_bad_version_is_taken_back_and_stable_never_fails(scene: Scene) -> None:
    # Given people who have photos blurred
    with scene.photographers() as load:
        # When a version is released that is slow and fails often
        scene.release(20, 100, hold="30s", image=installation.VERSION_BAD, slos=(SUCCESS, LATENCY))

        # Then it is taken back, and says why,
        found = scene.reaches("RolledBack", within=ROLLBACK)
        assert (found.weight, found.verdict) == (0, "Breach")
        assert "bad, allowed" in found.message
        # it never got further,
        decisions = (scene.kube.rollout("face-blur") or {})["status"]["decisions"]
        assert {one["toWeight"] for one in decisions} <= {0, 20}
        # everybody is back on stable,
        scene.everybody_is_on_stable()

    # and all that failed was gray's.
    others = [one for one in failed(load.answers) if not one.is_gray]
    assert not others, summary(others)
    scene.kubectl("wait", "--for=condition=RolledBack", "rollout/face-blur", "--timeout=5s")
