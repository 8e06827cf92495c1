"""Requests to the API server as plain JSON, with a timeout each and our own errors.

Used by the reader, the writer, the events and the Lease. It speaks JSON instead of the client's
typed models: pod templates must come through untouched, also fields newer than the client.
"""

import json
import os
from datetime import timedelta
from typing import Any

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.client.rest import RESTResponse

from faceblur_operator.ports.errors import (
    ClusterError,
    ConflictError,
    RefusedError,
    UnreachableError,
)

FIELD_MANAGER = "faceblur-operator"
TIMEOUT = timedelta(seconds=5)
# API group and plural of every kind we touch.
KINDS = {
    "FaceBlurRollout": ("apis/faceblur.dev/v1alpha1", "faceblurrollouts"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "ReplicaSet": ("apis/apps/v1", "replicasets"),
    "Pod": ("api/v1", "pods"),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers"),
    "Service": ("api/v1", "services"),
    "ConfigMap": ("api/v1", "configmaps"),
    "Event": ("api/v1", "events"),
    "Secret": ("api/v1", "secrets"),
    "Ingress": ("apis/networking.k8s.io/v1", "ingresses"),
    "Lease": ("apis/coordination.k8s.io/v1", "leases"),
}
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
# The format is JSON too: all of JSON is YAML.
APPLY_PATCH = "application/apply-patch+yaml"

Object = dict[str, Any]


class NotFoundError(ClusterError):
    """There is no such object; ends inside the adapters."""


def path_of(kind: str, namespace: str | None, name: str = "", *, subresource: str = "") -> str:
    """Return the path of an object, or of a collection when it has no name."""
    prefix, plural = KINDS[kind]
    scope = f"/namespaces/{namespace}" if namespace is not None else ""
    parts = [f"/{prefix}{scope}/{plural}", name, subresource]
    return "/".join(part for part in parts if part)


async def load_configuration() -> client.Configuration:
    """Return how to reach the API server: from inside a pod, else by the kubeconfig."""
    configuration = client.Configuration()
    if "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ:
        config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]  # no types there
    else:
        await config.load_kube_config(  # type: ignore[no-untyped-call]  # no types there
            client_configuration=configuration
        )
    return configuration


def listed(kind: str, answer: Object) -> list[Object]:
    """Return the objects of a list; there the API server leaves out what they are."""
    version = KINDS[kind][0].partition("/")[2]
    items = answer.get("items") or []
    return [{"apiVersion": version, "kind": kind, **item} for item in items]


class KubeApi:
    """One pool of connections to the API server."""

    def __init__(self, configuration: client.Configuration) -> None:
        self._client = client.ApiClient(configuration)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]  # no types there

    async def get(self, path: str, **query: str) -> Object:
        """Return an object, or a list.

        Raises:
            NotFoundError: there is none.
            ClusterError: it could not be read.
        """
        return await self.request("GET", path, query=query)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout: timedelta = TIMEOUT,
    ) -> Object:
        """Send one request and return the JSON of its answer.

        Raises:
            NotFoundError: HTTP 404.
            ConflictError: the object changed, or exists already, or has another uid.
            RefusedError: the request itself is wrong or forbidden.
            UnreachableError: no answer in time, or the server is overloaded or failing.
        """
        headers = {"Accept": "application/json", "Content-Type": content_type}
        method, url, headers, body, _ = await self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        seconds = timeout.total_seconds()
        try:
            response: RESTResponse = await self._client.call_api(
                method,
                url,
                header_params=headers,
                body=body,
                _request_timeout=aiohttp.ClientTimeout(total=seconds),
            )
            data = await response.read()  # type: ignore[no-untyped-call]  # no types there
        except TimeoutError as err:
            raise UnreachableError(f"{method} {path}: no answer within {seconds:g} s") from err
        except (aiohttp.ClientError, OSError) as err:
            raise UnreachableError(f"{method} {path}: {type(err).__name__}: {err}") from err
        return _result(response.status, data, f"{method} {path}")


def _result(status: int, data: bytes, what: str) -> Object:
    try:
        answer = json.loads(data)
    except ValueError:
        answer = None
    if 200 <= status < 300 and isinstance(answer, dict):
        return answer
    # What stands between us and the API server may answer with anything.
    answer = answer if isinstance(answer, dict) else {}
    text = f"{what}: {answer.get('message') or f'HTTP {status}'}"
    if status == 404:
        raise NotFoundError(text)
    if status == 409 or _is_other_uid(status, answer):
        raise ConflictError(text)
    # 401 is a token that was just renewed, or an API server that starts.
    if status in (408, 401, 429) or status >= 500 or status < 300:
        raise UnreachableError(text)
    raise RefusedError(text)


def _is_other_uid(status: int, answer: Object) -> bool:
    """Whether a patch was refused because it names the uid of an earlier object."""
    causes = (answer.get("details") or {}).get("causes") or []
    return status == 422 and any(one.get("field") == "metadata.uid" for one in causes)
