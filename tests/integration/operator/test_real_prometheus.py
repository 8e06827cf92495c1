"""The Prometheus adapter against a real Prometheus that scrapes itself."""

import asyncio
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cluster import tools
from tests.support.eventually import Patience, eventually
from tests.support.fakes.ports import FakeMeter

from faceblur_operator.adapters.prometheus import PrometheusSource
from faceblur_operator.adapters.system_clock import SystemClock
from faceblur_operator.core.snapshot import NoSamples, Samples

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: itself
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
START = Patience("the first scrapes", 30)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "prometheus.yml").write_text(CONFIG.format(port=port))
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


def ask(url: str, **queries: str) -> Samples | NoSamples:
    async def go() -> Samples | NoSamples:
        source = PrometheusSource(SystemClock(), FakeMeter())
        try:
            return await source.query(url, queries, timeout=timedelta(seconds=5))
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
