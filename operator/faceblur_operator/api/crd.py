"""The CustomResourceDefinition, made from the types: they are its only source.

Pure; `tests/contract/generate.py` writes it to the files, and the command line prints it.
"""

from typing import Any

from faceblur_operator.api.spec import FaceBlurRolloutSpec
from faceblur_operator.api.status import FaceBlurRolloutStatus
from faceblur_operator.api.structural import structural

GROUP = "faceblur.dev"
VERSION = "v1alpha1"
KIND = "FaceBlurRollout"
PLURAL = "faceblurrollouts"
LONGEST_NAME = 40

# Name, type, path, shown with -o wide only.
COLUMNS = (
    ("Phase", "string", ".status.phase", False),
    ("Step", "string", ".status.step", False),
    ("Weight", "integer", ".status.grayWeight", False),
    ("Image", "string", ".spec.image", False),
    ("Verdict", "string", ".status.verdict", False),
    ("Message", "string", ".status.message", False),
    ("Age", "date", ".metadata.creationTimestamp", False),
    ("Stable", "string", ".status.stableImage", True),
    ("Revision", "string", ".status.revision", True),
    ("Started", "date", ".status.startedAt", True),
    ("Finished", "date", ".status.finishedAt", True),
)


# What a release has made is found by these names: others in the middle would leave traffic behind.
_IS_AT_REST = (
    "!has(oldSelf.status) || !has(oldSelf.status.phase)"
    " || oldSelf.status.phase in ['Pending', 'Succeeded', 'RolledBack']"
    " || (oldSelf.status.phase == 'Invalid' && !has(oldSelf.status.stepStartedAt))"
)
_SAME_NAMES = (
    "self.spec.stable == oldSelf.spec.stable"
    " && (has(self.spec.gray.deployment) ? self.spec.gray.deployment : '')"
    " == (has(oldSelf.spec.gray.deployment) ? oldSelf.spec.gray.deployment : '')"
    " && (has(self.spec.gray.service) ? self.spec.gray.service : '')"
    " == (has(oldSelf.spec.gray.service) ? oldSelf.spec.gray.service : '')"
    " && (has(self.spec.traffic.ingresses) ? self.spec.traffic.ingresses : [])"
    " == (has(oldSelf.spec.traffic.ingresses) ? oldSelf.spec.traffic.ingresses : [])"
)


def crd() -> dict[str, Any]:
    """Return the CustomResourceDefinition of FaceBlurRollout."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["fbr", "rollout"],
                "categories": ["faceblur"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(*one) for one in COLUMNS],
                    "schema": {"openAPIV3Schema": schema()},
                }
            ],
        },
    }


def schema() -> dict[str, Any]:
    """Return the structural schema of a whole FaceBlurRollout."""
    return {
        "description": "A gray release of the face blur service: a new image gets a rising share "
        "of the traffic while its objectives hold, and none as soon as they do not.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}."},
            "kind": {"type": "string", "description": f"{KIND}."},
            "metadata": {"type": "object"},
            "spec": structural(FaceBlurRolloutSpec.model_json_schema()),
            "status": structural(FaceBlurRolloutStatus.model_json_schema()),
        },
        "x-kubernetes-validations": [
            {
                "rule": f"size(self.metadata.name) <= {LONGEST_NAME}",
                "message": f"metadata.name must have at most {LONGEST_NAME} characters: it becomes "
                "part of a label",
            },
            {
                "rule": f"({_IS_AT_REST}) || ({_SAME_NAMES})",
                "message": "stable, gray.deployment, gray.service and traffic.ingresses name what "
                "is being released and cannot change now: abort the release first (kubectl "
                "faceblur abort), or wait for its end",
            },
        ],
    }


def _column(name: str, kind: str, path: str, is_wide: bool) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": kind, "jsonPath": path}
    return column | {"priority": 1} if is_wide else column
