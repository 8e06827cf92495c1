"""Reads and watches FaceBlurRollouts through the API, for the demo and the e2e tests."""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import urllib3
from kubernetes import client, config, watch

# The client's helpers have no types.
_untyped = cast("Callable[[Any], Callable[..., Any]]", lambda function: function)
_RESOURCE = ("faceblur.dev", "v1alpha1")
_PLURAL = "faceblurrollouts"
_WATCH_S = 3
_AGAIN_S = 0.5
_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a rollout said of itself at one time.

    Attributes:
        at: When it was seen, in seconds of the monotonic clock.
        is_current: The status is about the specification as it is now.
        reason: Why, in one word: the reason of the latest decision but a hold.
    """

    at: float
    is_current: bool
    phase: str
    step: str
    weight: int
    image: str
    verdict: str
    message: str
    reason: str = ""


def sighting(rollout: Mapping[str, Any], at: float) -> Sighting:
    """Return what the resource says."""
    status: Mapping[str, Any] = rollout.get("status") or {}
    told = [one for one in status.get("decisions") or () if one.get("action") != "hold"]
    return Sighting(
        at=at,
        is_current=status.get("observedGeneration") == rollout["metadata"]["generation"],
        phase=status.get("phase", ""),
        step=status.get("step", ""),
        weight=int(status.get("grayWeight", 0)),
        image=status.get("grayImage", ""),
        verdict=status.get("verdict", ""),
        message=status.get("message", ""),
        reason=told[-1].get("reason", "") if told else "",
    )


class Kube:
    """Typed access to one namespace of a cluster."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        """Connect with the kubeconfig's current context."""
        self.namespace = namespace
        self._api = _untyped(config.new_client_from_config)(config_file=str(kubeconfig))
        self._custom = client.CustomObjectsApi(self._api)

    def rollout(self, name: str) -> dict[str, Any] | None:
        """Return the rollout, None when there is none."""
        try:
            found = self._custom.get_namespaced_custom_object(
                *_RESOURCE, self.namespace, _PLURAL, name, _request_timeout=_TIMEOUT_S
            )
        except client.ApiException as error:
            if error.status == 404:
                return None
            raise
        return cast("dict[str, Any]", found)

    def patch_rollout(self, name: str, patch: Mapping[str, Any]) -> None:
        """Merge `patch` into the rollout."""
        self._custom.patch_namespaced_custom_object(
            *_RESOURCE, self.namespace, _PLURAL, name, dict(patch), _request_timeout=_TIMEOUT_S
        )

    def get(self, path: str) -> dict[str, Any] | None:
        """Return the object, or list, at an API path such as /api/v1/namespaces/x/pods."""
        request = self._api.param_serialize(
            "GET", path, header_params={"Accept": "application/json"}, auth_settings=["BearerToken"]
        )
        answer = self._api.call_api(*request, _request_timeout=_TIMEOUT_S)
        body = answer.read()
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise client.ApiException(http_resp=answer)
        found: dict[str, Any] = json.loads(body)
        return found

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()

    def events(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rollout each time it changes; ends after a few quiet seconds."""
        watcher = _untyped(watch.Watch)()
        for event in watcher.stream(
            self._custom.list_namespaced_custom_object,
            *(*_RESOURCE, self.namespace, _PLURAL),
            field_selector=f"metadata.name={name}",
            timeout_seconds=_WATCH_S,
        ):
            if event["type"] in ("ADDED", "MODIFIED"):
                yield event["object"]


class Lookout:
    """Watches one rollout on a thread of its own and keeps every sighting."""

    def __init__(self, kubeconfig: Path, namespace: str, name: str) -> None:
        """Begin to watch; the rollout need not exist yet."""
        self._kube = Kube(kubeconfig, namespace)
        self._name = name
        self._stop = threading.Event()
        self._seen: queue.SimpleQueue[Sighting] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
        self._thread.start()

    def next(self, timeout_s: float) -> Sighting | None:
        """Return the next sighting, None when nothing changed within the time."""
        with contextlib.suppress(queue.Empty):
            return self._seen.get(timeout=max(timeout_s, 0.001))
        return None

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join(_WATCH_S + _TIMEOUT_S)
        self._kube.close()

    def _run(self) -> None:
        last = ""
        while not self._stop.is_set():
            try:
                for one in self._kube.events(self._name):
                    at, version = time.monotonic(), one["metadata"]["resourceVersion"]
                    if version != last:
                        self._seen.put(sighting(one, at))
                    last = version
                    if self._stop.is_set():
                        return
            except (client.ApiException, urllib3.exceptions.HTTPError):
                # The API server is away for a moment; a new watch begins with the present state.
                self._stop.wait(_AGAIN_S)
