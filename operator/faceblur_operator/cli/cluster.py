"""The API server as the command line needs it; the only file of it that knows a client."""

import getpass
from collections.abc import Callable
from typing import Any, Protocol, cast

import urllib3
from kubernetes import client, config

from faceblur_operator.api.crd import GROUP, PLURAL, VERSION
from faceblur_operator.core.commands import ANNOTATION

TIMEOUT_S = 10
# The client's helpers have no types.
_untyped = cast("Callable[[Any], Callable[..., Any]]", lambda function: function)


class ClusterError(Exception):
    """Something that the person can act on; the text is for them."""


class Rollouts(Protocol):
    """The rollouts of a cluster."""

    namespace: str

    def list(self, namespace: str) -> list[dict[str, Any]]:
        """Return the rollouts of a namespace."""
        ...

    def read(self, namespace: str, name: str) -> dict[str, Any]:
        """Return one rollout."""
        ...

    def annotate(self, namespace: str, name: str, command: str) -> None:
        """Put a command on a rollout."""
        ...

    def user(self) -> str:
        """Return who asks, as the cluster knows them."""
        ...


class KubeRollouts:
    """`Rollouts` of the cluster of a kubeconfig."""

    def __init__(self, kubeconfig: str | None, context: str | None) -> None:
        """Read the kubeconfig; nothing is asked yet."""
        try:
            self._api = _untyped(config.new_client_from_config)(
                config_file=kubeconfig, context=context
            )
            contexts, current = _untyped(config.list_kube_config_contexts)(config_file=kubeconfig)
        except (config.ConfigException, OSError) as err:
            raise ClusterError(f"no usable kubeconfig: {err}") from err
        chosen = next((one for one in contexts if one["name"] == context), current)
        self.namespace = str(chosen["context"].get("namespace") or "default")
        self._custom = client.CustomObjectsApi(self._api)

    def list(self, namespace: str) -> list[dict[str, Any]]:
        """Return the rollouts of a namespace."""
        found = self._ask("list", "list_namespaced_custom_object", namespace, PLURAL)
        return list(found["items"])

    def read(self, namespace: str, name: str) -> dict[str, Any]:
        """Return one rollout."""
        what = f"{namespace}/{name}"
        return dict(self._ask(what, "get_namespaced_custom_object", namespace, PLURAL, name))

    def annotate(self, namespace: str, name: str, command: str) -> None:
        """Put a command on a rollout."""
        body = {"metadata": {"annotations": {ANNOTATION: command}}}
        what = f"{namespace}/{name}"
        self._ask(what, "patch_namespaced_custom_object", namespace, PLURAL, name, body)

    def user(self) -> str:
        """Return who asks, as the cluster knows them; else the name on this machine."""
        try:
            review = client.AuthenticationV1Api(self._api).create_self_subject_review(
                client.V1SelfSubjectReview(), _request_timeout=TIMEOUT_S
            )
        except (client.ApiException, urllib3.exceptions.HTTPError):
            return getpass.getuser()
        info = review.status.user_info if review.status else None
        return str(info.username) if info else getpass.getuser()

    def _ask(self, what: str, verb: str, *words: Any) -> dict[str, Any]:
        call = getattr(self._custom, verb)
        try:
            answer: dict[str, Any] = call(GROUP, VERSION, *words, _request_timeout=TIMEOUT_S)
        except client.ApiException as err:
            raise ClusterError(_sentence(what, err.status, err.reason)) from err
        except urllib3.exceptions.HTTPError as err:
            raise ClusterError(f"the API server does not answer: {err}") from err
        return answer


def _sentence(what: str, status: int, reason: str) -> str:
    if status == 404:
        return f"no FaceBlurRollout {what}; see: kubectl get rollout --all-namespaces"
    if status == 403:
        return f"you may not do this to FaceBlurRollout {what}; ask for the right to patch it"
    return f"FaceBlurRollout {what}: the API server says {status} {reason}"
