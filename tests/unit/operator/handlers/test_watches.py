"""kopf as we set it up: it passes everything on and writes nothing."""

import asyncio
from typing import Any

import pytest
from kopf._cogs.structs.references import Resource

from faceblur_operator.handlers.watches import KINDS, make_registry, make_settings

Seen = list[tuple[str, dict[str, Any], bool]]


def kopf_resource(plural: str) -> Resource:
    return Resource(group="", version="v1", plural=plural, namespaced=True, preferred=True)


def handlers(seen: Seen) -> dict[str, Any]:
    registry = make_registry(lambda *one: seen.append(one))
    return {str(one.id): one for one in registry._watching.get_all_handlers()}


def test_every_kind_is_watched() -> None:
    assert set(handlers([])) == {f"see-{plural}" for _, _, plural in KINDS.values()}


@pytest.mark.parametrize(
    ("kind_of_event", "want_gone"),
    [
        pytest.param(None, False, id="found at the start"),
        pytest.param("ADDED", False, id="added"),
        pytest.param("MODIFIED", False, id="modified"),
        pytest.param("DELETED", True, id="deleted"),
    ],
)
def test_event_is_passed_on_as_it_is(kind_of_event: str | None, want_gone: bool) -> None:
    seen: Seen = []
    handler = handlers(seen)["see-ingresses"]
    item = {"metadata": {"name": "web"}}

    asyncio.run(handler.fn(event={"type": kind_of_event, "object": item}, logger=None))

    assert seen == [("Ingress", item, want_gone)]


def test_of_all_pods_only_those_of_rollouts_are_sent() -> None:
    pods = kopf_resource("pods")
    services = kopf_resource("services")

    found = make_settings().watching.label_selectors

    assert list(found.collect(pods)) == ["faceblur.dev/rollout"]
    assert list(found.collect(services)) == []


def test_nothing_needs_a_finalizer() -> None:
    registry = make_registry(lambda *_: None)

    assert registry._changing.get_all_handlers() == []
    assert registry._spawning.get_all_handlers() == []


def test_kopf_sends_no_events_and_a_dead_watch_blinds_for_less_than_a_minute() -> None:
    settings = make_settings()

    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.watching.inactivity_timeout < 60
