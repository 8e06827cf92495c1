"""Which ConfigMaps and Secrets a template uses, and the digest over them."""

from typing import Any

import pytest

from faceblur_operator.core.configs import digest_of, used_by
from faceblur_operator.core.snapshot import Mount


def a_template(container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "processor", **(container or {})}], **spec}}


@pytest.mark.parametrize(
    ("template", "want"),
    [
        pytest.param(a_template(), set(), id="none"),
        pytest.param(
            a_template(
                volumes=[
                    {"name": "v", "configMap": {"name": "a"}},
                    {"name": "w", "secret": {"secretName": "b"}},
                    {"name": "x", "emptyDir": {}},
                ]
            ),
            {("ConfigMap", "a"), ("Secret", "b")},
            id="volumes",
        ),
        pytest.param(
            a_template(
                volumes=[
                    {
                        "name": "v",
                        "projected": {
                            "sources": [
                                {"configMap": {"name": "a"}},
                                {"secret": {"name": "b"}},
                                {"serviceAccountToken": {"path": "t"}},
                            ]
                        },
                    }
                ]
            ),
            {("ConfigMap", "a"), ("Secret", "b")},
            id="projected volume",
        ),
        pytest.param(
            a_template(
                {"envFrom": [{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "b"}}]}
            ),
            {("ConfigMap", "a"), ("Secret", "b")},
            id="all variables of one",
        ),
        pytest.param(
            a_template(
                {
                    "env": [
                        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "k"}}},
                        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "b", "key": "k"}}},
                        {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                        {"name": "D", "value": "plain"},
                    ]
                }
            ),
            {("ConfigMap", "a"), ("Secret", "b")},
            id="single variables",
        ),
        pytest.param(
            a_template(initContainers=[{"envFrom": [{"configMapRef": {"name": "a"}}]}]),
            {("ConfigMap", "a")},
            id="a container that prepares",
        ),
        pytest.param(
            a_template(imagePullSecrets=[{"name": "registry"}]), set(), id="not for the containers"
        ),
    ],
)
def test_used_by(template: dict[str, Any], want: set[tuple[str, str]]) -> None:
    assert used_by(template) == want


def test_the_digest_depends_on_what_is_in_them_and_not_on_their_order() -> None:
    a, b = Mount("ConfigMap", "a", "1"), Mount("Secret", "b", None)
    changed = Mount("Secret", "b", "2")

    assert digest_of([]) == ""
    assert digest_of([a, b]) == digest_of([b, a])
    assert len({digest_of([a, b]), digest_of([a, changed]), digest_of([a])}) == 3
