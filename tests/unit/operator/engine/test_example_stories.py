"""Every folder of `examples/` is played as its README tells it, through the whole operator.

The manifests run as they are, but for their namespace; time is virtual, and users, Prometheus and
pods are scripted.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.examples import folders, rollout
from tests.support.in_memory import KEY, URL, InMemory, a_gray_pod
from tests.support.traffic import Traffic
from tests.support.virtual_time import run_virtually

from faceblur_operator.core.errands import Answer, Question

HOUR = 3600
INGRESS = "nginx.ingress.kubernetes.io"
OLD = "ai-face-blur:1.0"


class Stage(InMemory):
    """An operator, a cluster and users, in front of which one example is played."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.traffic = Traffic(asyncio.get_running_loop().time, lambda: self.weight)
        self.prometheus.answer = self.traffic.answer

    def set(self, spec: dict[str, Any]) -> None:
        """Install the example, and give stable the probes that the chart gives it."""
        self.install(json.loads(json.dumps(spec).replace(".faceblur.svc", ".demo.svc")))
        probes = {"readinessProbe": {"periodSeconds": 5}, "livenessProbe": {"periodSeconds": 5}}
        pod = self.object("Deployment", "face-blur-stable")["spec"]["template"]["spec"]
        containers = [one | probes for one in pod["containers"]]
        change = {"spec": {"template": {"spec": {"containers": containers}}}}
        self.api.change("Deployment", "face-blur-stable", change)
        self.settle()

    def object(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.objects[kind, "demo", name]
        return found

    async def ends(self, phase: str) -> None:
        """Let time pass until the rollout has this phase."""
        async with asyncio.timeout(4 * HOUR):
            while self.status.get("phase") != phase:
                await asyncio.sleep(2)

    def stands(self) -> tuple[str, int]:
        return self.status["phase"], self.weight

    def reason(self, condition: str) -> str:
        """Return the reason of a condition that is true."""
        [reason] = [
            str(one["reason"])
            for one in self.status["conditions"]
            if (one["type"], one["status"]) == (condition, "True")
        ]
        return reason

    @property
    def stable(self) -> tuple[str, list[str]]:
        """The image and the names of the variables that stable's pods get."""
        template = self.object("Deployment", "face-blur-stable")["spec"]["template"]
        [container] = template["spec"]["containers"]
        return container["image"], [one["name"] for one in container["env"]]


Play = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Story:
    """What happens, the weights on the way, and the condition that is true at the end, and why."""

    play: Play
    weights: tuple[int, ...]
    condition: str
    reason: str


STORIES: dict[str, Story] = {}


def story(*weights: int, ends: str, reason: str) -> Callable[[Play], Play]:
    """Enter the play of the folder with this function's name."""

    def enter(play: Play) -> Play:
        STORIES[play.__name__.replace("_", "-")] = Story(play, weights, ends, reason)
        return play

    return enter


async def _taken_back(stage: Stage, *, failing: float, weight: int, within_s: float) -> str:
    """Return why gray lost its traffic, which it has to within that many seconds."""
    stage.traffic.fail(gray=failing)
    took = await stage.until_weight(weight) + await stage.until_weight(0)
    await stage.ends("RolledBack")
    assert took < within_s
    return str(stage.status["message"])


@story(0, 5, 25, 50, 100, 0, ends="Promoted", reason="Promoted")
async def good_release(stage: Stage) -> None:
    await stage.ends("Succeeded")


@story(0, 5, 0, ends="RolledBack", reason="SloBreached")
async def bad_release(stage: Stage) -> None:
    said = await _taken_back(stage, failing=0.4, weight=5, within_s=30)

    assert " bad, allowed " in said


@story(0, 5, 0, ends="RolledBack", reason="SloBreached")
async def accuracy(stage: Stage) -> None:
    for objective in ("agreement", "recall", "preflight.probe"):
        stage.traffic.see(objective, per_second=1, lost=0)
    await asyncio.sleep(1)
    stage.api.add(a_gray_pod(stage, containerStatuses=[PULLED]))
    await asyncio.sleep(20)
    assert stage.stands() == ("Progressing", 0)
    assert "faces counted, 30 needed" in stage.status["message"]
    await stage.until_weight(5)

    # Gray loses faces, and is as fast as ever.
    stage.traffic.see("recall", per_second=1, lost=0.3)
    await stage.ends("RolledBack")

    assert stage.status["message"].startswith("recall: ")
    assert " bad, allowed " in stage.status["message"]


@story(0, 1, 50, 100, 0, ends="Promoted", reason="Promoted")
async def header_opt_in(stage: Stage) -> None:
    await stage.until_weight(1)
    asked = stage.object("Ingress", "face-blur-ingress-gray")["metadata"]["annotations"]
    await asyncio.sleep(HOUR - 60)

    assert asked[f"{INGRESS}/canary-by-header"] == "X-Gray-Enable"
    assert asked[f"{INGRESS}/canary-by-header-value"] == "true"
    assert asked[f"{INGRESS}/canary-by-cookie"] == "gray"
    assert stage.stands() == ("Progressing", 1)
    await stage.ends("Succeeded")


@story(0, 10, 100, 0, ends="Promoted", reason="Promoted")
async def custom_query(stage: Stage) -> None:
    await stage.until_weight(10)
    await asyncio.sleep(40)
    stage.traffic.gauges["cpu-per-picture"] = 2.5
    await asyncio.sleep(25)
    said = {one["name"]: one["verdict"] for one in stage.status["slos"]}
    stage.traffic.gauges["cpu-per-picture"] = 0.5

    assert said == {"not-rejected": "Pass", "failures": "Pass", "cpu-per-picture": "Insufficient"}
    await stage.ends("Succeeded")


@story(0, 30, 0, ends="RolledBack", reason="SloBreached")
async def ingress_metrics(stage: Stage) -> None:
    said = await _taken_back(stage, failing=1.0, weight=30, within_s=10)

    assert said.startswith("answers: ")


@story(0, 100, 0, ends="Promoted", reason="Promoted")
async def full_release(stage: Stage) -> None:
    await stage.until_weight(100)
    gray = stage.object("Deployment", "face-blur-stable-gray")

    assert (gray["spec"]["replicas"], gray["status"]["readyReplicas"]) == (3, 3)
    await asyncio.sleep(55)
    assert (stage.stands(), stage.stable[0]) == (("Progressing", 100), OLD)
    await stage.ends("Succeeded")


@story(0, 5, 50, 100, 0, ends="Promoted", reason="Promoted")
async def approval(stage: Stage) -> None:
    await stage.ends("Paused")
    await asyncio.sleep(120)

    assert stage.stands() == ("Paused", 50)
    assert stage.reason("Paused") == "WaitingForApproval"
    stage.command("promote")
    await stage.ends("Succeeded")


@story(0, 5, 0, ends="RolledBack", reason="Aborted")
async def abort(stage: Stage) -> None:
    await stage.until_weight(5)
    await asyncio.sleep(60)

    stage.command('{"verb": "abort", "by": "ann"}')
    took = await stage.until_weight(0)
    await stage.ends("RolledBack")

    assert took <= 0.1
    assert "ann" in stage.status["message"]


@story(0, 50, 100, 0, ends="RolledBack", reason="Undone")
async def undo(stage: Stage) -> None:
    await stage.ends("Succeeded")
    await asyncio.sleep(HOUR)
    assert stage.stable == ("ai-face-blur:1.1-gray", ["LOG_LEVEL", "ENABLE_GRAY_FEATURE"])

    stage.command("undo")
    await stage.ends("RolledBack")

    assert stage.stable == (OLD, ["LOG_LEVEL"])


@story(0, 100, 0, ends="Promoted", reason="Promoted")
async def blue_green(stage: Stage) -> None:
    await stage.ends("Paused")
    await asyncio.sleep(60)
    gray = stage.object("Deployment", "face-blur-gray")
    ingress = stage.object("Ingress", "face-blur-ingress-gray")["metadata"]["annotations"]

    assert (stage.stands(), gray["status"]["readyReplicas"]) == (("Paused", 0), 3)
    assert ingress[f"{INGRESS}/canary-by-header"] == "X-Gray-Enable"
    stage.command("promote")
    assert await stage.until_weight(100) <= 0.1
    await stage.ends("Succeeded")


@story(0, 25, 100, 0, ends="Promoted", reason="Promoted")
async def gates(stage: Stage) -> None:
    says = {"start": Answer.NO_ANSWER, "promotion": Answer.REFUSED}

    def board(question: Question) -> Answer:
        return says[str(question.body["at"])]

    stage.outside.answer = board
    await asyncio.sleep(1)
    stage.api.add(a_gray_pod(stage, containerStatuses=[PULLED]))
    await asyncio.sleep(60)
    assert stage.stands() == ("Progressing", 0)
    assert "board-start (change-board.demo.svc) does not answer" in stage.status["message"]

    says["start"] = Answer.AGREED
    await stage.until_weight(100)
    await asyncio.sleep(120)
    assert stage.stands() == ("Progressing", 100)
    assert "gate board-promotion" in stage.status["message"]
    assert [one["answer"] for one in stage.status["gates"]][-1] == "Refused"

    says["promotion"] = Answer.AGREED
    await stage.ends("Succeeded")
    await asyncio.sleep(5)
    told = [(one.channel.name, one.notice.occasion.value) for one in stage.outside.told]
    assert told == [("team", "Started"), ("team", "Promoted")]


@story(0, 25, 50, 100, 0, ends="Promoted", reason="Promoted")
async def shared_outage(stage: Stage) -> None:
    await stage.until_weight(25)
    await asyncio.sleep(10)

    stage.traffic.fail(gray=0.5, stable=0.5)
    for _ in range(20):
        await asyncio.sleep(5)
        assert stage.stands() == ("Progressing", 25)
        assert stage.status["message"].startswith("success: stable breaches it too (")
        assert stage.status["message"].endswith("; not gray's fault, holding")

    stage.traffic.fail(gray=0.002, stable=0.002)
    await stage.ends("Succeeded")


@story(0, 20, 50, 100, 0, ends="Promoted", reason="Promoted")
async def low_traffic(stage: Stage) -> None:
    stage.traffic.flow(0.5)
    await stage.until_weight(20)
    await asyncio.sleep(65)
    assert stage.stands() == ("Progressing", 20)
    assert "more requests needed" in stage.status["message"]
    assert "at this rate" in stage.status["message"]

    # Nobody comes at night: that is no evidence for anything.
    stage.traffic.flow(0)
    await asyncio.sleep(HOUR / 4)
    assert stage.stands() == ("Progressing", 20)

    stage.traffic.flow(0.5)
    await stage.ends("Succeeded")


@story(0, 25, 50, 0, ends="RolledBack", reason="SloBreached")
async def gauge(stage: Stage) -> None:
    await stage.until_weight(25)
    stage.traffic.gauges["cpu"] = 0.97
    await asyncio.sleep(8)
    stage.traffic.gauges["cpu"] = 0.5
    await stage.until_weight(50)

    stage.traffic.gauges["cpu"] = 0.97
    took = await stage.until_weight(0)
    await stage.ends("RolledBack")

    assert 9 <= took <= 11
    assert "cpu: 0.97, allowed 0.8, 10 times in a row" in stage.status["message"]


PULLED = {
    "name": "processor",
    "image": "ai-face-blur:1.1-gray",
    "imageID": f"ai-face-blur@sha256:{'a' * 64}",
    "ready": True,
    "restartCount": 0,
    "state": {"running": {}},
}


def test_every_folder_has_a_story_and_every_story_a_folder() -> None:
    assert sorted(STORIES) == [folder.name for folder in folders()]


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_example_goes_as_its_readme_tells(folder: Path) -> None:
    told = STORIES[folder.name]
    spec = rollout(folder)["spec"]

    async def go() -> None:
        stage = Stage(prometheus_url=spec["analysis"].get("prometheus", {}).get("url", URL))
        stage.set(spec)
        stage.start()
        await told.play(stage)
        await asyncio.sleep(120)

        gray = spec.get("gray", {}).get("deployment", "face-blur-stable-gray")
        is_kept = told.condition == "Promoted"
        assert stage.weights == list(told.weights)
        assert stage.reason(told.condition) == told.reason
        assert stage.stable[0] == (spec["image"] if is_kept else OLD)
        assert stage.object("Deployment", gray)["spec"]["replicas"] == 0
        annotations = stage.object("FaceBlurRollout", KEY.name)["metadata"].get("annotations")
        assert not annotations

    run_virtually(go())
