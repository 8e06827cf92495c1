"""What the engine may expect of reader, writer, events and Lease; for a fake and a real API server.

Subclasses say which API server it is; see `tests/contract/ports` and `tests/integration/operator`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from tests.support.builders import a_plan
from tests.support.fakes.ports import FakeFence
from tests.support.in_memory import stable_objects
from tests.support.specs import a_resource, a_spec

from faceblur_operator.adapters.kube_api import MERGE_PATCH, KubeApi, Object, path_of
from faceblur_operator.adapters.kube_events import KubeEvents
from faceblur_operator.adapters.kube_reader import INDEX, KubeReader
from faceblur_operator.adapters.kube_writer import KubeWriter
from faceblur_operator.adapters.lease import LeaseElector, LeasePlace, LeaseTiming
from faceblur_operator.adapters.object_cache import ObjectCache
from faceblur_operator.adapters.system_clock import SystemClock
from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.commands import ANNOTATION
from faceblur_operator.core.decision import Event
from faceblur_operator.core.effects import Apply, ClearCommand, Delete, PatchTemplate
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import PodContainer, Scaler, Snapshot
from faceblur_operator.ports.cluster import Key, Resource
from faceblur_operator.ports.errors import ConflictError, NotLeadingError, RefusedError

T = TypeVar("T")
SPACE = "demo"
KEY = Key(SPACE, "face-blur")
PLAN: Plan = replace(a_plan(), namespace=SPACE, name=KEY.name)
IMAGE = {"spec": {"template": {"spec": {"containers": [{"name": "processor", "image": "new"}]}}}}
# A Lease that moves fast, so that the tests do.
QUICK = LeaseTiming(
    duration=timedelta(seconds=2),
    deadline=timedelta(seconds=1.2),
    renew=timedelta(seconds=0.3),
    poll=timedelta(seconds=0.2),
    request=timedelta(seconds=1),
)


class Bench:
    """Reader, writer and events on one API server, and a second pair of hands."""

    def __init__(self, api: KubeApi) -> None:
        self.api = api
        self.fence = FakeFence()
        self.cache = ObjectCache(INDEX, asyncio.get_running_loop().time)
        self.reader = KubeReader(api, self.cache)
        self.writer = KubeWriter(api, self.cache, self.fence)
        self.events = KubeEvents(api, SystemClock(), self.fence, instance="test")

    async def add(self, item: Object) -> Object:
        item["metadata"]["namespace"] = SPACE
        return await self.api.request("POST", path_of(item["kind"], SPACE), body=item)

    def restarted(self) -> "Bench":
        """Return the same of another process."""
        return Bench(self.api)

    async def install(self) -> None:
        for item in stable_objects():
            await self.add(item)
        await self.add(a_resource(a_spec()))

    async def resource(self) -> Resource:
        found = await self.reader.resource(KEY)
        assert found is not None
        return found

    async def snapshot(self) -> Snapshot:
        return await self.reader.snapshot(await self.resource(), PLAN)

    async def add_gray(self, image: str = "gray") -> str:
        """Add a gray Deployment with the ReplicaSet of its template; return its hash label."""
        labels = {"app": "gray", "faceblur.dev/rollout": KEY.name}
        template = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "processor", "image": image}]},
        }
        gray = await self.add(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": PLAN.gray_deployment},
                # Paused: a real controller makes nothing of its own.
                "spec": {
                    "paused": True,
                    "replicas": 1,
                    "selector": {"matchLabels": {"app": "gray"}},
                    "template": template,
                },
            }
        )
        owner: Object = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": PLAN.gray_deployment,
        }
        owner |= {"uid": gray["metadata"]["uid"], "controller": True}
        hashed = labels | {"pod-template-hash": "5d4f8c7b6"}
        await self.add(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {"name": "gray-set", "labels": hashed, "ownerReferences": [owner]},
                "spec": {
                    "replicas": 0,
                    "selector": {"matchLabels": hashed},
                    "template": {**template, "metadata": {"labels": hashed}},
                },
            }
        )
        return hashed["pod-template-hash"]

    async def add_pod(self, name: str, labels: dict[str, str], **status: Any) -> Object:
        """Add a pod that no ReplicaSet takes for its own, with this status."""
        rollout = (await self.resource()).uid
        owner: Object = {
            "apiVersion": "faceblur.dev/v1alpha1",
            "kind": "FaceBlurRollout",
            "name": KEY.name,
        }
        owner |= {"uid": rollout, "controller": True}
        container = {"name": "processor", "image": "gray"}
        await self.add(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "labels": labels, "ownerReferences": [owner]},
                "spec": {"schedulerName": "nobody", "containers": [container]},
            }
        )
        path = path_of("Pod", SPACE, name, subresource="status")
        body = {"status": status}
        return await self.api.request("PATCH", path, body=body, content_type=MERGE_PATCH)

    async def get(self, kind: str, name: str) -> Object:
        return await self.api.get(path_of(kind, SPACE, name))


def gray_ingress(weight: str, **annotations: str) -> Apply:
    name = "nginx.ingress.kubernetes.io/canary-weight"
    metadata = {
        "name": "face-blur-ingress-gray",
        "namespace": SPACE,
        "annotations": {name: weight, **annotations},
    }
    ingress = stable_objects()[2]
    return Apply({**ingress, "metadata": metadata})


class ClusterContract:
    """The tests; a subclass gives `run`, which opens an empty API server for a story."""

    def run(self, story: Callable[[Bench], Coroutine[Any, Any, T]]) -> T:
        raise NotImplementedError

    def test_what_does_not_exist_is_none(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.add(a_resource(a_spec()))

            found = await bench.snapshot()

            assert await bench.reader.resource(Key(SPACE, "other")) is None
            assert (found.stable, found.gray, found.stable_service) == (None, None, None)
            assert (found.ingress, found.gray_ingress, found.rivals) == (None, None, ())

        self.run(story)

    def test_rollouts_are_found_without_a_watch(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()

            assert await bench.reader.rollouts([SPACE]) == {KEY}
            assert await bench.reader.rollouts(["elsewhere"]) == frozenset()
            assert KEY in await bench.reader.rollouts([])

        self.run(story)

    def test_deployment_is_read_as_values(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()

            found = (await bench.snapshot()).stable

            assert found is not None
            assert (found.name, found.replicas, found.ready) == ("face-blur-stable", 3, 0)
            assert found.selector == {"app": "face-blur", "faceblur.dev/track": "stable"}
            assert found.template["spec"]["containers"][0]["image"] == "ai-face-blur:1.0"

        self.run(story)

    def test_command_is_taken_off_and_a_newer_one_stays(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            path = path_of("FaceBlurRollout", SPACE, KEY.name)

            async def give(text: str) -> None:
                body = {"metadata": {"annotations": {ANNOTATION: text}}}
                await bench.api.request("PATCH", path, body=body, content_type=MERGE_PATCH)

            await give("pause")
            await bench.resource()
            await give("resume")
            with pytest.raises(ConflictError):
                await bench.writer.apply(KEY, ClearCommand("pause"))
            assert (await bench.get("FaceBlurRollout", KEY.name))["metadata"]["annotations"] == {
                ANNOTATION: "resume"
            }

            await bench.resource()
            await bench.writer.apply(KEY, ClearCommand("resume"))

            found = await bench.get("FaceBlurRollout", KEY.name)
            assert not found["metadata"].get("annotations")

        self.run(story)

    def test_own_write_is_in_the_next_read(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            await bench.snapshot()

            await bench.writer.apply(KEY, gray_ingress("5"))
            found = (await bench.snapshot()).gray_ingress

            assert found is not None
            assert found.manifest["metadata"]["annotations"] == {
                "nginx.ingress.kubernetes.io/canary-weight": "5"
            }

        self.run(story)

    def test_apply_takes_back_its_own_fields_and_leaves_those_of_others(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            await bench.writer.apply(KEY, gray_ingress("5", ours="yes"))
            theirs = {"metadata": {"annotations": {"theirs": "kept"}}}
            path = path_of("Ingress", SPACE, "face-blur-ingress-gray")
            await bench.api.request(
                "PATCH", path, body=theirs, content_type="application/merge-patch+json"
            )

            await bench.writer.apply(KEY, gray_ingress("25"))

            found = await bench.get("Ingress", "face-blur-ingress-gray")
            assert found["metadata"]["annotations"] == {
                "nginx.ingress.kubernetes.io/canary-weight": "25",
                "theirs": "kept",
            }

        self.run(story)

    def test_same_apply_twice_changes_nothing(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            await bench.writer.apply(KEY, gray_ingress("5"))
            before = await bench.get("Ingress", "face-blur-ingress-gray")

            await bench.writer.apply(KEY, gray_ingress("5"))

            after = await bench.get("Ingress", "face-blur-ingress-gray")
            assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]

        self.run(story)

    def test_delete_spares_a_later_object_of_the_same_name(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()

            with pytest.raises(ConflictError):
                await bench.writer.apply(KEY, Delete("Ingress", "face-blur-ingress", "uid-else"))

            assert await bench.get("Ingress", "face-blur-ingress")

        self.run(story)

    def test_deleting_twice_is_no_error(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            uid = (await bench.get("Ingress", "face-blur-ingress"))["metadata"]["uid"]

            await bench.writer.apply(KEY, Delete("Ingress", "face-blur-ingress", uid))
            await bench.writer.apply(KEY, Delete("Ingress", "face-blur-ingress", uid))

            assert (await bench.snapshot()).ingress is None

        self.run(story)

    def test_patch_changes_one_container_and_keeps_the_rest(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            uid = (await bench.get("Deployment", "face-blur-stable"))["metadata"]["uid"]

            await bench.writer.apply(KEY, PatchTemplate("face-blur-stable", uid, IMAGE))

            found = (await bench.snapshot()).stable
            assert found is not None
            container = found.template["spec"]["containers"][0]
            assert container["image"] == "new"
            assert container["resources"] == {"limits": {"cpu": "500m", "memory": "512Mi"}}

        self.run(story)

    def test_patch_keeps_the_order_it_asks_for(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            uid = (await bench.get("Deployment", "face-blur-stable"))["metadata"]["uid"]
            change = {
                "name": "processor",
                "env": [{"name": "NEW", "value": "1"}],
                "$setElementOrder/env": [{"name": "LOG_LEVEL"}, {"name": "NEW"}],
            }
            patch = {"spec": {"template": {"spec": {"containers": [change]}}}}

            await bench.writer.apply(KEY, PatchTemplate("face-blur-stable", uid, patch))

            found = (await bench.snapshot()).stable
            assert found is not None
            assert found.template["spec"]["containers"][0]["env"] == [
                {"name": "LOG_LEVEL", "value": "info"},
                {"name": "NEW", "value": "1"},
            ]

        self.run(story)

    def test_patch_spares_a_later_deployment_of_the_same_name(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()

            with pytest.raises(ConflictError):
                await bench.writer.apply(KEY, PatchTemplate("face-blur-stable", "uid-else", IMAGE))

        self.run(story)

    def test_status_is_replaced_and_the_spec_untouched(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            await bench.writer.store_status(
                await bench.resource(), {"phase": "Progressing", "message": "m"}
            )

            await bench.writer.store_status(await bench.resource(), {"phase": "Paused"})

            found = await bench.get("FaceBlurRollout", KEY.name)
            assert found["status"] == {"phase": "Paused"}
            assert found["metadata"]["generation"] == 1
            assert (await bench.resource()).manifest["status"] == {"phase": "Paused"}

        self.run(story)

    def test_status_of_an_outdated_read_is_a_conflict_and_read_anew_after_it(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            outdated = await bench.resource()
            path = path_of("FaceBlurRollout", SPACE, KEY.name)
            await bench.api.request(
                "PATCH",
                path,
                body={"spec": {"suspend": True}},
                content_type="application/merge-patch+json",
            )

            with pytest.raises(ConflictError):
                await bench.writer.store_status(outdated, {"phase": "Paused"})

            assert (await bench.resource()).manifest["spec"]["suspend"] is True

        self.run(story)

    def test_closed_fence_stops_every_write(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            resource = await bench.resource()
            bench.fence.is_leading = False

            for effect in (
                gray_ingress("5"),
                Delete("Ingress", "face-blur-ingress", "uid"),
                PatchTemplate("face-blur-stable", "uid", IMAGE),
            ):
                with pytest.raises(NotLeadingError):
                    await bench.writer.apply(KEY, effect)
            with pytest.raises(NotLeadingError):
                await bench.writer.store_status(resource, {"phase": "Paused"})

            assert (await bench.get("Ingress", "face-blur-ingress"))["metadata"]["uid"]

        self.run(story)

    def test_what_the_server_refuses_says_so(self) -> None:
        async def story(bench: Bench) -> None:
            manifest = {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "half"},
                "spec": {"replicas": 1, "template": {}},
            }

            with pytest.raises(RefusedError, match=r"spec\.selector"):
                await bench.writer.apply(KEY, Apply(manifest))

        self.run(story)

    def test_older_rollout_on_the_same_objects_is_a_rival_and_others_are_not(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            await bench.add(a_resource(a_spec(), "same"))
            apart = {"deployment": "apart", "service": "apart"}
            traffic = {"ingresses": ["apart"]}
            await bench.add(a_resource(a_spec(stable=apart, traffic=traffic), "apart"))

            found = await bench.snapshot()

            assert [one.name for one in found.rivals] == ["same"]
            assert "Ingress/face-blur-ingress" in found.rivals[0].claims

        self.run(story)

    def test_other_ingress_on_the_stable_service_is_a_sibling(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            other = stable_objects()[2]
            other["metadata"]["name"] = "other"
            await bench.add(other)
            await bench.writer.apply(KEY, gray_ingress("5"))

            found = await bench.snapshot()

            # Our own gray Ingress has a label that this one lacks.
            assert set(found.ingress_siblings) == {"face-blur-ingress-gray", "other"}

        self.run(story)

    def test_gray_pods_are_those_of_the_present_template(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            pod_hash = await bench.add_gray()
            ours = {"faceblur.dev/rollout": KEY.name, "pod-template-hash": pod_hash}
            state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
            ended = {"reason": "Error", "exitCode": 3, "finishedAt": "2026-01-01T00:00:05Z"}
            container = {
                "name": "processor",
                "image": "gray",
                "imageID": "",
                "ready": False,
                "restartCount": 4,
                "state": state,
                "lastState": {"terminated": ended},
            }
            await bench.add_pod("now", ours, phase="Running", containerStatuses=[container])
            await bench.add_pod("old", ours | {"pod-template-hash": "6"}, phase="Running")
            await bench.add_pod("other", {"pod-template-hash": pod_hash}, phase="Running")

            # A real controller adds pods of its own making to the ReplicaSet.
            seen = {one.name: one for one in (await bench.snapshot()).gray_pods}

            found = seen["now"]
            assert not seen.keys() & {"old", "other"}
            assert (found.phase, found.pod_hash) == ("Running", pod_hash)
            assert found.containers == (
                PodContainer(
                    name="processor",
                    image="gray",
                    image_id="",
                    is_ready=False,
                    restarts=4,
                    waiting="CrashLoopBackOff",
                    ended="Error",
                    exit_code=3,
                    message="back-off",
                    ended_at=datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC),
                ),
            )

        self.run(story)

    def test_stables_pods_are_read_when_a_promotion_is_about_to_end(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            read = (await bench.snapshot()).stable
            assert read is not None
            whole: Any = {"replicas": 1, "updated": 1, "available": 1, "total": 1, "settled": True}
            stable = replace(read, pod_hash="6", **whole)
            labels = {**stable.selector, "pod-template-hash": "6"}
            await bench.add_pod("now", labels, phase="Running")
            await bench.add_pod("old", labels | {"pod-template-hash": "5"}, phase="Running")
            before = await bench.resource()
            await bench.writer.store_status(before, {"phase": "Promoting"})
            promoting = await bench.resource()

            pods = bench.reader.pods
            found = [one.name for one in await pods.of_stable(promoting, stable)]
            early = await pods.of_stable(before, stable)
            unready = await pods.of_stable(promoting, replace(stable, available=0))

            assert (found, early, unready) == (["now"], (), ())

        self.run(story)

    def test_pods_follow_the_watch_after_the_first_list(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            pod_hash = await bench.add_gray()
            ours = {"faceblur.dev/rollout": KEY.name, "pod-template-hash": pod_hash}
            before = names_of(await bench.snapshot())

            pod = await bench.add_pod("new", ours, phase="Pending")
            came = bench.reader.observe("Pod", pod, is_gone=False)
            again = bench.reader.observe("Pod", pod, is_gone=False)
            present = names_of(await bench.snapshot())
            gone = bench.reader.observe("Pod", pod, is_gone=True)

            assert (set(came), set(again), set(gone)) == ({KEY}, set(), {KEY})
            assert present - before == {"new"}
            assert names_of(await bench.snapshot()) == before

        self.run(story)

    def test_autoscalers_are_found_by_what_they_scale(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            await bench.add_gray()
            for name, target in (("a", "face-blur-stable"), ("b", "else"), ("c", "face-blur-gray")):
                target_ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
                await bench.add(
                    {
                        "apiVersion": "autoscaling/v2",
                        "kind": "HorizontalPodAutoscaler",
                        "metadata": {"name": name},
                        "spec": {"scaleTargetRef": target_ref, "minReplicas": 2, "maxReplicas": 5},
                    }
                )

            found = await bench.snapshot()

            assert found.stable_scaler == Scaler("a", 2, 5)
            assert found.gray_scaler == Scaler("c", 2, 5)

        self.run(story)

    def test_used_config_maps_and_secrets_are_read_by_name(self) -> None:
        async def story(bench: Bench) -> None:
            objects = stable_objects()
            objects[0]["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [
                {"configMapRef": {"name": "settings"}},
                {"secretRef": {"name": "password", "optional": True}},
            ]
            for item in objects:
                await bench.add(item)
            await bench.add(a_resource(a_spec()))
            settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
            await bench.add({**settings, "data": {"LEVEL": "info"}})

            first = (await bench.snapshot()).mounts
            path = path_of("ConfigMap", SPACE, "settings")
            change = {"data": {"LEVEL": "debug"}}
            await bench.api.request("PATCH", path, body=change, content_type=MERGE_PATCH)
            believed = (await bench.snapshot()).mounts
            later = (await bench.restarted().snapshot()).mounts

            assert [(one.kind, one.name) for one in first] == [
                ("ConfigMap", "settings"),
                ("Secret", "password"),
            ]
            assert believed == first
            assert first[1].digest is later[1].digest is None
            assert None is not first[0].digest != later[0].digest is not None

        self.run(story)

    def test_repeated_event_is_counted_and_a_new_one_is_a_new_object(self) -> None:
        async def story(bench: Bench) -> None:
            await bench.install()
            resource = await bench.resource()
            holding, started = Event(Reason.HOLDING, "5 more"), Event(Reason.STARTED, "go")

            await bench.events.send(resource, (started, holding))
            await bench.events.send(resource, (holding,))

            items = (await bench.api.get(path_of("Event", SPACE)))["items"]
            told = [
                (one["reason"], one["count"])
                for one in items
                if one["involvedObject"]["name"] == KEY.name
            ]
            assert sorted(told) == [("Holding", 2), ("Started", 1)]

        self.run(story)

    def test_lease_is_held_by_one_and_free_after_release(self) -> None:
        async def story(bench: Bench) -> None:
            first, second = an_elector(bench.api, "a"), an_elector(bench.api, "b")
            await first.acquire()
            waiting = asyncio.create_task(second.acquire())
            async with asyncio.timeout(5):
                keeping = asyncio.create_task(first.keep())
                await asyncio.sleep(1)
                assert (first.is_leading, second.is_leading) == (True, False)

                keeping.cancel()
                await first.release()
                await waiting

            assert (first.is_leading, second.is_leading) == (False, True)

        self.run(story)

    def test_silent_leader_is_fenced_before_the_next_one_leads(self) -> None:
        async def story(bench: Bench) -> None:
            first, second = an_elector(bench.api, "a"), an_elector(bench.api, "b")
            await first.acquire()
            waiting = asyncio.create_task(second.acquire())
            led_together = 0
            async with asyncio.timeout(10):
                while not waiting.done():
                    led_together += first.is_leading and second.is_leading
                    await asyncio.sleep(0.01)

            assert led_together == 0
            assert (first.is_leading, second.is_leading) == (False, True)
            with pytest.raises(NotLeadingError):
                first.check()

        self.run(story)

    def test_leader_that_lost_its_lease_notices_at_the_next_renewal(self) -> None:
        async def story(bench: Bench) -> None:
            first = an_elector(bench.api, "a")
            await first.acquire()
            lease = await bench.get("Lease", "test")
            lease["spec"]["holderIdentity"] = "thief"
            await bench.api.request("PUT", path_of("Lease", SPACE, "test"), body=lease)

            async with asyncio.timeout(2):
                await first.keep()

            assert not first.is_leading

        self.run(story)

    def test_a_renewal_that_is_only_tried_is_stamped_and_not_stored(self) -> None:
        """By this a process that begins knows for how long a Lease has been silent."""

        async def story(bench: Bench) -> None:
            path = path_of("Lease", SPACE, "stamped")

            def stamp_of(lease: Object) -> str:
                return max(str(one["time"]) for one in lease["metadata"]["managedFields"])

            async def put(lease: Object, time: str, query: dict[str, str] | None = None) -> Object:
                spec = {**lease["spec"], "renewTime": f"2026-01-01T00:00:{time}Z"}
                return await bench.api.request(
                    "PUT", path, query=query, body={**lease, "spec": spec}
                )

            head = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
            spec = {"holderIdentity": "a", "renewTime": "2026-01-01T00:00:00.000000Z"}
            first = await bench.add({**head, "metadata": {"name": "stamped"}, "spec": spec})
            stored, count = first, 0
            async with asyncio.timeout(10):
                # Each renewal is stamped anew, though it changes nothing but its time.
                while stamp_of(stored) == stamp_of(first):
                    count += 1
                    stored = await put(stored, f"01.{count:06}")
                    await asyncio.sleep(0.1)

            tried = await put(stored, "02.000000", {"dryRun": "All"})

            assert stamp_of(tried) >= stamp_of(stored)
            now = await bench.api.get(path)
            assert now["spec"] == stored["spec"]
            assert now["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"]

        self.run(story)


def names_of(snapshot: Snapshot) -> set[str]:
    return {one.name for one in snapshot.gray_pods}


def an_elector(api: KubeApi, name: str) -> LeaseElector:
    place = LeasePlace(SPACE, "test", name)
    return LeaseElector(api, SystemClock(), place, chance=lambda: 1.0, timing=QUICK)
