"""One cluster with everything installed, for all end-to-end tests; each test gets a clean scene."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.cluster import Cluster
from tests.e2e.scene import Scene
from tests.support import installation, logbook
from tests.support.browser import CHROMIUM, launch
from tests.support.rollouts import Kube

LOGS = installation.REPO / "build" / "e2e"
PHASE_REPORTS = pytest.StashKey[dict[str, pytest.TestReport]]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember how each phase of a test ended, so that its scene can write down a failure."""
    report = yield
    item.stash.setdefault(PHASE_REPORTS, {})[str(report.when)] = report
    return report


@pytest.fixture(scope="session")
def home() -> Iterator[installation.Reachable]:
    """Return a cluster with the platform and both charts, for as long as the tests run."""
    is_foreign = os.environ.get("CLUSTER") == "current"
    with (
        Cluster.current()
        if is_foreign
        else Cluster.start(f"e2e-{os.getpid()}", images=installation.IMAGES)
    ) as cluster:
        cluster.install_platform()
        installation.install_operator(cluster)
        installation.install_service(cluster)
        yield cluster


@pytest.fixture(scope="session")
def web(home: installation.Reachable) -> str:
    """Return the address of the Ingress controller."""
    return installation.web_url(home)


@pytest.fixture(scope="session")
def kube(home: installation.Reachable) -> Iterator[Kube]:
    """Return access to the API for the whole session."""
    access = Kube(home.kubeconfig, installation.NAMESPACE)
    yield access
    access.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a Chromium; a process can only have one that is driven this way."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        made = launch(playwright)
        yield made
        made.close()


@pytest.fixture
def scene(
    home: installation.Reachable, web: str, kube: Kube, request: pytest.FixtureRequest
) -> Iterator[Scene]:
    """Return a scene in which no release runs; whatever the test starts is taken away again."""
    one = Scene(home, kube, web, mark=request.node.name)
    yield one
    report = request.node.stash.get(PHASE_REPORTS, {}).get("call")
    if report is not None and report.failed:
        folder: Path = logbook.write(home, LOGS / request.node.name)
        request.node.add_report_section("call", "cluster", f"logs: {folder}")
    one.clear()
