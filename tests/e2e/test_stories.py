"""The story of a bad version, short: it is taken back by itself. A good one's: `test_accuracy`."""

import json

import pytest
from tests.e2e.scene import AT_INGRESS, LATENCY, ROLLBACK, SUCCESS, Scene
from tests.support import installation
from tests.support.answers import failed, summary

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]


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


def test_what_traefik_answers_takes_a_version_back_too(scene: Scene) -> None:
    with scene.photographers():
        # Given a gray that fails every second picture, and nobody who stands in for it
        fault = {"FACEBLUR_FAULT": json.dumps({"errorRate": 0.5}), "FACEBLUR_FALLBACK_URL": ""}
        scene.release(20, 100, hold="30s", env=fault, slos=(AT_INGRESS,))

        # Then the counters of one process, scraped at once, are told apart, and enough.
        found = scene.reaches("RolledBack", within=ROLLBACK)
        assert (found.weight, found.verdict) == (0, "Breach")
        assert found.message.startswith("answers: ")
        scene.everybody_is_on_stable()
