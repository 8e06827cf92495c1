"""kubectl as a function: its words on failure become the error's."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import tools
from tests.cluster.errors import ClusterError


def kubectl(
    kubeconfig: Path, arguments: Sequence[str], *, stdin: str | None = None, timeout: float = 120
) -> str:
    """Run kubectl with `kubeconfig` and return what it printed.

    Raises:
        ClusterError: with kubectl's own words when it fails.
    """
    done = subprocess.run(
        [str(tools.kubectl()), f"--kubeconfig={kubeconfig}", *arguments],
        input=stdin if stdin is not None else "",
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise ClusterError(f"kubectl {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout
