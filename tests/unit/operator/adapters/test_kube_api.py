"""Answers of an API server, or of what stands before it, as our errors. On the loopback."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from kubernetes.aio import client
from tests.support.fakes.http_prometheus import Reply, http_prometheus, said

from faceblur_operator.adapters.kube_api import KubeApi, NotFoundError, path_of
from faceblur_operator.ports.errors import ConflictError, RefusedError, UnreachableError

QUICK = timedelta(seconds=0.3)
# Nobody waits for it: an answer that comes must not depend on how busy the machine is.
PATIENT = timedelta(seconds=30)


def ask(reply: Reply) -> Any:
    patience = QUICK if reply.stall_s else PATIENT

    async def go(url: str) -> Any:
        configuration = client.Configuration()
        configuration.host = url
        api = KubeApi(configuration)
        try:
            return await api.request(
                "GET", "/api/v1/namespaces/demo/services/web", timeout=patience
            )
        finally:
            await api.close()

    with http_prometheus(reply) as server:
        return asyncio.run(go(server.url))


def test_answer_comes_back_as_json() -> None:
    assert ask(said({"kind": "Service"})) == {"kind": "Service"}


UID = {"details": {"causes": [{"field": "metadata.uid"}]}, "message": "uid"}


@pytest.mark.parametrize(
    ("reply", "want", "want_text"),
    [
        pytest.param(said({"message": "no web"}, 404), NotFoundError, "no web", id="missing"),
        pytest.param(said({"message": "changed"}, 409), ConflictError, "changed", id="changed"),
        pytest.param(said(UID, 422), ConflictError, "uid", id="a later object of that name"),
        pytest.param(said({"message": "bad"}, 422), RefusedError, "bad", id="invalid"),
        pytest.param(said({"message": "no"}, 403), RefusedError, "no", id="forbidden"),
        pytest.param(said({}, 400), RefusedError, "HTTP 400", id="malformed"),
        pytest.param(said({"message": "who"}, 401), UnreachableError, "who", id="a stale token"),
        pytest.param(said({}, 429), UnreachableError, "HTTP 429", id="too many requests"),
        pytest.param(Reply(b"<html>", 502), UnreachableError, "HTTP 502", id="a proxy"),
        pytest.param(Reply(b"<html>"), UnreachableError, "HTTP 200", id="a page"),
        pytest.param(said([]), UnreachableError, "HTTP 200", id="no object"),
        pytest.param(Reply(stall_s=0.5), UnreachableError, "within 0.3 s", id="silence"),
        pytest.param(Reply(b"{" * 99, cut=True), UnreachableError, "Payload", id="half an answer"),
    ],
)
def test_what_goes_wrong_is_one_of_our_errors(
    reply: Reply, want: type[Exception], want_text: str
) -> None:
    with pytest.raises(want, match=want_text) as caught:
        ask(reply)

    assert type(caught.value) is want


def test_server_that_is_down_is_out_of_reach() -> None:
    async def go() -> None:
        configuration = client.Configuration()
        configuration.host = "http://127.0.0.1:1"
        api = KubeApi(configuration)
        try:
            await api.get("/api")
        finally:
            await api.close()

    with pytest.raises(UnreachableError, match="GET /api"):
        asyncio.run(go())


@pytest.mark.parametrize(
    ("path", "want"),
    [
        pytest.param(path_of("Service", "demo"), "/api/v1/namespaces/demo/services", id="list"),
        pytest.param(
            path_of("Deployment", "demo", "web"),
            "/apis/apps/v1/namespaces/demo/deployments/web",
            id="object",
        ),
        pytest.param(
            path_of("FaceBlurRollout", "demo", "x", subresource="status"),
            "/apis/faceblur.dev/v1alpha1/namespaces/demo/faceblurrollouts/x/status",
            id="subresource",
        ),
        pytest.param(path_of("Ingress", None), "/apis/networking.k8s.io/v1/ingresses", id="all"),
    ],
)
def test_paths(path: str, want: str) -> None:
    assert path == want
