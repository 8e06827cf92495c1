"""The cluster is a real one: pods, DNS, Services, an ingress controller that splits by weight."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import Cluster, ClusterError
from tests.support.eventually import Patience, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ROUTE = Patience("a change of routes", 15)
WEB = Path(__file__).with_name("web.yaml")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start("it-main", images=["faceblur-test-web:1"]) as started:
        started.kubectl("apply", "-f", str(WEB))
        started.install_platform("traefik")
        for name in ("web-stable", "web-gray"):
            started.kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s")
        yield started


def _service_address(cluster: Cluster, name: str, namespace: str = "default") -> str:
    path = "-o=jsonpath={.spec.clusterIP}"
    return cluster.kubectl("get", "service", name, f"--namespace={namespace}", path)


def _get(port: int, count: int = 1) -> list[tuple[int, str]]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    answers = []
    for _ in range(count):
        client.request("GET", "/", headers={"Host": "web.test"})
        answer = client.getresponse()
        answers.append((answer.status, answer.read().decode().strip()))
    client.close()
    return answers


def test_the_node_is_ready_for_110_pods(cluster: Cluster) -> None:
    node = json.loads(cluster.kubectl("get", "node", "node1", "-o=json"))

    conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    assert node["status"]["allocatable"]["pods"] == "110"


def test_a_pod_reaches_a_service_by_its_name(cluster: Cluster) -> None:
    answers = {
        name: cluster.kubectl(
            *("exec", "deployment/web-stable", "--", "/usr/bin/web", "get", f"http://{name}/")
        ).split("version=")[1]
        for name in ("web-gray", "web-gray.default", "web-gray.default.svc.cluster.local")
    }

    assert answers == dict.fromkeys(answers, "gray\n")


def test_a_command_of_this_machine_runs_in_the_clusters_network(cluster: Cluster) -> None:
    address = _service_address(cluster, "web-gray")

    script = f"import urllib.request as r; print(r.urlopen('http://{address}/', timeout=5).status)"
    done = cluster.exec(["python3", "-c", script])

    assert (done.returncode, done.stdout, done.stderr) == (0, "200\n", "")


def test_the_ingress_controller_splits_by_the_canary_weight(cluster: Cluster) -> None:
    port = cluster.forward(_service_address(cluster, "traefik", "traefik"), 80)
    eventually(
        lambda: _versions_now(port),
        lambda versions: versions == {"stable", "gray"},
        within=ROUTE,
        what="both versions answer",
    )

    answers = _versions(_get(port, 400))

    counted = Counter(answers)
    # Weight 25 of 400 requests; the controller splits by turns, so one point is generous.
    assert counted[200, "gray"] == pytest.approx(100, abs=4)
    assert counted[200, "gray"] + counted[200, "stable"] == 400


def _versions_now(port: int) -> set[str]:
    """Return who answers; nobody while the Service has no way to its new pod yet."""
    try:
        return {version for _, version in _versions(_get(port, 20))}
    except (ConnectionError, http.client.HTTPException):
        return set()


def _versions(answers: list[tuple[int, str]]) -> list[tuple[int, str]]:
    return [(status, body.partition("version=")[2]) for status, body in answers]


def test_two_clusters_beside_each_other_do_not_see_each_other(cluster: Cluster) -> None:
    with Cluster.start("it-second") as second:
        second.kubectl("create", "namespace", "only-in-second")

        names = [each.kubectl("get", "namespaces", "-o=name") for each in (cluster, second)]
        nodes = [each.kubectl("get", "nodes", "-o=name") for each in (cluster, second)]

    assert ["only-in-second" in each for each in names] == [False, True]
    assert nodes == ["node/node1\n", "node/node1\n"]


def test_a_name_that_runs_already_is_refused_with_a_sentence(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="cluster it-main is running already: stop it with"):
        Cluster.start(cluster.name)


def test_a_control_plane_alone_takes_objects_and_leaves_pods_pending() -> None:
    with Cluster.start("it-plane", nodes=False) as plane:
        plane.kubectl("create", "deployment", "web", "--image=faceblur-test-web:1")
        phases = eventually(
            lambda: plane.kubectl("get", "pods", "-o=jsonpath={.items[*].status.phase}"),
            bool,
            within=ROUTE,
            what="the pod is there",
        )

    assert phases == "Pending"
