"""What a rollout can do without: read when it may be, told once when it may not."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.support.fakes.kube_api import FakeKubeApi
from tests.support.in_memory import KEY, InMemory, stable_objects
from tests.support.virtual_time import run_virtually

from faceblur_operator.adapters import kube_mounts
from faceblur_operator.adapters.kube_mounts import MountReader, digest_of, is_under_way
from faceblur_operator.adapters.kube_signals import REFUSED_FOR, Rights
from faceblur_operator.core.snapshot import Mount, Workload
from faceblur_operator.ports.cluster import Resource
from faceblur_operator.ports.errors import RefusedError, UnreachableError


def a_resource(**status: Any) -> Resource:
    manifest = {"metadata": {}, "status": {"observedGeneration": 1, **status}}
    return Resource(KEY, "uid", 1, "1", manifest)


def a_workload(*names: str, owner: str | None = None) -> Workload:
    env = [{"configMapRef": {"name": name}} for name in names]
    template = {"spec": {"containers": [{"name": "processor", "envFrom": env}]}}
    return Workload("w", "u", 1, 1, 1, 1, 1, True, template, {}, owner_uid=owner)


def a_config(name: str, value: str) -> dict[str, Any]:
    return {
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": KEY.namespace},
        "data": {"value": value},
    }


def a_reader(api: FakeKubeApi) -> MountReader:
    now = asyncio.get_running_loop().time
    return MountReader(api, now, Rights(now), asyncio.Semaphore(4))


def test_a_missing_right_is_remembered_for_a_while_and_told() -> None:
    async def story() -> None:
        rights, asked = Rights(asyncio.get_running_loop().time), []

        async def refused() -> str:
            asked.append(1)
            raise RefusedError("no")

        async def granted() -> str:
            return "yes"

        first = await rights.attempt("Pod", "demo", refused)
        second = await rights.attempt("Pod", "demo", refused)
        told = (rights.missing("demo"), rights.missing("else"))
        await asyncio.sleep(REFUSED_FOR)
        third = await rights.attempt("Pod", "demo", granted)

        assert (first, second, third, asked) == (None, None, "yes", [1])
        assert (told, rights.missing("demo")) == ((("Pod",), ()), ())

    run_virtually(story())


def test_without_any_of_these_rights_a_release_ends_well_and_the_status_says_so() -> None:
    async def story() -> None:
        world = InMemory()
        world.api.forbidden = {"Pod", "HorizontalPodAutoscaler", "ConfigMap", "Secret"}
        world.install()
        stable = stable_objects()[0]
        (container,) = stable["spec"]["template"]["spec"]["containers"]
        container["envFrom"] = [{"configMapRef": {"name": "settings"}}]
        world.api.change("Deployment", "face-blur-stable", {"spec": stable["spec"]})
        world.settle()

        world.start()
        await world.until_weight(5)
        accepted = {one["type"]: one for one in world.status["conditions"]}["Accepted"]
        await world.until("Succeeded")

        assert (accepted["status"], accepted["reason"]) == ("True", "NotReadable")
        assert "ConfigMap, HorizontalPodAutoscaler, Pod in demo" in accepted["message"]

    run_virtually(story())


@pytest.mark.parametrize(
    ("resource", "want"),
    [
        pytest.param(a_resource(), True, id="new"),
        pytest.param(a_resource(phase="Progressing"), True, id="running"),
        pytest.param(a_resource(phase="Succeeded"), False, id="promoted"),
        pytest.param(a_resource(phase="RolledBack"), False, id="rolled back"),
        pytest.param(
            a_resource(phase="Succeeded", observedGeneration=0), True, id="asked for anew"
        ),
        pytest.param(
            replace(
                a_resource(),
                manifest={
                    "metadata": {"annotations": {"faceblur.dev/command": "retry"}},
                    "status": {"phase": "RolledBack", "observedGeneration": 1},
                },
            ),
            True,
            id="a person wants something",
        ),
    ],
)
def test_mounts_are_read_only_around_a_release(resource: Resource, want: bool) -> None:
    assert is_under_way(resource) is want


def test_mounts_are_read_once_in_a_while_and_a_change_shows_then() -> None:
    async def story() -> None:
        api = FakeKubeApi()
        api.add(a_config("a", "1"))
        reader, stable = a_reader(api), a_workload("a")

        first = await reader.of(a_resource(), stable, None)
        api.change("ConfigMap", "a", {"data": {"value": "2"}})
        believed = await reader.of(a_resource(), stable, None)
        await asyncio.sleep(kube_mounts.MAX_AGE)
        later = await reader.of(a_resource(), stable, None)

        assert len(api.calls) == 2
        assert (believed == first, later == first) == (True, False)

    run_virtually(story())


def test_nothing_is_read_without_a_stable_deployment() -> None:
    async def story() -> None:
        api = FakeKubeApi()

        assert await a_reader(api).of(a_resource(), None, None) == ()
        assert api.calls == []

    run_virtually(story())


def test_mounts_of_an_adopted_deployment_count_and_those_of_our_own_are_stables() -> None:
    async def story() -> None:
        reader = a_reader(FakeKubeApi())
        stable = a_workload("a")

        ours = await reader.of(a_resource(), stable, a_workload("b", owner="uid"))
        adopted = await reader.of(a_resource(), stable, a_workload("b"))

        assert ours == (Mount("ConfigMap", "a", None),)
        assert adopted == (Mount("ConfigMap", "a", None), Mount("ConfigMap", "b", None))

    run_virtually(story())


def test_a_server_that_does_not_answer_changes_nothing() -> None:
    class Deaf(FakeKubeApi):
        is_deaf = False

        async def get(self, path: str, **query: str) -> dict[str, Any]:
            if self.is_deaf:
                raise UnreachableError("no answer")
            return await super().get(path, **query)

    async def story() -> None:
        api = Deaf()
        api.add(a_config("a", "1"))
        reader = a_reader(api)
        first = await reader.of(a_resource(), a_workload("a"), None)
        api.is_deaf = True
        await asyncio.sleep(kube_mounts.MAX_AGE)

        assert await reader.of(a_resource(), a_workload("a"), None) == first
        assert await reader.of(a_resource(), a_workload("a", "b"), None) == ()

    run_virtually(story())


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_mounts, "REMEMBERED", 2)

    async def story() -> None:
        reader = a_reader(FakeKubeApi())

        for name in "abcdefg":
            await reader.of(a_resource(), a_workload(name), None)

        assert len(reader._seen) <= 2

    run_virtually(story())


def test_digest_is_of_the_content_and_that_of_a_secret_is_salted() -> None:
    one = {"metadata": {"uid": "1"}, "data": {"a": "eA=="}}
    again = {"metadata": {"uid": "2", "labels": {"new": "yes"}}, "data": {"a": "eA=="}}

    assert digest_of("ConfigMap", one) == digest_of("ConfigMap", again)
    assert digest_of("Secret", one) != digest_of("Secret", again)
    assert digest_of("Secret", one) != digest_of("ConfigMap", one)
