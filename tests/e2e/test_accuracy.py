"""A version that finds fewer faces answers fast and never fails; its faces alone give it away.

And the story of a good version: by what it answers and by the faces it finds, it becomes stable.
Stable looks with `high`, its default. The bad versions here come with another default, `fast`: a
release that saves CPU. It sees portraits as well as ever and loses small faces.
"""

import json
from collections.abc import Iterator, Mapping

import pytest
from tests.benchmarks.blur.client import unlike
from tests.e2e.scene import (
    GRAY_IS_READY,
    LATENCY,
    NAME,
    PROMOTION,
    ROLLBACK,
    SCALED,
    SUCCESS,
    Scene,
)
from tests.support import installation
from tests.support.answers import failed, summary
from tests.support.eventually import Patience, eventually
from tests.support.load import Load, Question
from tests.support.pictures import crowd

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240, func_only=True)]

PROBE = "face-blur-probe"
PICTURES = "pictures-of-a-crowd"
PROBED = Patience("the probe has asked gray about thirty faces", 60)

# Not for a version that becomes stable: Helm would find its own setting changed by somebody else.
LOOKS_LESS_HARD = {"FACEBLUR_SHADOW_PERCENT": "100", "FACEBLUR_SENSITIVITY": "fast"}
AGREEMENT = {
    "name": "agreement",
    "builtin": "faceAgreement",
    "atLeast": "90%",
    "unacceptable": "50%",
}
RECALL = {"name": "recall", "builtin": "faceRecall", "atLeast": "99%", "unacceptable": "50%"}


def people(scene: Scene) -> Load:
    """Return people who have a group photo blurred, and leave the sensitivity to the service."""
    web = scene.page.url.removesuffix("/healthz")
    photo, _ = crowd()
    # What is answered from the cache would compare nothing.
    bodies = [unlike(photo, number) for number in range(1000)]
    return Load(Question(f"{web}/api/v1/blur", bodies=bodies), rate=4)


@pytest.fixture(scope="module")
def _probe(
    home: installation.Reachable, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Let the chart's probe run with a labelled crowd, without a pause between rounds.

    The shipped pictures show large faces, which every sensitivity finds.
    """
    folder = tmp_path_factory.mktemp("labels")
    photo, faces = crowd()
    marked = [{"x": f.x1, "y": f.y1, "width": f.width, "height": f.height} for f in faces]
    labels = {"pictures": [{"file": "crowd.jpg", "faces": marked}]}
    (folder / "crowd.jpg").write_bytes(photo)
    (folder / "labels.json").write_text(json.dumps(labels))
    where = ("configmap", PICTURES, f"-n={installation.NAMESPACE}")
    home.kubectl("create", *where, f"--from-file={folder}")
    upgrade(
        home,
        {
            "probe.enabled": "true",
            "probe.everySeconds": 1,
            "probe.labels.configMap": PICTURES,
            "probe.grayService": "face-blur-gray-service",
        },
    )
    yield
    upgrade(home, {})
    home.kubectl("delete", *where)


def upgrade(home: installation.Reachable, values: Mapping[str, object]) -> None:
    """Upgrade the chart of the service, which has to name the image that was promoted last."""
    path = "-o=jsonpath={.spec.template.spec.containers[0].image}"
    where = (f"-n={installation.NAMESPACE}", f"deployment/{installation.STABLE}")
    tag = home.kubectl("get", *where, path).strip().rpartition(":")[2]
    installation.install_service(home, {"image.tag": tag, **values})


def test_a_version_that_finds_fewer_faces_than_stable_is_taken_back(scene: Scene) -> None:
    # Given people with group photos
    with people(scene):
        # When a version that looks less hard is released
        scene.release(50, 100, slos=[AGREEMENT], env=LOOKS_LESS_HARD)
        scene.reaches_weight(50, within=GRAY_IS_READY)

        # Then it is taken back for the faces it lost.
        end = scene.reaches("RolledBack", within=ROLLBACK)

    assert (end.weight, end.verdict) == (0, "Breach")
    assert end.message.startswith("agreement: "), end.message


@pytest.mark.usefixtures("_probe")
def test_a_version_that_loses_labelled_faces_gets_no_request_and_else_is_taken_back(
    scene: Scene,
) -> None:
    # Given a version that looks less hard, and a preflight that wants nearly all labelled faces
    scene.release(20, 100, slos=[RECALL], env=LOOKS_LESS_HARD, preflight={"probe": "95%"})

    # When the probe has asked gray
    held = eventually(
        scene.now, lambda one: "faces bad" in one.message, within=PROBED, what="gray is refused"
    )

    # Then gray gets no request,
    assert (held.phase, held.weight) == ("Progressing", 0)
    assert "preflight: the probe of gray: " in held.message
    assert {one["toWeight"] for one in scene.decisions()} <= {0}
    # and where nobody asks for that, it is taken back, although nobody uses it.
    scene.kube.patch_rollout(NAME, {"spec": {"preflight": None}})
    end = scene.reaches("RolledBack", within=ROLLBACK)
    assert (end.weight, end.verdict) == (0, "Breach")
    assert end.message.startswith("recall: "), end.message


@pytest.mark.usefixtures("_probe")
def test_a_good_version_becomes_stable_without_a_failed_request(scene: Scene) -> None:
    # Given people who have photos blurred
    with people(scene) as load:
        # When a version is released that is good, and finds the same faces
        scene.release(
            50,
            100,
            hold="3s",
            slos=[SUCCESS, LATENCY, AGREEMENT, RECALL],
            preflight={"probe": "95%"},
        )

        # Then it becomes the stable one, for evidence of all four,
        scene.reaches("Succeeded", within=PROMOTION)
        status = (scene.kube.rollout(NAME) or {})["status"]
        assert {one["name"]: one["verdict"] for one in status["slos"]} == dict.fromkeys(
            ("success", "latency", "agreement", "recall"), "Pass"
        )
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


@pytest.mark.usefixtures("_probe")
def test_the_probe_runs_without_rights(scene: Scene) -> None:
    # Given the probe, as the chart makes it
    eventually(
        lambda: scene.deployment(PROBE)["status"].get("readyReplicas", 0),
        lambda ready: ready == 1,
        within=SCALED,
        what="the probe is ready",
    )

    # When its process says who it is and where it can write
    script = (
        "import json, os; "
        "print(json.dumps([os.getuid(), os.access('/', os.W_OK), os.access('/labels', os.W_OK), "
        "os.statvfs('/').f_flag & os.ST_RDONLY, os.path.exists('/var/run/secrets/kubernetes.io')]))"
    )
    said = json.loads(scene.kubectl("exec", f"deployment/{PROBE}", "--", "python", "-c", script))

    # Then it is nobody, on a root that is read-only, without a key to the API.
    assert said == [10001, False, False, 1, False]
