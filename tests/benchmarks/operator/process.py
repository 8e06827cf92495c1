"""The operator as a process on a real API server: repairs, kills, and what it costs at rest.

No pod runs and no request is sent: pods are marked ready by hand and Prometheus is scripted, so
what is measured is the operator and the API server.
"""

import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from statistics import median

from tests.benchmarks.figures import Figure
from tests.cluster import Cluster
from tests.support.eventually import Patience, consistently, eventually
from tests.support.in_memory import WEIGHT, quick_spec
from tests.support.operation import Operation, Operator, an_operation, install_crd

GRAY = "face-blur-ingress-gray"
SOON = Patience("soon", 20)
AWAY = Patience("nobody leads", 5)
IDLE_S = 60.0
MIB = 1 << 20
_numbers = itertools.count(1)


def measure(*, quick: bool = False) -> list[Figure]:
    """Return the figures `process.*`."""
    repairs, kills, idle_s = (3, 1, 10.0) if quick else (30, 5, IDLE_S)
    with tempfile.TemporaryDirectory() as folder, Cluster.start("bench", nodes=False) as cluster:
        install_crd(cluster)
        place = Path(folder)
        figures = _idle(cluster, place, idle_s)
        figures += _repaired(cluster, place, repairs)
        taken_over = [_taken_over(cluster, place) for _ in range(kills)]
        restarted = [_restarted(cluster, place) for _ in range(kills)]
    figures += _seconds("process.takeover_to_zero", taken_over, 5.0)
    return figures + _seconds("process.restart_to_zero", restarted, 2.0)


@contextmanager
def _opened(cluster: Cluster, folder: Path) -> Iterator[Operation]:
    name = f"bench-{next(_numbers)}"
    with an_operation(cluster.kubeconfig, name, folder) as operation:
        yield operation


def _at_thirty(operation: Operation) -> None:
    operation.release(quick_spec(steps=[{"weight": 30, "hold": "1h"}, {"weight": 100}]))
    operation.until_weight(30)


def _repaired(cluster: Cluster, folder: Path, count: int) -> list[Figure]:
    """Measure from an edit of the weight, and a deletion, to the weight as it was."""
    edited, deleted = [], []
    change = {"metadata": {"annotations": {WEIGHT: "100"}}}
    with _opened(cluster, folder) as operation:
        operation.start_operator()
        _at_thirty(operation)
        for _ in range(count):
            operation.net.patch_namespaced_ingress(GRAY, operation.namespace, change)
            edited.append(operation.until_weight(30, within=SOON))
            operation.net.delete_namespaced_ingress(GRAY, operation.namespace)
            deleted.append(operation.until_weight(30, within=SOON))
    return [
        *_seconds("process.edited_to_repaired", edited, 0.2),
        *_seconds("process.deleted_to_made_again", deleted, 0.5),
    ]


def _taken_over(cluster: Cluster, folder: Path) -> float:
    """Kill the leader as gray turns bad; return when the standby has taken gray's traffic."""
    with _opened(cluster, folder) as operation:
        first, second = operation.start_operator("a"), operation.start_operator("b")
        _at_thirty(operation)
        leader = first if first.is_leading else second
        begun = time.monotonic()
        leader.kill()
        operation.counters.counted.bad_share = 0.9
        operation.until_weight(0, within=SOON)
        return time.monotonic() - begun


def _restarted(cluster: Cluster, folder: Path) -> float:
    """Kill the only process as gray turns bad; return when it acts after it is started again."""
    with _opened(cluster, folder) as operation:
        only = operation.start_operator("a")
        _at_thirty(operation)
        only.kill()
        operation.counters.counted.bad_share = 0.9
        consistently(
            lambda: operation.weight, lambda found: found == 30, during=AWAY, what="weight 30"
        )
        begun = time.monotonic()
        operation.start_operator("a")
        operation.until_weight(0, within=SOON)
        return time.monotonic() - begun


def _idle(cluster: Cluster, folder: Path, seconds: float) -> list[Figure]:
    """Measure a process that leads and has nothing to do."""
    with _opened(cluster, folder) as operation:
        operator = operation.start_operator()
        eventually(lambda: operator.is_leading, bool, within=SOON, what="it leads")
        before = _cpu_s(operator)
        # Nothing is waited for: what it uses in this time is the figure.
        time.sleep(seconds)
        used = 100 * (_cpu_s(operator) - before) / seconds
        resident = _resident(operator) / MIB
    return [
        Figure(name="process.idle.cpu_percent", value=used, unit="%", target=1.0),
        Figure(name="process.idle.rss_mib", value=resident, unit="MiB", target=80.0),
    ]


def _cpu_s(operator: Operator) -> float:
    fields = Path(f"/proc/{operator.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(operator: Operator) -> int:
    pages = Path(f"/proc/{operator.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _seconds(name: str, values: list[float], target: float) -> list[Figure]:
    """Return the median, which is what was promised, and the 99th percentile."""
    found, count = sorted(values), len(values)
    worst = found[ceil(count * 0.99) - 1]
    return [
        Figure(name=f"{name}.p50", value=median(found), unit="s", target=target, n=count),
        Figure(name=f"{name}.p99", value=worst, unit="s", n=count),
    ]
