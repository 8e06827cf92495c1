"""rolling.*: what clients of the Ingress see of rolling updates of the service: nothing.

A real cluster with Traefik; photos come at a steady rate while every pod is replaced.
"""

import os
import sys
from collections.abc import Sequence

from tests.benchmarks.figures import Figure
from tests.cluster import Cluster
from tests.demo.photos import small_photos
from tests.support import installation
from tests.support.answers import Answer, failed, percentile_s, summary
from tests.support.eventually import Patience, eventually
from tests.support.load import Load, Question

UPDATES = 3
RATE = 6.0
_PODS = 2
_ROLLED = "150s"
_AFTER = Patience("clients that come after the update", 60)


def measure(updates: int = UPDATES) -> list[Figure]:
    """Return the figures; none where no cluster can run."""
    if os.geteuid() != 0:
        sys.stderr.write("rolling.*: skipped, a cluster needs root\n")
        return []
    images = (installation.VERSION_STABLE,)
    with Cluster.start(f"bench-{os.getpid()}", images=images) as cluster:
        cluster.install_platform()
        installation.install_service(cluster, {"replicas": _PODS})
        question = Question(f"{installation.web_url(cluster)}/api/v1/blur", bodies=small_photos())
        with Load(question, rate=RATE) as before:
            _more(before, 60)
        seconds: list[float] = []
        with Load(question, rate=RATE) as load:
            for _ in range(updates):
                begin = len(load.answers)
                _update(cluster)
                # Requests that were sent to the last old pod end after it.
                _more(load, round(5 * RATE))
                during = load.since(begin)
                seconds.append(during[-1].ended - during[0].sent)
    return _figures(before.answers, load.answers, seconds)


def _update(cluster: Cluster) -> None:
    deployment = (f"deployment/{installation.STABLE}", f"-n={installation.NAMESPACE}")
    cluster.kubectl("rollout", "restart", *deployment)
    cluster.kubectl("rollout", "status", *deployment, f"--timeout={_ROLLED}", timeout=180)


def _more(load: Load, count: int) -> None:
    wanted = len(load.answers) + count
    eventually(
        lambda: len(load.answers),
        lambda found: found >= wanted,
        within=_AFTER,
        what=f"{count} more answers",
    )


def _figures(
    before: Sequence[Answer], during: Sequence[Answer], seconds: Sequence[float]
) -> list[Figure]:
    bad, n = failed(during), len(during)
    if bad:
        sys.stderr.write(f"rolling: {summary(during)}\n")
    quiet, busy = percentile_s(before, 95) * 1000, percentile_s(during, 95) * 1000
    return [
        Figure(name="rolling.failed", value=len(bad), unit="", target=0, n=n),
        Figure(name="rolling.p95.before", value=quiet, unit="ms", n=len(before)),
        Figure(name="rolling.p95.during", value=busy, unit="ms", n=n),
        Figure(name="rolling.seconds", value=max(seconds), unit="s", n=len(seconds)),
    ]
