"""Writes down what a cluster has to say when something went wrong, for the person who looks."""

import subprocess
from pathlib import Path

from tests.cluster import ClusterError
from tests.support.installation import NAMESPACE, OPERATOR, OPERATOR_NAMESPACE, Reachable

_READS = {
    "rollout.yaml": ("get", "faceblurrollouts", "-A", "-o=yaml"),
    "rollout.txt": ("describe", "faceblurrollouts", "-A"),
    "objects.txt": ("get", "all,ingress", "-A", "-o=wide"),
    "pods.txt": ("describe", "pods", f"-n={NAMESPACE}"),
    "events.txt": ("get", "events", "-A", "--sort-by=.lastTimestamp"),
    "operator.log": (
        *("logs", f"-n={OPERATOR_NAMESPACE}", f"-l=app.kubernetes.io/name={OPERATOR}"),
        *("--tail=-1", "--prefix", "--all-containers"),
    ),
    "service.log": ("logs", f"-n={NAMESPACE}", "-l=app=face-blur", "--tail=400", "--prefix"),
    "traefik.log": ("logs", "-n=traefik", "deployment/traefik", "--tail=400"),
    "prometheus.log": ("logs", "-n=monitoring", "deployment/prometheus", "--tail=400"),
}


def write(cluster: Reachable, folder: Path) -> Path:
    """Write the state of the product and its logs into `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, arguments in _READS.items():
        try:
            said = cluster.kubectl(*arguments, timeout=20)
        except (ClusterError, subprocess.TimeoutExpired) as error:
            said = f"{error}\n"
        (folder / name).write_text(said)
    return folder
