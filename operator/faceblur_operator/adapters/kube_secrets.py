"""Reads single Secrets by name; they are never listed, watched, kept or logged."""

import base64
import binascii

from faceblur_operator.adapters.kube_api import KubeApi, NotFoundError, path_of


class KubeSecrets:
    """The `SecretSource` of a real API server."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api

    async def secret(self, namespace: str, name: str, key: str) -> str | None:
        """Return the text, None when there is no such Secret or key, or it is no text.

        Raises:
            ClusterError: it could not be read.
        """
        try:
            found = await self._api.get(path_of("Secret", namespace, name))
        except NotFoundError:
            return None
        coded = (found.get("data") or {}).get(key)
        if coded is None:
            return None
        try:
            return base64.b64decode(coded, validate=True).decode().strip()
        except (binascii.Error, ValueError):
            return None
