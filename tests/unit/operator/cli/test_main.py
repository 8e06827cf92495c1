"""The words of `kubectl faceblur`, on rollouts in a dictionary."""

import io
import json
from typing import Any

import pytest
from tests.support.specs import a_resource, a_spec

from faceblur_operator.cli.cluster import ClusterError, KubeRollouts
from faceblur_operator.cli.main import main
from faceblur_operator.core.commands import Verb, read

STATUS = {
    "phase": "Paused",
    "step": "2/4",
    "grayWeight": 25,
    "grayImage": "ai-face-blur:1.1-gray",
    "stableImage": "ai-face-blur:1.0",
    "revision": "abc",
    "verdict": "Pass",
    "message": "waits for a person",
    "slos": [{"name": "success", "verdict": "Pass", "message": "0 of 500 bad"}],
    "decisions": [
        {
            "time": "10:00",
            "action": "stepping",
            "fromWeight": 5,
            "toWeight": 25,
            "reason": "WeightRaised",
            "message": "25 % to gray",
            "evidence": [
                {
                    "name": "success",
                    "verdict": "Pass",
                    "grayRequests": 500,
                    "grayBad": 0,
                    "stableRequests": 1500,
                    "stableBad": 2,
                    "value": "1",
                    "bound": "0.995",
                    "logE": "11.8",
                    "threshold": "1.2",
                    "query": "bad / total",
                },
                {"name": "queue", "verdict": "Pass", "value": "3", "bound": "20"},
            ],
        },
        {
            "time": "10:01",
            "action": "hold",
            "toWeight": 25,
            "reason": "SharedOutage",
            "message": "not gray's fault",
            "count": 3,
            "lastTime": "10:04",
        },
        {
            "time": "10:05",
            "action": "pause",
            "reason": "Commanded",
            "by": "ann",
            "message": "pause",
        },
    ],
    "history": [{"revision": "xyz", "outcome": "Promoted", "image": "ai-face-blur:1.0"}],
}


class FakeRollouts:
    """One rollout; remembers what was put on it."""

    namespace = "demo"

    def __init__(self) -> None:
        self.commands: list[tuple[str, str, str]] = []
        self.rollout: dict[str, Any] = a_resource(a_spec()) | {"status": STATUS}

    def list(self, namespace: str) -> list[dict[str, Any]]:
        return [self.rollout] if namespace == "demo" else []

    def read(self, namespace: str, name: str) -> dict[str, Any]:
        if (namespace, name) != ("demo", "face-blur"):
            raise ClusterError(f"no FaceBlurRollout {namespace}/{name}")
        return self.rollout

    def annotate(self, namespace: str, name: str, command: str) -> None:
        self.commands.append((namespace, name, command))

    def user(self) -> str:
        return "ann"


def said(*words: str, rollouts: FakeRollouts | None = None) -> tuple[int, str]:
    out = io.StringIO()
    code = main(words, connect=lambda _, __: rollouts or FakeRollouts(), out=out)
    return code, out.getvalue()


def test_get_shows_a_line_for_each_rollout() -> None:
    assert said("get") == (
        0,
        "NAME       PHASE   STEP  WEIGHT  IMAGE                  VERDICT  MESSAGE\n"
        "face-blur  Paused  2/4   25      ai-face-blur:1.1-gray  Pass     waits for a person\n",
    )
    assert said("-n", "other", "get") == (0, "no rollout in this namespace\n")


def test_status_shows_objectives_decisions_and_history() -> None:
    assert said("status", "face-blur") == (
        0,
        "Name:      face-blur\n"
        "Phase:     Paused\n"
        "Step:      2/4\n"
        "Weight:    25 %\n"
        "Gray:      ai-face-blur:1.1-gray\n"
        "Stable:    ai-face-blur:1.0\n"
        "Revision:  abc\n"
        "Message:   waits for a person\n"
        "\n"
        "Objectives:\n"
        "  success  Pass  0 of 500 bad\n"
        "\n"
        "Decisions:\n"
        "  10:00  stepping  5 → 25 %  WeightRaised       25 % to gray\n"
        "  10:01  hold      25 %      SharedOutage       "
        "not gray's fault; 3 times until 10:04\n"
        "  10:05  pause               Commanded     ann  pause\n"
        "\n"
        "History:\n"
        "    xyz  Promoted  ai-face-blur:1.0\n",
    )


def test_history_says_why_each_decision_was_made() -> None:
    assert said("history", "face-blur") == (
        0,
        "10:00  stepping  5 → 25 %  WeightRaised  25 % to gray\n"
        "    success: Pass, gray 0 of 500 bad, stable 2 of 1500, value 1, bound 0.995, "
        "log E 11.8 of 1.2\n"
        "      bad / total\n"
        "    queue: Pass, value 3, bound 20\n"
        "10:01  hold  25 %  SharedOutage  not gray's fault; 3 times until 10:04\n"
        "10:05  pause  Commanded  ann  pause\n"
        "\n"
        "History:\n"
        "    xyz  Promoted  ai-face-blur:1.0\n",
    )


def test_history_before_the_first_decision_says_so() -> None:
    rollouts = FakeRollouts()
    rollouts.rollout = a_resource(a_spec())

    assert said("history", "face-blur", rollouts=rollouts) == (0, "nothing was decided yet\n")


def test_a_rollout_without_status_is_pending() -> None:
    rollouts = FakeRollouts()
    rollouts.rollout = a_resource(a_spec())

    assert "Phase:     Pending\n" in said("status", "face-blur", rollouts=rollouts)[1]


@pytest.mark.parametrize(
    ("words", "verb", "revision"),
    [
        pytest.param(("promote", "face-blur"), Verb.PROMOTE, "", id="one step"),
        pytest.param(("promote", "face-blur", "--full"), Verb.PROMOTE_FULL, "", id="to stable"),
        pytest.param(("pause", "face-blur"), Verb.PAUSE, "", id="pause"),
        pytest.param(("resume", "face-blur"), Verb.RESUME, "", id="resume"),
        pytest.param(("abort", "face-blur"), Verb.ABORT, "", id="abort"),
        pytest.param(("retry", "face-blur"), Verb.RETRY, "", id="retry"),
        pytest.param(("undo", "face-blur"), Verb.UNDO, "", id="undo"),
        pytest.param(("undo", "face-blur", "--to", "xyz"), Verb.UNDO, "xyz", id="undo to"),
    ],
)
def test_a_verb_becomes_a_command_that_the_operator_reads(
    words: tuple[str, ...], verb: Verb, revision: str
) -> None:
    rollouts = FakeRollouts()

    code, text = said(*words, rollouts=rollouts)

    [(namespace, name, given)] = rollouts.commands
    command = read(given)
    assert (code, namespace, name) == (0, "demo", "face-blur")
    assert (command.verb, command.by, command.revision) == (verb, "ann", revision)
    assert text == f"{verb} is on its way to demo/face-blur; see: status face-blur\n"


def test_the_same_words_twice_are_two_commands() -> None:
    rollouts = FakeRollouts()

    said("promote", "face-blur", rollouts=rollouts)
    said("promote", "face-blur", rollouts=rollouts)

    first, second = (json.loads(given)["id"] for _, _, given in rollouts.commands)
    assert first != second


def test_what_cannot_be_done_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said("status", "other")

    assert (code, text) == (1, "")
    assert capsys.readouterr().err == "kubectl-faceblur: no FaceBlurRollout demo/other\n"


def test_a_kubeconfig_that_is_not_there_is_said(tmp_path: Any) -> None:
    with pytest.raises(ClusterError, match="no usable kubeconfig"):
        KubeRollouts(str(tmp_path / "none"), None)


def test_help_names_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    """A percent sign in a help text is a placeholder to argparse, and ends it in a traceback."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"], connect=lambda _config, _context: FakeRollouts())

    told = capsys.readouterr().out
    words = {"get", "status", "history", *Verb} - {Verb.PROMOTE_FULL}
    missing = {word for word in words if f"\n    {word} " not in told}
    assert (ended.value.code, missing) == (0, set())
