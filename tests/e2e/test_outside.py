"""Others have a say and are told: a gate and a receiver that run in the cluster as Services."""

from collections.abc import Iterator

import pytest
from tests.e2e.board import KEY, NAME, Board, a_board
from tests.e2e.scene import A_WHILE, OPERATOR_ACTS, PROMOTION, Scene
from tests.support import installation
from tests.support.eventually import Patience, consistently, eventually

from faceblur_operator.core.messages import SIGNATURE, TIMESTAMP, signature

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

ASKED_AGAIN = Patience("a gate without an answer is asked every 30 s", 45)


@pytest.fixture
def board(scene: Scene) -> Iterator[Board]:
    with a_board(scene) as one:
        yield one


def test_a_gate_that_does_not_answer_holds_a_release_and_lets_it_go_once_it_agrees(
    scene: Scene, board: Board
) -> None:
    # Given a release that a board has to agree to, and is told about; and a board that is away
    before = scene.deployment(installation.STABLE)["spec"]["template"]
    webhook = {"url": f"{board.url}/gate", "timeout": "1s", "retries": 0}
    told = {"url": f"{board.url}/told", "secretRef": {"name": NAME}}
    scene.release(
        50,
        100,
        hold="1s",
        gates=[{"name": "board", "at": "promotion", "webhook": webhook}],
        notifications=[{"name": "minutes", "webhook": told, "on": ["Promoted"]}],
    )

    # When all that is left to do is the promotion
    held = eventually(
        scene.now,
        lambda one: one.weight == 100 and "does not answer" in one.message,
        within=PROMOTION,
        what="the rollout says that the gate does not answer",
    )

    # Then it is held, and says by whom,
    assert "gate board (change-board.faceblur.svc) does not answer" in held.message
    consistently(
        scene.now,
        lambda one: (one.phase, one.weight) == ("Progressing", 100),
        during=A_WHILE,
        what="nothing is promoted",
    )
    assert scene.deployment(installation.STABLE)["spec"]["template"] == before
    assert {one.json["at"] for one in board.got("/gate")} == {"promotion"}

    # and is promoted once the board agrees.
    board.agree()
    scene.reaches("Promoting", within=ASKED_AGAIN)
    scene.reaches("Succeeded", within=PROMOTION)
    assert scene.deployment(installation.STABLE)["spec"]["template"] != before
    # The board is told so, once, signed with the key of its Secret.
    (letter,) = eventually(
        lambda: board.got("/told"), bool, within=OPERATOR_ACTS, what="the board is told"
    )
    assert letter.json["event"] == "Promoted"
    assert letter.headers[SIGNATURE] == signature(
        KEY, letter.headers[TIMESTAMP], letter.body.encode()
    )
