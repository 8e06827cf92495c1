"""What the CRD must say to people and to the API server."""

from collections.abc import Iterator, Mapping
from typing import Any

from faceblur_operator.api.crd import crd, schema


def _nodes(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, node
    for name, one in node.get("properties", {}).items():
        yield from _nodes(one, f"{path}.{name}")
    if "items" in node:
        yield from _nodes(node["items"], f"{path}[]")


def test_crd_names_what_users_type() -> None:
    whole = crd()

    assert whole["metadata"] == {"name": "faceblurrollouts.faceblur.dev"}
    assert whole["spec"]["names"] == {
        "kind": "FaceBlurRollout",
        "listKind": "FaceBlurRolloutList",
        "plural": "faceblurrollouts",
        "singular": "faceblurrollout",
        "shortNames": ["fbr", "rollout"],
        "categories": ["faceblur"],
    }
    assert whole["spec"]["versions"][0]["subresources"] == {"status": {}}


def test_columns_read_phase_step_weight_image_verdict_message_age() -> None:
    columns = crd()["spec"]["versions"][0]["additionalPrinterColumns"]

    narrow = [one["name"].upper() for one in columns if "priority" not in one]
    assert narrow == ["PHASE", "STEP", "WEIGHT", "IMAGE", "VERDICT", "MESSAGE", "AGE"]


def test_columns_show_fields_that_exist() -> None:
    known = {path for path, _ in _nodes(schema(), "")}
    columns = crd()["spec"]["versions"][0]["additionalPrinterColumns"]

    unknown = {one["jsonPath"] for one in columns} - known
    assert unknown == {".metadata.creationTimestamp"}


def test_every_field_of_spec_and_status_is_described() -> None:
    silent = [
        path
        for part in ("spec", "status")
        for path, node in _nodes(schema()["properties"][part], part)
        if not path.endswith("[]") and not node.get("description", "").endswith((".", ")"))
    ]

    assert silent == []


def test_every_optional_field_of_the_spec_says_its_default() -> None:
    def says(node: Mapping[str, Any]) -> bool:
        text = node["description"].lower()
        return any(word in text for word in ("default", "optional", "required", "only with"))

    mute = [
        f"{path}.{name}"
        for path, node in _nodes(schema()["properties"]["spec"], "spec")
        for name, one in node.get("properties", {}).items()
        if name not in node.get("required", []) and not says(one)
    ]

    assert mute == []


def test_every_text_and_list_of_the_spec_is_bounded() -> None:
    unbounded = [
        path
        for path, node in _nodes(schema()["properties"]["spec"], "spec")
        if (node.get("type") == "string" and not {"maxLength", "enum"} & set(node))
        or (node.get("type") == "array" and "maxItems" not in node)
    ]

    assert unbounded == []


def test_status_asks_for_no_field() -> None:
    assert "required" not in schema()["properties"]["status"]
