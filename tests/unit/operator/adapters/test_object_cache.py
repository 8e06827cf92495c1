"""What is believed of the cluster, and whom a change wakes."""

import json
from typing import Any

import pytest

from faceblur_operator.adapters.kube_reader import INDEX
from faceblur_operator.adapters.object_cache import MAX_AGE, ObjectCache, Ref
from faceblur_operator.ports.cluster import Key

A, B = Key("demo", "a"), Key("demo", "b")
WEB = Ref("Service", "demo", "web")
NOBODY: frozenset[Key] = frozenset()


class Seconds:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def cache(clock: Seconds) -> ObjectCache:
    return ObjectCache(INDEX, clock)


def service(version: int, name: str = "web", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "demo", "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": spec}


def ingress(version: int, name: str, *services: str) -> dict[str, Any]:
    paths = [{"backend": {"service": {"name": one}}} for one in services]
    metadata = {"name": name, "namespace": "demo", "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"rules": [{"host": "x"}, {"http": {"paths": paths}}]}}


def rollout(version: int, name: str, stable: str, **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "demo", "resourceVersion": str(version)}
    spec = {"stable": {"deployment": stable, "service": stable}}
    return {"metadata": metadata, "spec": spec, "status": status}


def test_change_wakes_those_who_read_the_object(cache: ObjectCache) -> None:
    cache.set_read(A, frozenset({WEB}))
    cache.set_read(B, frozenset({Ref("Service", "demo", "other")}))

    woken = cache.observe("Service", service(1), is_gone=False)

    assert woken == {A}


def test_own_write_that_comes_back_through_the_watch_wakes_nobody(cache: ObjectCache) -> None:
    cache.set_read(A, frozenset({WEB}))
    cache.put("Service", service(7))

    assert cache.observe("Service", service(7), is_gone=False) == NOBODY


def test_older_news_changes_nothing(cache: ObjectCache) -> None:
    cache.set_read(A, frozenset({WEB}))
    cache.put("Service", service(7, port=7))

    assert cache.observe("Service", service(6, port=6), is_gone=False) == NOBODY
    assert cache.observe("Service", service(6), is_gone=True) == NOBODY
    assert cache.get(WEB) == service(7, port=7)


def test_deletion_wakes_and_is_remembered(cache: ObjectCache) -> None:
    cache.set_read(A, frozenset({WEB}))
    cache.put("Service", service(7))

    woken = cache.observe("Service", service(8), is_gone=True)

    assert woken == {A}
    assert (cache.knows(WEB), cache.get(WEB)) == (True, None)
    assert cache.observe("Service", service(7), is_gone=False) == NOBODY
    assert cache.observe("Service", service(9), is_gone=False) == {A}


def test_object_nobody_reads_is_not_kept(cache: ObjectCache) -> None:
    assert cache.observe("Service", service(1), is_gone=False) == NOBODY
    assert not cache.knows(WEB)


def test_object_that_is_no_longer_read_is_dropped(cache: ObjectCache) -> None:
    cache.set_read(A, frozenset({WEB}))
    cache.put("Service", service(1))

    cache.set_read(A, frozenset())

    assert not cache.knows(WEB)


def test_object_that_another_rollout_still_reads_is_kept(cache: ObjectCache) -> None:
    cache.set_read(A, frozenset({WEB}))
    cache.set_read(B, frozenset({WEB}))
    cache.put("Service", service(1))

    cache.set_read(A, frozenset())

    assert cache.get(WEB) == service(1)


def test_what_was_not_confirmed_for_long_is_not_believed(
    cache: ObjectCache, clock: Seconds
) -> None:
    cache.put("Service", service(1))

    clock.now = MAX_AGE - 1
    assert cache.knows(WEB)
    clock.now = MAX_AGE
    assert not cache.knows(WEB)
    cache.put("Service", service(1))
    assert cache.knows(WEB)


def test_after_a_conflict_nothing_the_rollout_reads_is_believed(cache: ObjectCache) -> None:
    own = Ref("FaceBlurRollout", "demo", "a")
    cache.put("FaceBlurRollout", rollout(1, "a", "web"))
    cache.set_read(A, frozenset({WEB}))
    cache.put("Service", service(2))

    cache.forget(A)

    assert (cache.knows(own), cache.knows(WEB)) == (False, False)


def test_rollout_is_woken_by_its_own_change_though_it_never_read_anything(
    cache: ObjectCache,
) -> None:
    assert cache.observe("FaceBlurRollout", rollout(1, "a", "web"), is_gone=False) == {A}


def test_rivals_are_woken_by_claims_and_not_by_a_status(cache: ObjectCache) -> None:
    cache.set_read(A, frozenset({Ref("FaceBlurRollout", "demo", value="Deployment/web")}))

    came = cache.observe("FaceBlurRollout", rollout(1, "b", "web"), is_gone=False)
    worked = cache.observe("FaceBlurRollout", rollout(2, "b", "web", phase="x"), is_gone=False)
    moved = cache.observe("FaceBlurRollout", rollout(3, "b", "other"), is_gone=False)

    assert [came, worked, moved] == [{A, B}, {B}, {A, B}]


def test_ingress_is_found_by_the_services_it_uses(cache: ObjectCache) -> None:
    by_service = Ref("Ingress", "demo", value="web")
    cache.put("Ingress", ingress(1, "one", "web", "other"))
    cache.put("Ingress", ingress(2, "two", "other"))
    assert [one["metadata"]["name"] for one in cache.find(by_service)] == ["one"]

    cache.put("Ingress", ingress(3, "two", "web"))
    cache.remove(Ref("Ingress", "demo", "one"), 4)

    assert [one["metadata"]["name"] for one in cache.find(by_service)] == ["two"]


def test_list_tells_what_is_gone(cache: ObjectCache) -> None:
    cache.put("Ingress", ingress(1, "lost"))
    cache.put("Ingress", ingress(9, "newer than the list"))

    cache.put_list("Ingress", "demo", [ingress(2, "found")], version=5)

    assert cache.get(Ref("Ingress", "demo", "lost")) is None
    assert cache.get(Ref("Ingress", "demo", "newer than the list")) is not None
    assert cache.is_listed("Ingress", "demo")
    assert not cache.is_listed("Ingress", "other")


def test_list_clears_away_what_is_gone_and_not_read(cache: ObjectCache) -> None:
    cache.put_list("Ingress", "demo", [ingress(1, "gone"), ingress(1, "read")], version=1)
    cache.set_read(A, frozenset({Ref("Ingress", "demo", "read")}))
    for name in ("gone", "read"):
        cache.observe("Ingress", ingress(2, name), is_gone=True)

    cache.put_list("Ingress", "demo", [], version=3)

    known = [cache.knows(Ref("Ingress", "demo", name)) for name in ("gone", "read")]
    assert known == [False, True]


def test_managed_fields_are_not_kept(cache: ObjectCache) -> None:
    item = service(1)
    item["metadata"]["managedFields"] = [{"manager": "kubectl"}]

    cache.put("Service", item)

    assert cache.get(WEB) == service(1)


def test_equal_strings_of_different_objects_are_one_in_memory(cache: ObjectCache) -> None:
    for name in ("a", "b"):
        # As two answers bring them: parsed apart.
        item = json.loads(json.dumps(service(1, name, some=["a word", 1, None])))
        cache.put("Service", item)

    first, second = (cache.get(Ref("Service", "demo", name)) for name in ("a", "b"))

    assert first == service(1, "a", some=["a word", 1, None])
    assert second is not None
    assert first["spec"]["some"][0] is second["spec"]["some"][0]
    assert [*map(id, first["spec"])] == [*map(id, second["spec"])]


def test_what_did_not_change_in_an_object_is_kept_once_and_what_did_is_new(
    cache: ObjectCache,
) -> None:
    cache.put("Service", json.loads(json.dumps(service(1, some=["a"], port=1, type="x"))))
    first = cache.get(WEB)
    cache.put("Service", json.loads(json.dumps(service(2, some=["a"], port=2))))
    second = cache.get(WEB)

    assert first is not None
    assert second is not None
    assert second["spec"] == {"some": ["a"], "port": 2}
    assert second["metadata"]["resourceVersion"] == "2"
    assert second["spec"]["some"] is first["spec"]["some"]
    assert first["spec"] == {"some": ["a"], "port": 1, "type": "x"}
