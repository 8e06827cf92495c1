"""What a restart needs of a status is small, however much of it is there for people."""

import json
from dataclasses import replace

from tests.support.builders import a_plan, a_ratio
from tests.support.world import World

from faceblur_operator.core import memo

NAMES = ("latency", "success", "accuracy", "recall", "errors", "no-worse", "own", "other")
IMAGE = "registry.example.com/privacy/face-blur/ai-face-blur:1.1-gray"
TRAFFIC = {"gray": 33_333, "bad": 7, "stable": 77_777, "stable_bad": 19}


def test_what_a_restart_needs_of_eight_objectives_fits_into_4_kib() -> None:
    slos = tuple(a_ratio(name, max_ratio=1.5) for name in NAMES)
    plan = a_plan(5, 25, 100, objectives=slos, image=IMAGE, hold=3600)
    world = World()
    for _ in range(300):
        world.serve(**TRAFFIC)
        world.tick(plan)
        world.settle()
    reasons = [
        {name: one[name] for name in ("type", "reason")} for one in world.status["conditions"]
    ]

    needed = {"memory": world.status["memory"], "conditions": reasons}
    text = json.dumps(needed, separators=(",", ":"), ensure_ascii=False)

    stored, back = memo.load(world.status), memo.load(needed)
    assert len(text.encode()) <= 4096
    # Only the sentences about the objectives are missing: the next look says them anew.
    assert back == replace(stored, slos=tuple(one._replace(message="") for one in stored.slos))
    assert world.weight == 5
    assert len(stored.slos) == 8
