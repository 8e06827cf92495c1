"""What exactly is released: stable's pod template with the new image and variables in it."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from faceblur_operator.core.plan import Plan
from faceblur_operator.core.snapshot import Json
from faceblur_operator.core.state import Previous

# `kubectl rollout restart` writes it; it changes pods, not what they run.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def container_of(template: Json, wanted: str | None) -> str | None:
    """Return the name of the container to release: the wanted one, or the only one, else None."""
    names = [str(one["name"]) for one in template["spec"]["containers"]]
    if wanted is None:
        return names[0] if len(names) == 1 else None
    return wanted if wanted in names else None


def with_release(template: Json, container: str, image: str, env: Iterable[tuple[str, str]]) -> Any:
    """Return a copy of a pod template in which one container has this image and variables."""
    copy = json.loads(json.dumps(template))
    for one in copy["spec"]["containers"]:
        if one["name"] == container:
            one["image"] = image
            one["env"] = _merged(one.get("env", []), env)
            if not one["env"]:
                del one["env"]
    return copy


def target_template(plan: Plan, stable_template: Json, container: str) -> Any:
    """Return the template that shall become stable."""
    return with_release(stable_template, container, plan.image, plan.gray_env)


def revision_of(template: Json) -> str:
    """Return a short hash of a template; a mere restart does not change it."""
    metadata = template.get("metadata") or {}
    annotations = {
        name: value
        for name, value in (metadata.get("annotations") or {}).items()
        if name != RESTARTED_AT
    }
    essence = {
        "labels": metadata.get("labels") or {},
        "annotations": annotations,
        "spec": template["spec"],
    }
    return sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()[:10]


def image_of(template: Json, container: str) -> str:
    """Return the image of one container."""
    return str(_container(template, container)["image"])


def previous_of(template: Json, container: str, env: Iterable[tuple[str, str]]) -> Previous:
    """Return what has to be put back should the promotion fail."""
    now = {
        one["name"]: one.get("value", "") for one in _container(template, container).get("env", [])
    }
    return Previous(image_of(template, container), tuple((name, now.get(name)) for name, _ in env))


def borrowed(template: Json, container: str) -> set[str]:
    """Return the variables of a container whose value comes from elsewhere (`valueFrom`)."""
    env = _container(template, container).get("env") or []
    return {str(one["name"]) for one in env if "valueFrom" in one}


def _container(template: Json, name: str) -> Mapping[str, Any]:
    return next(one for one in template["spec"]["containers"] if one["name"] == name)


def _merged(env: list[Any], changes: Iterable[tuple[str, str]]) -> list[Any]:
    wanted = dict(changes)
    kept = [
        _variable(one["name"], wanted.pop(one["name"])) if one["name"] in wanted else one
        for one in env
    ]
    return kept + [_variable(name, value) for name, value in wanted.items()]


def _variable(name: str, value: str) -> dict[str, str]:
    """Return a variable as the API server keeps it: an empty value is left out."""
    return {"name": name, "value": value} if value else {"name": name}
