"""Objects that somebody else made, and objects that are not there."""

from dataclasses import replace
from typing import Any

from tests.support.builders import a_plan
from tests.support.world import START, World, a_service, a_template, a_workload, an_ingress

from faceblur_operator.api.reasons import Phase
from faceblur_operator.core import memo
from faceblur_operator.core.decide import queries, recall
from faceblur_operator.core.effects import Apply, Delete
from faceblur_operator.core.lifecycle import advance
from faceblur_operator.core.memory import Memory
from faceblur_operator.core.state import Stage, State
from faceblur_operator.core.view import View


def an_adopted_world() -> World:
    """A gray Deployment and Service that the user made, with a variable of their own."""
    template = a_template()
    template["metadata"]["labels"]["faceblur.dev/track"] = "gray"
    template["spec"]["containers"][0]["env"].append({"name": "OWN", "value": "1"})
    return World(
        gray=a_workload("face-blur-gray", template, replicas=0, owner_uid=None),
        gray_service=replace(a_service(), name="face-blur-gray-service", owner_uid=None),
    )


def test_an_adopted_deployment_gets_image_variables_size_and_a_label_only() -> None:
    """By the label its pods are watched."""
    decision = an_adopted_world().tick(a_plan())

    assert decision.effects == (
        Apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "face-blur-gray", "namespace": "demo"},
                "spec": {
                    "replicas": 1,
                    "template": {
                        "metadata": {"labels": {"faceblur.dev/rollout": "face-blur"}},
                        "spec": {
                            "containers": [
                                {
                                    "name": "processor",
                                    "image": "ai-face-blur:1.1-gray",
                                    "env": [{"name": "ENABLE_GRAY_FEATURE", "value": "true"}],
                                }
                            ]
                        },
                    },
                },
            }
        ),
    )


def test_an_adopted_deployment_without_variables_gets_none() -> None:
    (effect,) = an_adopted_world().tick(a_plan(gray_env=())).effects

    assert isinstance(effect, Apply)
    (container,) = effect.manifest["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "processor", "image": "ai-face-blur:1.1-gray"}


def test_an_adopted_deployment_that_runs_the_image_is_current() -> None:
    world, plan = an_adopted_world(), a_plan()
    assert world.gray is not None
    template: Any = a_template("ai-face-blur:1.1-gray")
    template["spec"]["containers"][0]["env"] += [
        {"name": "OWN", "value": "1"},
        {"name": "ENABLE_GRAY_FEATURE", "value": "true"},
    ]
    world.gray = replace(world.gray, template=template, replicas=1, ready=1, updated=1)

    world.tick(plan)
    weight_without_label = world.weight
    template["metadata"]["labels"]["faceblur.dev/rollout"] = "face-blur"
    world.gray = replace(world.gray, template=template)
    world.settle()
    world.tick(plan)

    assert (weight_without_label, world.weight) == (0, 5)


def test_annotations_of_the_template_go_along() -> None:
    template = a_template()
    template["metadata"]["annotations"] = {"prometheus.io/scrape": "true"}
    world = World(stable=a_workload("face-blur-stable", template))

    world.tick(a_plan())

    assert world.gray is not None
    assert world.gray.template["metadata"]["annotations"] == {"prometheus.io/scrape": "true"}


def test_a_default_backend_goes_to_gray_too() -> None:
    backend = {"service": {"name": "face-blur-service", "port": {"number": 80}}}
    world, plan = World(ingress=an_ingress(rules=[], defaultBackend=backend)), a_plan(opt_in=None)
    world.tick(plan)
    world.settle()
    world.tick(plan)

    assert world.gray_ingress is not None
    spec = world.gray_ingress.manifest["spec"]
    assert spec["defaultBackend"]["service"]["name"] == "face-blur-gray-service"
    annotations = world.gray_ingress.manifest["metadata"]["annotations"]
    assert [name for name in annotations if "-by-" in name] == []


def test_a_stable_deployment_that_vanishes_stops_everything_but_a_rollback() -> None:
    world, plan = World(), a_plan()
    while world.weight != 25:
        world.serve(gray=60, stable=100)
        world.tick(plan)
        world.settle()
    world.stable = None
    world.tick(plan)
    assert (world.phase, world.weight) == (Phase.INVALID, 25)

    for _ in range(2):
        world.serve(gray=60, bad=60, stable=100)
        world.tick(plan)

    assert world.weight == 0


def test_a_rollback_without_any_ingress_deletes_the_gray_one() -> None:
    world, plan = World(), a_plan()
    while world.weight != 25:
        world.serve(gray=60, stable=100)
        world.tick(plan)
        world.settle()
    world.ingress = None
    world.serve(gray=60, bad=60, stable=100)
    world.tick(plan)
    world.serve(stable=100)

    decision = world.tick(plan)

    assert [type(one) for one in decision.effects] == [Delete]


def test_promotion_waits_for_a_stable_that_can_be_read() -> None:
    world = World(stable=None)
    view = View(a_plan(), world.snapshot(), START, "", False, False, "", None, None)
    state = State(stage=Stage.PROMOTING, weight=0)

    assert advance(state, view) == state


def test_memory_of_another_serial_is_dropped() -> None:
    world, plan = World(), a_plan()
    world.tick(plan)
    mine = Memory(State(serial=99))

    assert recall(mine, world.status).state.serial == memo.serial_of(world.status)


def test_prometheus_is_asked_only_while_gray_has_traffic() -> None:
    world, plan = World(), a_plan()
    world.tick(plan)
    assert queries(plan, world.snapshot(), world.status) == {}
    world.settle()
    world.tick(plan)

    assert len(queries(plan, world.snapshot(), world.status)) == 4
