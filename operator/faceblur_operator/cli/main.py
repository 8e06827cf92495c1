"""What the words of the command line do; found by kubectl under the name `kubectl-faceblur`."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO
from uuid import uuid4

from faceblur_operator.adapters.system_clock import SystemClock
from faceblur_operator.cli.cluster import ClusterError, KubeRollouts, Rollouts
from faceblur_operator.cli.show import details, table, told
from faceblur_operator.core.commands import Verb

HELP = {
    Verb.PROMOTE: "go on to the next step: skips the rest of the hold, gives the approval",
    Verb.PAUSE: "stay at the present weight; goes on judging",
    Verb.RESUME: "end a pause",
    Verb.ABORT: "give stable all traffic at once and stay so",
    Verb.RETRY: "release again what was rolled back, from 0 %%",
    Verb.UNDO: "put stable back to the version before, or to one of the history",
}
Connect = Callable[[str | None, str | None], Rollouts]


def main(
    words: Sequence[str] | None = None, *, connect: Connect = KubeRollouts, out: TextIO = sys.stdout
) -> int:
    """Do what the words say; return the exit code: 1 when it could not be done."""
    asked = _parser().parse_args(words)
    try:
        rollouts = connect(asked.kubeconfig, asked.context)
        out.write(_answer(asked, rollouts))
    except ClusterError as err:
        sys.stderr.write(f"kubectl-faceblur: {err}\n")
        return 1
    return 0


def _answer(asked: argparse.Namespace, rollouts: Rollouts) -> str:
    namespace = asked.namespace or rollouts.namespace
    if asked.word == "get":
        return table(rollouts.list(namespace))
    if asked.word == "status":
        return details(rollouts.read(namespace, asked.name))
    if asked.word == "history":
        return told(rollouts.read(namespace, asked.name))
    command = _command(asked, rollouts.user())
    rollouts.annotate(namespace, asked.name, json.dumps(command))
    return (
        f"{command['verb']} is on its way to {namespace}/{asked.name}; see: status {asked.name}\n"
    )


def _command(asked: argparse.Namespace, user: str) -> dict[str, Any]:
    """Return a command that is told apart from every other one, also from the same words."""
    is_full = asked.word == Verb.PROMOTE and asked.full
    command = {
        "verb": str(Verb.PROMOTE_FULL if is_full else asked.word),
        "id": uuid4().hex[:12],
        "by": user,
        "at": f"{SystemClock().now():%Y-%m-%dT%H:%M:%SZ}",
    }
    revision = asked.to if asked.word == Verb.UNDO else None
    return command | ({"revision": revision} if revision else {})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kubectl faceblur", description="Gray releases.")
    parser.add_argument("-n", "--namespace", help="default: that of the context")
    parser.add_argument("--kubeconfig", help="default: $KUBECONFIG or ~/.kube/config")
    parser.add_argument("--context", help="default: the current one")
    words = parser.add_subparsers(dest="word", required=True, metavar="COMMAND")
    words.add_parser("get", help="list the rollouts of the namespace")
    one = words.add_parser("status", help="show one rollout: objectives, decisions, history")
    one.add_argument("name")
    every = words.add_parser("history", help="say why: every decision, its numbers and queries")
    every.add_argument("name")
    for verb, text in HELP.items():
        made = words.add_parser(str(verb), help=text)
        made.add_argument("name", help="of the FaceBlurRollout")
        if verb is Verb.PROMOTE:
            made.add_argument(
                "--full", action="store_true", help="to stable, without further steps"
            )
        if verb is Verb.UNDO:
            made.add_argument("--to", metavar="REVISION", help="of status.history")
    return parser
