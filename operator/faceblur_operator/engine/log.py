"""One way to write log records: a phrase, and fields that always name the rollout."""

from typing import Any

from faceblur_operator.ports.cluster import Key


def fields(key: Key, **more: object) -> dict[str, Any]:
    """Return the `extra` of a log call about one rollout."""
    return {"fields": {"namespace": key.namespace, "name": key.name, **more}}
