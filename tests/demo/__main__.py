"""`python -m tests.demo`: a good release and a bad one, on a real cluster, with real photos.

Environment: CLUSTER=current takes the cluster of your kubeconfig, KEEP=1 leaves everything up.
Exit status 0 says that the good release was promoted without a failed request, that the bad one
was rolled back by itself, and that clients saw the weights that were set.
"""

import signal
import subprocess
import sys
from dataclasses import dataclass
from types import FrameType

from tests.cluster import ClusterError
from tests.demo import stages
from tests.demo.facts import Release
from tests.demo.photos import small_photos
from tests.demo.releases import the_bad, the_good
from tests.demo.story import play
from tests.demo.table import render, rows
from tests.demo.terminal import Terminal
from tests.demo.verdict import exit_status, problems
from tests.support import logbook
from tests.support.installation import NAMESPACE, REPO
from tests.support.load import Load, Question
from tests.support.rollouts import Lookout

# What two cores carry beside a whole Kubernetes, at well under full use.
RATE = 16.0
LOGS = REPO / "build" / "demo"


def main() -> int:
    """Run the demo and return its exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    terminal = Terminal()
    terminal.heading("Gray release of a face blur service, on a real Kubernetes")
    status = 1
    home = _Home()
    try:
        status = _show(home, terminal)
    except KeyboardInterrupt:
        home.is_interrupted = True
        status = 130
        terminal.say("\ninterrupted")
    finally:
        status = _end(home, status, terminal)
    return status


@dataclass
class _Home:
    """What has been started so far."""

    cluster: stages.Home | None = None
    url: str | None = None
    is_interrupted: bool = False


def _show(home: _Home, terminal: Terminal) -> int:
    try:
        home.cluster = stages.start(terminal)
        home.url = stages.furnish(home.cluster, terminal)
        return _two_stories(home.cluster, home.url, terminal)
    except (ClusterError, AssertionError, subprocess.TimeoutExpired) as error:
        terminal.problem(f"\nThe demo stopped: {error}")
        return _failed(home.cluster, terminal)


def _end(home: _Home, status: int, terminal: Terminal) -> int:
    """Take everything away, or say how to go on with it; return the exit status."""
    if home.cluster is None:
        return status
    if stages.is_kept() and not home.is_interrupted:
        terminal.say(f"\n{stages.farewell(home.cluster, home.url)}")
        return status
    try:
        stages.leave(home.cluster, terminal)
    except ClusterError as error:
        terminal.problem(f"\nCould not clean up: {error}")
        return status or 1
    return status


def _two_stories(cluster: stages.Home, url: str, terminal: Terminal) -> int:
    releases: dict[str, Release] = {}
    question = Question(f"{url}/api/v1/blur", bodies=small_photos())
    terminal.say(
        f"        {len(question.bodies)} photos with faces, {RATE:g} requests a second through the "
        "Ingress, whatever the answers"
    )
    first, second = the_good(), the_bad()
    lookout = Lookout(cluster.kubeconfig, NAMESPACE, first.rollout)
    try:
        with Load(question, rate=RATE) as load:
            terminal.heading(f"A good release: {first.image}")
            releases["good"] = play(cluster, first, load, lookout, terminal)
            if releases["good"].ended is not None:
                terminal.heading(f"A bad release: {second.image}, slow and failing")
                releases["bad"] = play(cluster, second, load, lookout, terminal)
    finally:
        lookout.close()
    return _conclude(cluster, releases, terminal)


def _conclude(cluster: stages.Home, releases: dict[str, Release], terminal: Terminal) -> int:
    good, bad = releases.get("good"), releases.get("bad")
    terminal.heading("What clients saw")
    terminal.say(render(rows(good, bad)))
    found = problems(good, bad)
    if not found:
        terminal.say(
            "\nPromoted without a failed request; the bad version was taken back by itself."
        )
        return exit_status(found)
    terminal.problem("\nThe demo did not show what it should:\n  " + "\n  ".join(found))
    return _failed(cluster, terminal)


def _failed(cluster: stages.Home | None, terminal: Terminal) -> int:
    if cluster is not None:
        terminal.say(f"logs and the state of the cluster: {logbook.write(cluster, LOGS)}")
    return 1


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
