"""The Prometheus adapter against a real Prometheus that scrapes itself and played pods."""

import asyncio
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.cluster import tools
from tests.support.builders import a_plan
from tests.support.eventually import Patience, eventually
from tests.support.fakes.http_receiver import Answering, Received, receiver
from tests.support.fakes.ports import FakeMeter
from tests.support.world import World, a_template, a_workload

from faceblur_operator.adapters.prometheus import PrometheusSource
from faceblur_operator.adapters.system_clock import SystemClock
from faceblur_operator.core import builtins
from faceblur_operator.core.queries import queries_for
from faceblur_operator.core.snapshot import NoSamples, Samples

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: itself
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
POD = """
- job_name: {pod}
  metrics_path: /{pod}
  static_configs: [{{targets: ["{host}"], labels: {{namespace: demo, pod: {pod}}}}}]
"""
# What each pod says. The probe remembers an earlier gray, of which one pod is still there.
PODS = {
    "face-blur-gray-abc12-aaaaa": 'faceblur_info{track="gray",version="2.0"} 1',
    "face-blur-gray-older-bbbbb": 'faceblur_info{track="gray",version="1.9"} 1',
    "face-blur-stable-q1-ccccc": 'faceblur_info{track="stable",version="1.0"} 1',
    "face-blur-probe-w1-ddddd": """\
faceblur_probe_faces_total{track="gray",version="1.9",result="found"} 5
faceblur_probe_faces_total{track="gray",version="1.9",result="missed"} 50
faceblur_probe_faces_total{track="gray",version="2.0",result="found"} 7
faceblur_probe_faces_total{track="gray",version="2.0",result="missed"} 3
faceblur_probe_faces_total{track="stable",version="1.0",result="found"} 10
faceblur_probe_faces_total{track="stable",version="1.0",result="missed"} 0
faceblur_probe_faces_total{track="unknown",version="unknown",result="missed"} 0""",
}
START = Patience("the first scrapes", 30)


@pytest.fixture(scope="module")
def pods() -> Iterator[str]:
    """Play the pods, and return where."""

    def metrics(came: Received) -> Answering:
        text = PODS[came.path.removeprefix("/")] + "\n"
        return Answering(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4"})

    with receiver(metrics) as played:
        yield played.url.removeprefix("http://")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, pods: str) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    jobs = "".join(POD.format(pod=pod, host=pods) for pod in PODS)
    (folder / "prometheus.yml").write_text(CONFIG.format(port=port) + jobs)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(tools.binary("prometheus")),
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{_ready(port, folder)}"
    finally:
        process.terminate()
        process.wait()


def _ready(port: int, folder: Path) -> int:
    def scraped() -> bytes:
        try:
            query = f"http://127.0.0.1:{port}/api/v1/query?query=prometheus_http_requests_total"
            with urllib.request.urlopen(query, timeout=2) as answer:
                return bytes(answer.read())
        except OSError:
            return (folder / "log").read_bytes()[-500:]

    found = b'prometheus_http_requests_total"'
    eventually(scraped, lambda text: found in text, within=START, what="there are samples")
    return port


def ask(url: str, at: datetime | None = None, /, **queries: str) -> Samples | NoSamples:
    async def go() -> Samples | NoSamples:
        source = PrometheusSource(SystemClock(), FakeMeter())
        try:
            return await source.query(url, queries, timeout=timedelta(seconds=5), at=at)
        finally:
            source.close()

    return asyncio.run(go())


def values(found: Samples | NoSamples, key: str) -> list[str]:
    assert isinstance(found, Samples), found
    return [str(one.value) for one in found.series[key]]


def test_many_queries_are_answered_at_once_and_told_apart(url: str) -> None:
    found = ask(
        url,
        up='up{job="itself"}',
        sum="sum(vector(2)) + vector(3)",
        none="absent_metric",
        nan="vector(0) / 0",
        either='vector(4) or up{job=~"its.+",instance!~"\\\\d+"}',
    )

    assert values(found, "up") == ["1.0"]
    assert values(found, "sum") == ["5.0"]
    assert values(found, "none") == []
    assert values(found, "nan") == ["nan"]
    assert sorted(values(found, "either")) == ["1.0", "4.0"]


def test_raw_counters_keep_their_labels(url: str) -> None:
    found = ask(url, requests="prometheus_http_requests_total")

    assert isinstance(found, Samples)
    labels = [dict(one.labels) for one in found.series["requests"]]
    assert {one["job"] for one in labels} == {"itself"}
    assert {"/api/v1/query"} <= {one["handler"] for one in labels}
    assert all("faceblur_query" not in one for one in labels)


def test_what_it_said_about_a_moment_it_says_again(url: str) -> None:
    """Only a scrape that had begun by then and ended later may make it say more."""
    query = "prometheus_http_requests_total"
    first = ask(url, requests=query)
    assert isinstance(first, Samples)
    assert first.read_at is not None
    at = first.read_at

    def total(found: Samples | NoSamples) -> float:
        assert isinstance(found, Samples)
        return sum(one.value for one in found.series["requests"])

    eventually(
        lambda: total(ask(url, requests=query)),
        lambda now: now > total(first) + 3,
        within=START,
        what="it has served and scraped itself",
    )
    again = [ask(url, at, requests=query) for _ in range(2)]

    assert [one.read_at for one in again if isinstance(one, Samples)] == [at, at]
    assert total(first) <= total(again[0]) == total(again[1]) <= total(first) + 3


@pytest.mark.parametrize(
    ("query", "want"),
    [
        pytest.param("up{", "parse error", id="a query it cannot parse"),
        pytest.param("1", "expected type instant vector", id="a number instead of a vector"),
        pytest.param("up[1m]", "expected type instant vector", id="a range"),
        pytest.param('up) or label_replace(up, "a", "b', "parse error", id="an open end"),
    ],
)
def test_what_it_refuses_is_told_in_its_own_words(url: str, query: str, want: str) -> None:
    found = ask(url, good="up", bad=query)

    assert isinstance(found, NoSamples)
    assert want in found.why


def test_of_the_probe_only_the_faces_of_this_revision_are_counted(url: str) -> None:
    recall = builtins.face_recall("seen", allowed=0.05, unacceptable=0.2, max_ratio=2.0)
    world = World(gray=a_workload("face-blur-gray", a_template(), pod_hash="abc12"))
    asked = queries_for(a_plan(objectives=(recall,)), world.snapshot())

    def counted() -> dict[str, list[float]]:
        found = ask(url, **asked)
        assert isinstance(found, Samples), found
        return {key: sorted(one.value for one in series) for key, series in found.series.items()}

    want = {
        "seen:gray:bad": [3.0],
        "seen:gray:total": [3.0, 7.0],
        "seen:stable:bad": [0.0],
        "seen:stable:total": [0.0, 10.0],
    }
    eventually(counted, lambda now: now == want, within=START, what="all pods are scraped")
