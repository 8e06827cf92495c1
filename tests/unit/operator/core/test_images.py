"""A tag that is moved stops every raise, and never becomes stable."""

from dataclasses import replace

import pytest
from tests.support.builders import a_plan
from tests.support.world import World, a_container, a_pod, a_template, a_workload

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.images import moved, strange
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.snapshot import Pod, Snapshot

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
PULLED, MOVED = f"docker.io/library/ai-face-blur@{ONE}", f"mirror/ai-face-blur@{TWO}"
GRAY = a_workload("face-blur-gray", a_template("ai-face-blur:1.1-gray"))


def running(image_id: str, **changes: object) -> Pod:
    return a_pod(a_container(image_id=image_id), **changes)


def seen(gray: tuple[Pod, ...], stable: tuple[Pod, ...] = ()) -> Snapshot:
    return replace(World(gray=GRAY).snapshot(), gray_pods=gray, stable_pods=stable)


@pytest.mark.parametrize(
    ("pods", "is_moved"),
    [
        pytest.param((), False, id="no pods"),
        pytest.param((running(PULLED), running(f"mirror/x@{ONE}")), False, id="all the same"),
        pytest.param((running(PULLED), running("")), False, id="one is not resolved yet"),
        pytest.param((running("docker://abc"), running("x")), False, id="no digests at all"),
        pytest.param((running(PULLED), running(MOVED)), True, id="pods differ"),
        pytest.param((running(ONE), running(TWO)), True, id="images loaded by hand differ"),
        pytest.param((running(PULLED), running(TWO)), False, id="two forms cannot be compared"),
        pytest.param((running(PULLED), running(MOVED, is_ending=True)), False, id="one is ending"),
        pytest.param(
            (a_pod(a_container(image_id=PULLED), a_container(name="sidecar", image_id=MOVED)),),
            False,
            id="another container has another image",
        ),
    ],
)
def test_moved(pods: tuple[Pod, ...], is_moved: bool) -> None:
    why = (
        "the tag of ai-face-blur:1.1-gray was moved: gray's pods run different images "
        "(sha256:111111111111, sha256:222222222222); release a digest or another tag"
    )

    assert moved(a_plan(), seen(pods)) == (Refusal(Reason.IMAGE_MOVED, why) if is_moved else None)


def test_without_a_gray_deployment_nothing_has_moved() -> None:
    snapshot = replace(seen((running(PULLED), running(MOVED))), gray=None)

    assert moved(a_plan(), snapshot) is None


@pytest.mark.parametrize(
    ("gray", "stable", "is_strange"),
    [
        pytest.param((), (running(MOVED),), False, id="nothing of gray is known"),
        pytest.param((running(PULLED),), (), False, id="nothing of stable is known"),
        pytest.param((running(PULLED),), (running(PULLED),), False, id="what was analysed"),
        pytest.param((running(PULLED),), (running(ONE),), False, id="another form"),
        pytest.param((running(PULLED),), (running(PULLED), running(MOVED)), True, id="one differs"),
    ],
)
def test_strange(gray: tuple[Pod, ...], stable: tuple[Pod, ...], is_strange: bool) -> None:
    found = strange(a_plan(), seen(gray, stable))

    assert (found is not None) is is_strange
    if found is not None:
        assert found.reason is Reason.IMAGE_MOVED
        assert "stable's pods run sha256:222222222222, sha256:111111111111 was" in found.message
