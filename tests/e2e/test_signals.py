"""Gray's pods are in trouble: a real kubelet says so, and the release is over without a metric."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.scene import OPERATOR_ACTS, POD_SAYS_SO, Scene
from tests.support import installation
from tests.support.answers import failed, summary
from tests.support.rollouts import Sighting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240, func_only=True)]

# The service refuses to start with it.
WRONG_SETTING = {"FACEBLUR_SLOTS": "none"}
# Enough for the runtime to start a process, and far too little for the models.
TOO_LITTLE = "48Mi"


def ends(scene: Scene, reason: str) -> Sighting:
    """Wait until the release is rolled back, and require why."""
    end = scene.reaches("RolledBack", within=POD_SAYS_SO)
    assert (end.reason, end.weight) == (reason, 0), end.message
    return end


def test_a_crash_loop_ends_a_release_and_is_named(scene: Scene) -> None:
    scene.release(50, 100, env=WRONG_SETTING)

    end = ends(scene, "GrayCrashing")

    assert "container processor" in end.message
    assert "exit code" in end.message


def test_an_image_that_does_not_exist_ends_a_release_and_is_named(scene: Scene) -> None:
    scene.release(50, 100, image="ai-face-blur:none-such")

    end = ends(scene, "GrayImageNotPullable")

    assert "ai-face-blur:none-such" in end.message


@pytest.fixture
def small_gray(scene: Scene) -> Iterator[None]:
    """Let there be a gray Deployment of the user's own, with too little memory."""
    stable = scene.deployment(installation.STABLE)
    template: dict[str, Any] = copy.deepcopy(stable["spec"]["template"])
    labels = {"app": "small-gray", "faceblur.dev/track": "gray"}
    template["metadata"] = {"labels": labels}
    for container in template["spec"]["containers"]:
        container["resources"] = {"limits": {"memory": TOO_LITTLE}}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": installation.GRAY},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
    scene.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    yield
    scene.delete_rollout()
    scene.kubectl("delete", "deployment", installation.GRAY, "--ignore-not-found")


@pytest.mark.usefixtures("small_gray")
def test_too_little_memory_ends_a_release_also_on_an_adopted_deployment(scene: Scene) -> None:
    scene.release(50, 100)

    end = ends(scene, "GrayOutOfMemory")

    assert "OOMKilled, exit code 137" in end.message


def test_gray_that_says_it_is_not_ready_loses_its_traffic_and_nobody_notices(scene: Scene) -> None:
    # Given a release at 50 % on one pod, and clients
    scene.release(50, 100, pods=(1, 1))
    scene.waits_at(50)
    newest = ("-l=faceblur.dev/track=gray", "--sort-by=.metadata.creationTimestamp", "-o=name")
    pod = scene.kubectl("get", "pods", *newest).split()[-1]
    with scene.clients(rate=16) as load:
        # When the pod serves on for its drain time, and says that it is not ready
        scene.kubectl("exec", pod, "--", "python", "-c", "import os; os.kill(1, 15)")

        # Then stable gets everything,
        scene.reaches_weight(0, within=OPERATOR_ACTS)
        scene.everybody_is_on_stable()

    # and nobody noticed.
    assert not failed(load.answers), summary(load.answers)
    assert scene.now().reason == "GrayLostReadiness"
