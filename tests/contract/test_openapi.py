"""The API does what its OpenAPI document says."""

import io
from pathlib import Path
from typing import Any

import cv2
import jsonschema  # type: ignore[import-untyped]  # ships no types
import numpy as np
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.detectors import FakeDetector

from faceblur_service.geometry import Box
from faceblur_service.gray import SqlitePool
from faceblur_service.settings import Settings
from faceblur_service.web.app import build
from faceblur_service.web.openapi import document

DOCUMENT = document()
PICTURE = bytes(cv2.imencode(".png", np.random.default_rng(0).integers(0, 256, (60, 80, 3)))[1])
METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS")
TEXT = st.text(max_size=40)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder: Path = tmp_path_factory.mktemp("gray")
    own = Settings(version="1", admin_token="admin", slots=2)
    return build(own, FakeDetector([Box(5, 5, 30, 30, 0.9)]), SqlitePool(folder / "g.sqlite"))


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "components": DOCUMENT["components"]}


def _check(answer: Any, path: str, method: str) -> None:
    """Hold an answer against what the document says for it."""
    operation = DOCUMENT["paths"][path].get(method.lower())
    if operation is None:
        # Flask answers OPTIONS and HEAD by itself.
        assert answer.status_code in {200, 401, 405}
        return
    assert str(answer.status_code) in operation["responses"], (answer.status_code, answer.text)
    told = operation["responses"][str(answer.status_code)]["content"]
    assert answer.mimetype in told
    if answer.mimetype.endswith("json"):
        jsonschema.validate(answer.get_json(force=True), _schema(told[answer.mimetype]["schema"]))


def test_the_document_is_served_and_describes_every_route(app: Flask) -> None:
    served = app.test_client().get("/api/v1/openapi.json").get_json()
    rules = {
        rule.rule.replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
        if rule.rule not in {"/", "/metrics", "/static/<path:filename>", "/api/v1/openapi.json"}
    }

    assert served == DOCUMENT
    assert set(served["paths"]) == rules


@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"]))
@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_sent_the_answer_is_one_of_those_described(
    app: Flask, path: str, method: str, data: st.DataObject
) -> None:
    choices = st.sampled_from(["mode", "strength", "sensitivity", "boxes", "x"])
    values = st.sampled_from(["blur", "solid", "strong", "max", "[]", "[{}]", "null"]) | TEXT
    query = data.draw(st.dictionaries(choices, values, max_size=3))
    kinds = st.sampled_from(["image/png", "image/jpeg", "application/json", "text/plain", ""])
    body = data.draw(
        st.sampled_from([PICTURE, PICTURE[:99], b"", b'{"enabled": true}']) | st.binary()
    )
    sent: dict[str, Any] = {"data": body, "content_type": data.draw(kinds)}
    if data.draw(st.booleans()):
        sent = {"data": {"image": (io.BytesIO(body), data.draw(TEXT))}}
    headers = data.draw(st.sampled_from([{}, {"Authorization": "Bearer admin"}]))
    address = path.replace("{user}", "somebody")

    with app.test_client() as client:
        answer = client.open(address, method=method, query_string=query, headers=headers, **sent)
        answer.get_data()
        answer.close()

    assert answer.status_code < 500
    _check(answer, path, method)
