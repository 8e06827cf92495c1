"""The ConfigMaps and Secrets that a pod template uses, and one digest over what is in them.

A change of one is a change of what is released, although the template stays the same.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from faceblur_operator.core.snapshot import Json, Mount

CONFIG_MAP = "ConfigMap"
SECRET = "Secret"  # noqa: S105 - a kind, not a password
# On the pods of gray: they are made anew when what they were started with has changed.
CONFIG = "faceblur.dev/config"


def used_by(template: Json) -> frozenset[tuple[str, str]]:
    """Return kind and name of each ConfigMap and Secret that reaches the containers."""
    spec = template["spec"]
    found = [one for volume in spec.get("volumes") or [] for one in _volume(volume)]
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        found += _container(container)
    return frozenset((kind, str(name)) for kind, name in found if name)


def digest_of(mounts: Iterable[Mount]) -> str:
    """Return one short digest, empty without any mount."""
    essence = sorted((one.kind, one.name, one.digest or "") for one in mounts)
    return sha256(json.dumps(essence).encode()).hexdigest()[:10] if essence else ""


def _volume(volume: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
    for source in sources:
        yield CONFIG_MAP, (source.get("configMap") or {}).get("name")
        secret = source.get("secret") or {}
        yield SECRET, secret.get("secretName") or secret.get("name")


def _container(container: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for source in container.get("envFrom") or []:
        yield CONFIG_MAP, (source.get("configMapRef") or {}).get("name")
        yield SECRET, (source.get("secretRef") or {}).get("name")
    for variable in container.get("env") or []:
        source = variable.get("valueFrom") or {}
        yield CONFIG_MAP, (source.get("configMapKeyRef") or {}).get("name")
        yield SECRET, (source.get("secretKeyRef") or {}).get("name")
